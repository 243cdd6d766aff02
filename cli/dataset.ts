import { Option, type Command } from 'commander';
import { EXIT } from '../src/errors.js';
import { datasetInfo, describeProblems, type DatasetInfoOptions, type DatasetInfoResult } from '../src/tasks/dataset-info.js';
import { datasetSplit, type DatasetSplitOptions, type DatasetSplitResult } from '../src/tasks/dataset-split.js';
import { execute } from './execute.js';
import { counted } from './words.js';
import { nameList, numberBetween, numberFrom, wholeNumber } from './options.js';

interface JsonFlag { readonly json?: boolean }

const SET = ['--set <key=value>', 'another value for a key of the description, such as threshold=128; may be repeated', (value: string, all: string[]) => [...all, value], [] as string[]] as const;
const DATA = 'folder, table (image_name,tags), archive (.zip, .tar), or dataset.yaml';

/** `tilewright dataset info|split` */
export function registerDataset(program: Command): void {
  const dataset = program.command('dataset').description('look at the data that a model is trained on, and split them');
  dataset.command('info')
    .description('what a data set is: samples, classes, tags that go together, and everything that is wrong with it')
    .argument('<data>', DATA)
    .option('-o, --output <dir>', 'draw classes.png, together.png (tags) and samples.png there')
    .option('--samples <number>', 'samples on the sheet', wholeNumber(1), 9)
    .option('--quick', 'read no pixels of chips: counts only')
    .option(...SET)
    .option('--overwrite', 'replace existing pictures')
    .option('--json', 'print the result as JSON')
    .action((data: string, flags: Omit<DatasetInfoOptions, 'data'> & JsonFlag) => execute(async (context) => {
      const result = await datasetInfo({ ...flags, data }, context);
      if (result.problems.some(({ fault }) => fault)) process.exitCode = EXIT.input;
      return result;
    }, { json: flags.json, print: printInfo }));
  dataset.command('split')
    .description('split a data set into training, validation and test; says where they show the same ground')
    .argument('<data>', DATA)
    .requiredOption('-o, --output <file.json>', 'names by part')
    .addOption(new Option('--by <kind>', 'random; stratified (each class alike in every part); group (folder, scene); block (squares on the ground)').choices(['random', 'stratified', 'group', 'block']).default('random'))
    .option('--validation <share>', 'share for choices', numberBetween(0, 1), 0.1)
    .option('--test <share>', 'share for scores only', numberBetween(0, 1), 0.1)
    .option('--validation-groups <names>', 'by group: the groups, separated by commas', nameList)
    .option('--test-groups <names>', 'by group: the groups, separated by commas', nameList)
    .option('--block <length>', 'by block: edge in metres (in pixels for scenes without a place)', numberFrom(1e-9))
    .option('--seed <number>', 'the same seed, the same split', wholeNumber(0), 1)
    .option('--no-leaks', 'do not look for samples that show the same ground')
    .option(...SET)
    .option('--overwrite', 'replace an existing file')
    .option('--json', 'print the result as JSON')
    .action((data: string, flags: Omit<DatasetSplitOptions, 'data'> & JsonFlag) => execute((context) => datasetSplit({ ...flags, data }, context), { json: flags.json, print: printSplit }));
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`.padStart(9);

function printInfo(result: DatasetInfoResult): void {
  const width = Math.max(0, ...result.classes.map(({ name }) => name.length));
  const range = (values: readonly [number, number] | undefined): string => (values === undefined ? '?' : values[0] === values[1] ? String(values[0]) : `${values[0]}–${values[1]}`);
  const what = result.kind === 'chips' ? counted(result.count, 'chip') : counted(result.count, 'picture with a mask', 'pictures with masks');
  const groups = result.groups.length > 1 ? [`groups    ${result.groups.slice(0, 12).map(({ name, count }) => `${name} ${count}`).join(', ')}${result.groups.length > 12 ? ` and ${result.groups.length - 12} more` : ''}`] : [];
  const lines = [
    `${result.data}: ${what} (${result.by})${result.width === undefined ? '' : `, ${range(result.width)} × ${range(result.height)} pixels`}`,
    ...groups,
    ...(result.parts === undefined ? [] : [`parts     train ${result.parts.train}, validation ${result.parts.validation}, test ${result.parts.test}`]),
    ...(result.tagsPerChip === undefined ? [] : [`tags      ${result.tagsPerChip.toFixed(3)} per chip`]),
    ...result.classes.map(({ name, count, share }, id) => `  ${String(id).padStart(3)}  ${name.padEnd(width)} ${count.toLocaleString('en').padStart(12)} ${percent(share)}`),
    ...(result.ignoredShare === undefined || result.ignoredShare === 0 ? [] : [`no class  ${percent(result.ignoredShare).trim()} of all pixels`]),
    ...describeProblems(result.problems),
    ...result.files.map((file) => `written: ${file}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function printSplit(result: DatasetSplitResult): void {
  const width = Math.max(5, ...result.classes.map(({ name }) => name.length));
  const across = result.leaks.filter(({ acrossParts }) => acrossParts);
  const text = (leak: DatasetSplitResult['leaks'][number]): string => `${leak.first} and ${leak.second} ${leak.by === 'copy' ? 'have the same pixels' : leak.by === 'place' ? 'overlap on the ground' : `show the same ground (about ${leak.overlap!.width} × ${leak.overlap!.height} pixels, correlation ${leak.overlap!.correlation.toFixed(2)})`}`;
  const lines = [
    `${result.output}: train ${result.train}, validation ${result.validation}, test ${result.test}${result.left > 0 ? `; ${result.left} in none, because they reach into another part` : ''} (${result.by})`,
    `  ${''.padEnd(width)}     train     valid.      test`,
    ...result.classes.map(({ name, train, validation, test }) => `  ${name.padEnd(width)} ${percent(train)}  ${percent(validation)} ${percent(test)}`),
    ...(across.length === 0 ? [] : [`leak: ${counted(across.length, 'pair')} of samples of different parts ${across.length === 1 ? 'is' : 'are'} of the same ground or equal`]),
    ...across.slice(0, 5).map((leak) => `  ${text(leak)}`),
    ...result.leaks.filter(({ acrossParts }) => !acrossParts).slice(0, 5).map((leak) => `note: ${text(leak)}; both are in one part`),
    ...result.notes.map((remark) => `note: ${remark}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
