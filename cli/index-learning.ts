import { Option } from 'commander';
import type { Command } from 'commander';
import { indexClassify } from '../src/tasks/index-classify.js';
import type { IndexClassifyOptions, IndexClassifyResult } from '../src/tasks/index-classify.js';
import { indexDuplicates } from '../src/tasks/index-duplicates.js';
import type { IndexDuplicatesOptions, IndexDuplicatesResult } from '../src/tasks/index-duplicates.js';
import { indexOutliers } from '../src/tasks/index-outliers.js';
import type { IndexOutliersOptions, IndexOutliersResult } from '../src/tasks/index-outliers.js';
import { execute } from './execute.js';
import { numberFrom, wholeNumber } from './options.js';
import { formatSeconds } from './progress.js';
import { counted } from './words.js';

interface JsonFlag { readonly json?: boolean }

/** Commands that learn from an index's vectors, or compare them with each other. */
export function registerLearning(index: Command): void {
  index.command('classify')
    .description('learn from a few labelled chips and tag all: a table, a map of every scene, scores, and what to label next')
    .argument('<index>', 'folder that embed has made')
    .requiredOption('--labels <file>', 'CSV (id or lon,lat; class or tags) or GeoJSON (points or polygons with class or tags)')
    .requiredOption('-o, --output <dir>', 'folder for the results')
    .addOption(new Option('--table <format>', 'format of the table').choices(['csv', 'geojson', 'parquet', 'fgb']).default('csv'))
    .option('--c <number>', 'inverse strength of the penalty', numberFrom(1e-12), 1)
    .option('--folds <number>', 'parts for the scores, divided by place', wholeNumber(2), 5)
    .option('--block <metres>', 'edge of the blocks of ground that are left out together (default: by the labels\' extent)', numberFrom(1e-6))
    .option('--suggest <number>', 'chips to label next, with a contact sheet', wholeNumber(1))
    .option('--skip-bad', 'leave damaged parts of the index out')
    .option('--overwrite', 'replace earlier results')
    .option('--json', 'print the result as JSON')
    .action((folder: string, flags: Omit<IndexClassifyOptions, 'index'> & JsonFlag) => execute((context) => indexClassify({ ...flags, index: folder }, context), { json: flags.json, print: printClassify }));
  compared(index.command('duplicates')
    .description('find chips that are nearly the same: the nearest pairs')
    .argument('<index>', 'folder that embed has made')
    .option('--threshold <distance>', 'leave out pairs that are farther', numberFrom(0))
    .option('--pairs <number>', 'pairs at most, the nearest', wholeNumber(1), 100)
    .option('--overlapping', 'count chips that show some of the same ground, too'))
    .action((folder: string, flags: Omit<IndexDuplicatesOptions, 'index'> & JsonFlag) => execute((context) => indexDuplicates({ ...flags, index: folder }, context), { json: flags.json, print: printDuplicates }));
  compared(index.command('outliers')
    .description('find chips that are unlike all others')
    .argument('<index>', 'folder that embed has made')
    .option('--count <number>', 'how many', wholeNumber(1), 20)
    .option('-k, --neighbour <number>', 'the distance to this neighbour counts', wholeNumber(1), 10))
    .action((folder: string, flags: Omit<IndexOutliersOptions, 'index'> & JsonFlag) => execute((context) => indexOutliers({ ...flags, index: folder }, context), { json: flags.json, print: printOutliers }));
}

function compared(command: Command): Command {
  return command
    .addOption(new Option('--metric <metric>', 'distance (default: the index\'s)').choices(['l2', 'cosine']))
    .option('--ann', 'approximate neighbours, for large indexes')
    .option('-o, --output <file>', 'also write them: .csv, .geojson, .fgb or .parquet')
    .option('--sheet <file.png>', 'also draw them')
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .option('--skip-bad', 'leave damaged parts of the index out')
    .option('--overwrite', 'replace existing outputs')
    .option('--json', 'print the result as JSON');
}

function printClassify(result: IndexClassifyResult): void {
  const { validation } = result;
  const width = Math.max(4, ...result.tags.map(({ name }) => name.length));
  print([
    `${result.output}: ${counted(result.count, 'chip')} tagged from ${result.labelled} in ${formatSeconds(result.seconds)}`,
    `${(result.kind === 'one' ? 'class' : 'tag').padEnd(width)}  labels   chips   share${validation === undefined ? '' : '  precision  recall     F1  baseline F1'}`,
    ...result.tags.map(({ name, samples, chips, share }) => {
      const score = validation?.scores.find((one) => one.name === name);
      return `${name.padEnd(width)}  ${String(samples).padStart(6)}  ${String(chips).padStart(6)}  ${share.toFixed(4)}`
        + `${score === undefined ? '' : `  ${score.precision.toFixed(3).padStart(9)}  ${score.recall.toFixed(3).padStart(6)}  ${score.f1.toFixed(3)}  ${score.baseline.toFixed(3).padStart(11)}`}`;
    }),
    ...(validation === undefined ? [] : [
      `right on ${validation.by === 'entry' ? `chips that were left out (${validation.folds} parts, drawn without regard to place)` : `places that were left out (${validation.folds} parts by ${validation.by === 'block' ? `blocks of ${Math.round(validation.block ?? 0)} m` : validation.by})`}: ${validation.accuracy.toFixed(3)}, always the most frequent: ${validation.baselineAccuracy.toFixed(3)}`,
    ]),
    ...(result.suggestions === undefined ? [] : [`to label next: ${result.suggestions.slice(0, 5).map(({ id }) => id).join(', ')}${result.suggestions.length > 5 ? ' …' : ''}`]),
    `written: ${result.files.join(', ')}`,
  ], result.warnings);
}

function printDuplicates(result: IndexDuplicatesResult): void {
  print([
    ...result.pairs.map(({ a, b, distance }) => `${distance.toPrecision(6).padEnd(11)} ${a}  ${b}`),
    `${pairsFound(result)} of ${counted(result.count, 'chip')} in ${formatSeconds(result.seconds)}${result.exact ? '' : ', approximately'}`, ...written(result),
  ], result.warnings);
}

/** `3 pairs within 0.1`, `the 3 nearest of more pairs within 0.1`, `the 3 nearest pairs`. */
export function pairsFound({ pairs, more, threshold }: Pick<IndexDuplicatesResult, 'pairs' | 'more' | 'threshold'>): string {
  const within = threshold === null ? '' : ` within ${threshold}`;
  if (!more) return `${counted(pairs.length, 'pair')}${within}`;
  if (threshold !== null) return `the ${pairs.length === 1 ? 'nearest' : `${pairs.length} nearest`} of more pairs${within}`;
  return `the ${pairs.length === 1 ? 'nearest pair' : `${pairs.length} nearest pairs`}`;
}

function printOutliers(result: IndexOutliersResult): void {
  print([
    ...result.outliers.map(({ rank, id, distance, lon, lat }) => `${String(rank).padStart(4)}  ${distance.toPrecision(6).padEnd(11)} ${id}${lon === null || lat === null ? '' : `  ${lon.toFixed(5)}, ${lat.toFixed(5)}`}`),
    `distance to neighbour ${result.neighbour} of ${result.count} chips, half are nearer than ${result.median.toPrecision(4)}; ${formatSeconds(result.seconds)}${result.exact ? '' : ', approximately'}`, ...written(result),
  ], result.warnings);
}

function written({ output, sheet }: { readonly output?: string; readonly sheet?: string }): string[] {
  const paths = [output, sheet].filter((path) => path !== undefined);
  return paths.length === 0 ? [] : [`also written: ${paths.join(', ')}`];
}

function print(lines: readonly string[], warnings: readonly string[]): void {
  process.stdout.write(`${[...lines, ...warnings.map((warning) => `note: ${warning}`)].join('\n')}\n`);
}
