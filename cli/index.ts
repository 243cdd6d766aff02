import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { indexBuild } from '../src/tasks/index-build.js';
import type { IndexBuildResult } from '../src/tasks/index-build.js';
import { indexInfo } from '../src/tasks/index-info.js';
import type { IndexInfo, IndexInfoOptions } from '../src/tasks/index-info.js';
import { indexMerge } from '../src/tasks/index-merge.js';
import type { IndexMergeOptions, IndexMergeResult } from '../src/tasks/index-merge.js';
import { indexRemove } from '../src/tasks/index-remove.js';
import type { IndexRemoveResult } from '../src/tasks/index-remove.js';
import { execute } from './execute.js';
import { registerLearning } from './index-learning.js';
import { formatSeconds } from './progress.js';

interface JsonFlag { readonly json?: boolean }

export function registerIndex(program: Command): void {
  const index = program.command('index').description('describe, repair, change and join indexes that embed has made');
  registerKeeping(index);
  registerLearning(index);
}

/** Commands about the index as files. */
function registerKeeping(index: Command): void {
  index.command('info')
    .description('what an index holds')
    .argument('<index>', 'folder that embed has made')
    .option('--check', 'read every part and compare its checksum')
    .option('--skip-bad', 'tell of what is left where parts are missing or damaged')
    .option('--json', 'print the result as JSON')
    .action((folder: string, flags: Omit<IndexInfoOptions, 'index'> & JsonFlag) => execute((context) => indexInfo({ ...flags, index: folder }, context), { json: flags.json, print: printInfo }));
  index.command('build')
    .description('make the files again that follow from an index\'s parts')
    .argument('<index>', 'folder that embed has made')
    .option('--skip-bad', 'leave parts out that are missing or damaged')
    .option('--json', 'print the result as JSON')
    .action((folder: string, flags: { readonly skipBad?: boolean } & JsonFlag) => execute((context) => indexBuild({ ...flags, index: folder }, context), { json: flags.json, print: printBuild }));
  index.command('remove')
    .description('take the entries of a scene out of an index; the scene itself is not touched')
    .argument('<index>', 'folder that embed has made')
    .argument('<scene>', 'its name, as index info lists it, or its path')
    .option('--json', 'print the result as JSON')
    .action((folder: string, scene: string, flags: JsonFlag) => execute((context) => indexRemove({ index: folder, scene }, context), { json: flags.json, print: printRemove }));
  index.command('merge')
    .description('join indexes of one model, made on several machines, to a new one')
    .argument('<index...>', 'folders that embed has made')
    .requiredOption('-o, --output <dir>', 'folder of the new index')
    .option('--overwrite', 'replace an index that is there')
    .option('--json', 'print the result as JSON')
    .action((indexes: string[], flags: Omit<IndexMergeOptions, 'indexes'> & JsonFlag) => execute((context) => indexMerge({ ...flags, indexes }, context), { json: flags.json, print: printMerge }));
}

const count = (n: number): string => n.toLocaleString('en');

function printInfo(info: IndexInfo): void {
  const width = Math.max(4, ...info.sources.map(({ name }) => name.length));
  const tags = Object.entries(info.tags);
  print([
    `${info.index}: ${count(info.count)} entries of ${info.dimensions} numbers, ${info.metric === 'l2' ? 'Euclidean' : 'cosine'} distance unless told otherwise`,
    `model    ${info.model.name} (${info.model.fingerprint.slice(0, 12)}), layer ${info.model.layer},${info.model.precision === 'int8' ? ' 8-bit form,' : ''} from ${info.model.source}`,
    `parts    ${info.parts.length}, ${formatBytes(info.partBytes)}; files made from them ${formatBytes(info.cacheBytes)}`,
    ...(info.bounds === null ? ['place    none: no scene has a georeference'] : [`place    ${info.bounds.map((degree) => degree.toFixed(5)).join(', ')} (west, south, east, north of the centres)`]),
    ...(tags.length === 0 ? [] : [`tags     ${tags.slice(0, 12).map(([tag, n]) => `${tag} ${count(n)}`).join(', ')}${tags.length > 12 ? ' …' : ''}`]),
    `made by  ${info.createdBy}, ${info.format}`,
    ...info.sources.map((source) => `  ${source.name.padEnd(width)}  ${count(source.count).padStart(9)} entries${source.nodata > 0 ? `, ${count(source.nodata)} without data` : ''}`
      + `${source.patchSize === undefined ? '' : `, chips of ${source.patchSize}`}${source.scales === undefined ? '' : ` at scales ${source.scales.join(', ')}`}, ${source.path}`),
  ], info.warnings);
}

function printBuild(result: IndexBuildResult): void {
  print([
    `${result.index}: files of ${count(result.count)} entries made in ${formatSeconds(result.seconds)}`,
    ...result.files.map(({ what, path, bytes, seconds }) => `${what}: ${path}, ${formatBytes(bytes)}, ${formatSeconds(seconds)}`),
  ], result.warnings);
}

function printRemove(result: IndexRemoveResult): void {
  print([`${result.index}: ${count(result.removed)} entries taken out, ${count(result.count)} left`], []);
}

function printMerge(result: IndexMergeResult): void {
  print([`${result.index}: ${count(result.count)} entries of ${count(result.sources)} scenes and folders`], result.warnings);
}

function print(lines: readonly string[], warnings: readonly string[]): void {
  process.stdout.write(`${[...lines, ...warnings.map((warning) => `note: ${warning}`)].join('\n')}\n`);
}
