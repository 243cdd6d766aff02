import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { vectorize } from '../src/tasks/vectorize.js';
import type { VectorizeOptions, VectorizeResult } from '../src/tasks/vectorize.js';
import { execute } from './execute.js';
import { nameList, numberFrom } from './options.js';
import { formatSeconds } from './progress.js';
import { counted, groundArea } from './words.js';

type Flags = Omit<VectorizeOptions, 'map' | 'output'> & { readonly json?: boolean };

export function registerVectorize(program: Command): void {
  program.command('vectorize')
    .description('make polygons of a map: one for every area of a class')
    .argument('<map.tif>', 'a theme map, as segment makes it, or any raster with one band of class ids')
    .argument('<output>', 'the file to write: .geojson, .fgb (FlatGeobuf) or .parquet (GeoParquet)')
    .option('--min-area <m2>', 'areas of fewer square metres become part of their largest neighbour', numberFrom(0))
    .option('--simplify <metres>', 'let borders move so far to have fewer corners; neighbours keep sharing them', numberFrom(0))
    .option('--classes <list>', 'only these classes, by name or id, such as road,water', nameList)
    .option('--overwrite', 'replace an existing file')
    .option('--dry-run', 'count the polygons; write nothing')
    .option('--json', 'print the result as JSON')
    .action(async (map: string, output: string, flags: Flags) => {
      await execute((context) => vectorize({ ...flags, map, output }, context), { json: flags.json, print });
    });
}

function print(result: VectorizeResult): void {
  const width = Math.max(0, ...result.classes.map((entry) => nameOf(entry).length));
  const lines = [
    `${result.dryRun ? `${result.map} makes` : `${result.output}:`} ${counted(result.polygons, 'polygon')} with ${counted(result.corners, 'corner')}${result.dryRun ? '' : `, ${formatBytes(result.bytes)}`}, ${result.crs ?? 'no CRS'}`
      + `${result.sieved > 0 ? `; ${counted(result.sieved, 'smaller area')} became part of ${result.sieved === 1 ? 'its neighbour' : 'their neighbours'}` : ''}`,
    ...result.classes.map((entry) => `  ${nameOf(entry).padEnd(width)} ${String(entry.polygons).padStart(8)}${entry.areaHa === null ? '' : `  ${groundArea(entry.areaHa)}`}`),
    `${formatSeconds(result.seconds)}, peak memory ${formatBytes(result.peakRssBytes)}`,
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function nameOf({ id, name }: VectorizeResult['classes'][number]): string {
  return name ?? `class ${id}`;
}
