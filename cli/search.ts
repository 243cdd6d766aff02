import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { search } from '../src/tasks/search.js';
import type { SearchOptions, SearchResult } from '../src/tasks/search.js';
import { execute } from './execute.js';
import { bandList, pageNumber, stretchRule, wholeNumber } from './options.js';

type Flags = Omit<SearchOptions, 'index'> & { readonly json?: boolean };

export function registerSearch(program: Command): void {
  program.command('search')
    .description('find the chips of an index that are most like a picture, an entry or a place')
    .argument('<index>', 'folder that embed has made')
    .addOption(new Option('--image <file>', 'search for a picture').conflicts(['id', 'at']))
    .addOption(new Option('--id <id>', 'search for an entry of the index').conflicts(['at']))
    .option('--at <lon,lat>', 'search for the chip at a longitude and latitude (WGS 84), such as --at=55.27,25.2', lonLat)
    .option('-k, --k <number>', 'results', wholeNumber(1), 10)
    .addOption(new Option('--metric <metric>', 'distance').choices(['l2', 'cosine']).default('l2'))
    .option('--sheet <file.png>', 'also draw the query and the results')
    .option('-m, --model <model>', 'with --image: where the index\'s model lies now')
    .option('--page <number>', 'with --image: picture of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'with --image: bands for the model, from 1', bandList)
    .option('--stretch <rule>', 'with --image: how its values become what the model takes', stretchRule)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .option('--overwrite', 'replace an existing sheet')
    .option('--json', 'print the result as JSON')
    .action(async (index: string, flags: Flags) => {
      await execute((context) => search({ ...flags, index }, context), { json: flags.json, print: printResult });
    });
}

function lonLat(text: string): readonly [number, number] {
  const match = /^\s*([+-]?\d+(?:\.\d+)?)\s*,\s*([+-]?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (match === null) throw new InvalidArgumentError(`expected longitude,latitude in degrees, got '${text}'.`);
  return [Number(match[1]), Number(match[2])];
}

function printResult(result: SearchResult): void {
  const width = Math.max(2, ...result.results.map(({ id }) => id.length));
  const lines = [
    `rank  distance    ${'id'.padEnd(width)}  longitude, latitude`,
    ...result.results.map(({ rank, distance, id, lon, lat }) => (
      `${String(rank).padStart(4)}  ${distance.toPrecision(6).padEnd(10)}  ${id.padEnd(width)}  ${lon === null || lat === null ? '' : `${lon.toFixed(5)}, ${lat.toFixed(5)}`}`.trimEnd())),
    `${result.count} entries compared in ${result.seconds.toFixed(2)} s (${result.metric === 'l2' ? 'Euclidean' : 'cosine'} distance, ${result.model})`,
    ...(result.sheet === undefined ? [] : [`also written: ${result.sheet}`]),
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
