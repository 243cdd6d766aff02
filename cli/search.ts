import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { search } from '../src/tasks/search.js';
import type { SearchOptions, SearchResult } from '../src/tasks/search.js';
import { execute } from './execute.js';
import { bandList, numberFrom, pageNumber, stretchRule, wholeNumber } from './options.js';

type Flags = Omit<SearchOptions, 'index'> & { readonly json?: boolean };

export function registerSearch(program: Command): void {
  program.command('search')
    .description('find the chips of an index that are most like a picture, an entry, a place or several examples')
    .argument('<index>', 'folder that embed has made')
    .addOption(new Option('--image <file>', 'search for a picture').conflicts(['id', 'at', 'like']))
    .addOption(new Option('--id <id>', 'search for an entry of the index').conflicts(['at', 'like']))
    .addOption(new Option('--at <lon,lat>', 'search for the chip at a longitude and latitude (WGS 84), such as --at=55.27,25.2').argParser(lonLat).conflicts(['like']))
    .option('--like <example>', 'search for what is like an example: an id, lon,lat or a picture; may be given several times', collect)
    .option('--unlike <example>', 'and not like this one; may be given several times', collect)
    .option('--aoi <area.geojson>', 'only chips with their centres inside polygons (longitude, latitude)')
    .option('--tag <tag>', 'only chips with this tag; given several times: with all of them', collect)
    .option('--scene <name>', 'only chips of this scene; may be given several times', collect)
    .option('-k, --k <number>', 'results', wholeNumber(1), 10)
    .option('--threshold <distance>', 'leave out what is farther', numberFrom(0))
    .addOption(new Option('--metric <metric>', 'distance (default: the index\'s)').choices(['l2', 'cosine']))
    .option('--unique <metres>', 'leave out results this near on the ground to a better one', numberFrom(0))
    .option('--ann', 'approximate search, by a file that is made when it is missing')
    .option('--no-ann', 'exact search, also in a large index with such a file')
    .option('--verify', 'with --ann: search exactly, too, and say how many results are the same')
    .option('--skip-bad', 'leave damaged parts of the index out')
    .option('-o, --output <file>', 'also write the results: .csv, .geojson, .fgb or .parquet')
    .option('--sheet <file.png>', 'also draw the query and the results')
    .option('--map <file.tif>', 'also write how similar every chip of one scene is, as a GeoTIFF')
    .option('-m, --model <model>', 'for pictures: where the index\'s model lies now')
    .option('--page <number>', 'for pictures: which one of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'for pictures: bands for the model, from 1', bandList)
    .option('--stretch <rule>', 'for pictures: how values become what the model takes', stretchRule)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .option('--overwrite', 'replace existing outputs')
    .option('--json', 'print the result as JSON')
    .action(async (index: string, flags: Flags) => {
      await execute((context) => search({ ...flags, index }, context), { json: flags.json, print: printResult });
    });
}

function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...before ?? [], text];
}

function lonLat(text: string): readonly [number, number] {
  const match = /^\s*([+-]?\d+(?:\.\d+)?)\s*,\s*([+-]?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (match === null) throw new InvalidArgumentError(`expected longitude,latitude in degrees, got '${text}'.`);
  return [Number(match[1]), Number(match[2])];
}

function printResult(result: SearchResult): void {
  const width = Math.max(2, ...result.results.map(({ id }) => id.length));
  const kind = result.query.kind === 'like' ? '1 − probability' : `${result.metric === 'l2' ? 'Euclidean' : 'cosine'} distance`;
  const written = [result.output, result.sheet, result.map].filter((path) => path !== undefined);
  const lines = [
    `rank  distance    ${'id'.padEnd(width)}  longitude, latitude`,
    ...result.results.map(({ rank, distance, id, lon, lat }) => (
      `${String(rank).padStart(4)}  ${distance.toPrecision(6).padEnd(10)}  ${id.padEnd(width)}  ${lon === null || lat === null ? '' : `${lon.toFixed(5)}, ${lat.toFixed(5)}`}`.trimEnd())),
    `${result.count} entries ${result.exact ? 'compared' : 'searched approximately'} in ${result.seconds.toFixed(2)} s (${kind}, ${result.model})`,
    ...(result.recall === undefined ? [] : [`recall against exact search: ${result.recall.toFixed(3)}`]),
    ...(written.length === 0 ? [] : [`also written: ${written.join(', ')}`]),
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
