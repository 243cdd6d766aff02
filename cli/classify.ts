import { Option } from 'commander';
import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { classify } from '../src/tasks/classify.js';
import type { ClassifyOptions, ClassifyResult } from '../src/tasks/classify.js';
import type { ChipPlan } from '../src/tasks/chips/plan.js';
import { execute } from './execute.js';
import { bandList, gsdOrModel, nameList, numberBetween, pageNumber, stretchRule, wholeNumber } from './options.js';
import { formatSeconds } from './progress.js';
import { counted, engineText } from './words.js';

type Flags = Omit<ClassifyOptions, 'input'> & { readonly json?: boolean };

export function registerClassify(program: Command): void {
  program.command('classify')
    .description('tag the chips of a scene, or the files of a folder of chips')
    .argument('<scene|folder>', 'a GeoTIFF, JPEG, PNG or WebP of any size, a VRT, a URL (https://, s3://), or a folder of chips')
    .requiredOption('-m, --model <model>', 'shipped model, model folder or ONNX file')
    .requiredOption('-o, --output <dir>', 'folder for tables, map and summary')
    .option('--patch-size <pixels>', 'edge of a scene\'s chips (default: what the model was trained on)', wholeNumber(1))
    .option('--overlap <pixels>', 'pixels that neighbouring chips of a scene share (default: 0)', wholeNumber(0))
    .option('--threshold <number>', 'probability from which on a tag counts, for all tags (default: the card\'s)', numberBetween(0, 1))
    .option('--page <number>', 'picture of a scene\'s file that holds several, from 1', pageNumber)
    .option('--top <number>', 'tell the likeliest tags of each of the first 20 chips', wholeNumber(1))
    .option('--bands <list>', 'bands for the model, from 1, such as 3,2,1', bandList)
    .option('--gsd <metres>', 'resample the scene to so many metres per pixel, or model: to what the model was trained at', gsdOrModel)
    .option('--aoi <area.geojson>', 'work only inside polygons (longitude, latitude)')
    .option('--stretch <rule>', 'how values become what the model takes: percentile:2,98, minmax:LOW,HIGH or scale:FACTOR,OFFSET', stretchRule)
    .addOption(new Option('--tta <ways>', 'look at everything mirrored (flips: 4 ways) or mirrored and turned (d4: 8), and average').choices(['flips', 'd4']))
    .option('--tables <list>', 'formats of the table of chips: csv, geojson, parquet, fgb (default: csv,geojson)', nameList)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .addOption(new Option('--precision <form>', 'form of the model: 8-bit integers where they are as good and faster (auto), or one of both').choices(['auto', 'float32', 'int8']).default('auto'))
    .addOption(new Option('--device <device>', 'where the model runs').choices(['cpu', 'cuda', 'webgpu']).default('cpu'))
    .addOption(new Option('--engine <engine>', 'what runs it: its ONNX graph by onnxruntime, or its layers by TensorFlow').choices(['onnxruntime', 'tensorflow']).default('onnxruntime'))
    .option('--overwrite', 'replace existing results')
    .option('--dry-run', 'say what the run would do and need; write nothing')
    .option('--json', 'print the result as JSON')
    .action(async (input: string, flags: Flags) => {
      await execute((context) => classify({ ...flags, input }, context), {
        json: flags.json, print: (result: ClassifyResult | ChipPlan) => ('memory' in result ? printChipPlan(result) : printResult(result)),
      });
    });
}

function printResult(result: ClassifyResult): void {
  const width = Math.max(...result.tags.map(({ name }) => name.length));
  const lines = [
    `${result.output}: ${counted(result.chips, 'chip')}${result.nodata > 0 ? `, ${result.nodata} of them without data` : ''}`,
    ...result.tags.filter(({ chips }) => chips > 0).map(({ name, chips, share }) => `  ${name.padEnd(width)} ${String(chips).padStart(7)}  ${(100 * share).toFixed(1).padStart(5)} %`),
    ...(result.top ?? []).flatMap(({ id, tags }) => [`${id}`, ...tags.map(({ name, score }) => `  ${score.toFixed(4)}  ${name}`)]),
    `written: ${result.files.join(', ')}`,
    `${formatSeconds(result.seconds)} (${formatSeconds(result.modelSeconds)} in the model, ${result.precision} on ${result.device}), peak memory ${formatBytes(result.peakRssBytes)}`
      + `${result.resumedStrips > 0 ? `; ${result.resumedStrips} of ${result.strips} strips from an earlier run` : ''}`,
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The plan of a run over chips. */
export function printChipPlan(plan: ChipPlan): void {
  const lines = [
    `chips     ${plan.chips} of ${plan.patchSize} pixels in ${plan.strips} strips, overlap ${plan.overlap}`,
    `time      about ${formatSeconds(plan.estimatedSeconds)} (${(plan.secondsPerChip * 1000).toFixed(1)} ms per chip measured, ${engineText(plan.device)})`,
    `memory    about ${formatBytes(plan.memory.peakBytes)}`,
    ...plan.memory.parts.map(({ name, bytes }) => `            ${name.padEnd(32)} ${formatBytes(bytes)}`),
    `output    about ${formatBytes(plan.estimatedOutputBytes)}, and ${formatBytes(plan.estimatedTemporaryBytes)} beside it until the end`,
    ...plan.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
