import { Option, type Command } from 'commander';
import type { EvaluateOptions, EvaluateResult } from '../src/tasks/evaluate.js';
import { problemText } from '../src/dataset/index.js';
import { InvalidOptionError } from '../src/errors.js';
import { execute } from './execute.js';
import { numberBetween, wholeNumber } from './options.js';

type Flags = EvaluateOptions & { readonly json?: boolean };

/** `tilewright evaluate <model> --data folder` */
export function registerEvaluate(program: Command): void {
  program.command('evaluate')
    .description('score a model on data whose truth is known, beside answers that need no model')
    .argument('[model]', 'shipped model, model folder or ONNX file')
    .option('--model <model>', 'the same, as an option')
    .option('--data <data>', 'chips with tags, a folder per class, or images with masks: folder, table, archive or dataset.yaml')
    .option('--scene <file>', 'or one scene …')
    .option('--truth <file>', '… and its truth raster')
    .option('--classes <file>', 'legend of the truth raster, where it has no class names')
    .option('--set <key=value>', 'another value for a key of the data\'s description; may be repeated', (value: string, all: string[]) => [...all, value], [] as string[])
    .option('--split <file.json>', 'a split made by dataset split')
    .addOption(new Option('--part <part>', 'which part of the split; without one, of the data\'s own folders or of the model\'s training (default: test of a split, else everything)').choices(['train', 'validation', 'test']))
    .option('--threshold <number>', 'tags: probability from which on a tag counts (default: the card\'s)', numberBetween(0, 1))
    .addOption(new Option('--tta <ways>', 'look at everything mirrored (flips: 4 ways) or mirrored and turned (d4: 8), and average').choices(['flips', 'd4']))
    .option('-o, --output <dir>', 'draw scores.png, confusion.png and worst.png there')
    .option('--worst <number>', 'samples listed and drawn where model and truth differ most', wholeNumber(0), 12)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .option('--recipe <file>', 'score the test part of a recipe\'s data, as train does; --data is then the folder of its paths')
    .option('--overwrite', 'replace existing pictures')
    .option('--json', 'print the result as JSON')
    .action(async (model: string | undefined, flags: Flags) => {
      const { evaluate } = await import('../src/tasks/evaluate.js');
      await execute(async (context) => {
        const name = model ?? flags.model;
        if (name === undefined) throw new InvalidOptionError('model', 'expected a model, found none');
        return evaluate({ ...flags, model: name }, context);
      }, { json: flags.json, print: (result: Awaited<ReturnType<typeof evaluate>>) => ('perClass' in result ? printResult(result) : printScores(result)) });
    });
}

function printScores(result: { readonly scores: readonly { readonly value: number; readonly metric: string; readonly of?: string; readonly on: string }[] }): void {
  for (const score of result.scores) process.stdout.write(`${score.value.toFixed(4)}  ${score.metric}  ${score.of ?? 'model'}  (${score.on})\n`);
}

function printResult(result: EvaluateResult): void {
  const number = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : value.toFixed(4)).padStart(8);
  const width = Math.max(5, ...result.perClass.map(({ name }) => name.length));
  const main = [['f2', result.f2], ['accuracy', result.accuracy], ['miou', result.miou], ...Object.entries(result.scores)] as const;
  const isMap = result.task === 'maps';
  const lines = [
    `${result.model} on ${result.n} ${isMap ? 'pictures' : 'chips'} of ${result.data}${result.part === undefined ? '' : `, ${result.part}`}${result.tta === undefined ? '' : `, --tta ${result.tta}`}`,
    ...main.filter(([, value]) => value !== null).map(([name, value]) => `${number(value)}  ${name}`),
    ...Object.entries(result.baselines).map(([name, one]) => `  ${[['f2', one.f2], ['accuracy', one.accuracy], ['miou', one.miou], ['map', one.averagePrecision]].filter(([, value]) => value !== undefined).map(([metric, value]) => `${metric as string} ${(value as number).toFixed(4)}`).join(', ')}  ${name}`),
    `  ${'class'.padEnd(width)}  ${isMap ? '     IoU     Dice' : '      F2  av.prec.'} precis.   recall     support`,
    ...result.perClass.map((one) => `  ${one.name.padEnd(width)}  ${isMap ? `${number(one.iou)} ${number(one.dice)}` : `${number(one.f2)}  ${number(one.averagePrecision)}`} ${number(one.precision)} ${number(one.recall)}  ${one.support.toLocaleString('en').padStart(10)}`),
    ...(result.worst.length === 0 ? [] : ['differ most:']),
    ...result.worst.slice(0, 5).map((one) => `  ${one.name}: ${one.differs === '' ? 'right, but not surely' : one.differs}${one.suspect ? ' (likely an error of the label)' : ''}`),
    ...(result.suspects === 0 ? [] : [`${result.suspects} of ${result.n} have likely errors of the labels`]),
    ...result.problems.map((problem) => `note: ${problemText(problem)}`),
    ...result.warnings.map((warning) => `note: ${warning}`),
    ...result.files.map((file) => `written: ${file}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
