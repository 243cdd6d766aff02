import { Option, type Command } from 'commander';
import { InvalidOptionError } from '../src/errors.js';
import { formatBytes } from '../src/run/index.js';
import { tile, type TileResult } from '../src/tasks/tile.js';
import { tileXyz, type XyzResult } from '../src/tasks/xyz.js';
import { XYZ_FORMATS, type XyzFormat } from '../src/tasks/xyz/options.js';
import { TILE_FORMATS, type TileFormat } from '../src/tiles/index.js';
import { execute } from './execute.js';
import { formatSeconds } from './progress.js';
import { counted } from './words.js';
import { bandList, pageNumber, wholeNumber, wholeNumberBetween, zoomRange } from './options.js';

interface Flags {
  readonly patchSize?: number;
  readonly overlap?: number;
  readonly format?: TileFormat | XyzFormat;
  readonly xyz?: string;
  readonly zoom?: readonly [number, number];
  readonly page?: number;
  readonly bands?: readonly number[];
  readonly quality?: number;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerTile(program: Command): void {
  program.command('tile')
    .description('cut a scene into overlapping tiles, one georeferenced file each, listed in tiles.json; or into tiles for web maps')
    .argument('<scene>', 'GeoTIFF, JPEG, PNG or WebP, a VRT or a folder of files on one grid, or a URL (https://, s3://)')
    .argument('[folder]', 'where the tiles go; made if absent')
    .option('--patch-size <pixels>', 'edge of a tile (default: 512)', wholeNumber(1))
    .option('--overlap <pixels>', 'pixels that neighbours share (default: 64)', wholeNumber(0))
    .addOption(new Option('--format <format>', 'jpg and webp are lossy; webp with --xyz only (default: tif; with --xyz png)').choices([...new Set([...TILE_FORMATS, ...XYZ_FORMATS])]))
    .option('--xyz <folder>', 'instead of overlapping tiles: <zoom>/<x>/<y>.png in Web Mercator, 256 pixels each')
    .option('--zoom <a-b>', 'zoom levels of --xyz (default: by the size of the scene and its pixels)', zoomRange)
    .option('--page <number>', 'picture of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'bands to keep, from 1, in this order, such as 3,2,1', bandList)
    .option('--quality <1-100>', 'quality of jpg (default: 90) and webp (default: 80) tiles', wholeNumberBetween(1, 100))
    .option('--overwrite', 'replace the tiles of another run in the folder')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string, folder: string | undefined, flags: Flags) => {
      const { json, bands: listed, xyz, zoom, format, patchSize, overlap, ...options } = flags;
      const bands = listed?.map((band) => band - 1);
      if (xyz === undefined) {
        await execute((context) => {
          if (folder === undefined) throw new InvalidOptionError('<folder>', 'expected a folder for the tiles, or --xyz <folder>');
          if (zoom !== undefined) throw new InvalidOptionError('--zoom', 'goes with --xyz only');
          return tile({ scene, folder, patchSize, overlap, format: formatFor(format, TILE_FORMATS), bands, ...options }, context);
        }, { json, print });
        return;
      }
      await execute((context) => {
        if (folder !== undefined) throw new InvalidOptionError('<folder>', `expected either ${folder} or --xyz ${xyz}, got both`);
        if (patchSize !== undefined || overlap !== undefined) throw new InvalidOptionError(patchSize === undefined ? '--overlap' : '--patch-size', 'tiles of --xyz have 256 pixels and no overlap');
        return tileXyz({ scene, folder: xyz, zoom, format: formatFor(format, XYZ_FORMATS), bands, ...options }, context);
      }, { json, print: printXyz });
    });
}

function formatFor<T extends string>(format: string | undefined, known: readonly T[]): T | undefined {
  if (format === undefined) return undefined;
  const found = known.find((name) => name === format);
  if (found === undefined) throw new InvalidOptionError('--format', `expected ${known.join(', ')} here, got ${format}`);
  return found;
}

function printXyz(result: XyzResult): void {
  const zooms = `zoom ${result.minZoom} to ${result.maxZoom}`;
  const lines = result.dryRun
    ? [
      `at most ${counted(result.tiles, 'tile')}, ${zooms} (${result.resampling}), would be written to ${result.folder}`,
      `about ${formatBytes(result.estimatedBytes)} on disk${result.estimatedSeconds === undefined ? '' : `, and ${formatSeconds(result.estimatedSeconds)} on this machine`}`,
      `memory ${formatBytes(result.memory.peakBytes)}: ${result.memory.parts.map((part) => `${part.name} ${formatBytes(part.bytes)}`).join(', ')}`,
    ]
    : [
      `${counted(result.written, 'tile')}, ${zooms} (${result.resampling}), in ${result.folder}, ${formatBytes(result.bytes)}`,
      `described in ${result.tileJson}; ${result.seconds.toFixed(1)} s, ${formatBytes(result.peakRssBytes)} memory at most`,
    ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const warning of result.warnings) process.stderr.write(`note: ${warning}\n`);
}

function print(result: TileResult): void {
  const size = `${result.tileWidth} × ${result.tileHeight}`;
  const lines = result.dryRun
    ? [
      `${counted(result.tiles, 'tile')} of ${size} (${counted(result.rows, 'row')}, ${counted(result.columns, 'column')}) would be written to ${result.folder}`,
      `at most ${formatBytes(result.rawBytes)} on disk (samples before compression)`,
      `memory ${formatBytes(result.memory.peakBytes)}: ${result.memory.parts.map((part) => `${part.name} ${formatBytes(part.bytes)}`).join(', ')}`,
    ]
    : [
      `${counted(result.tiles, 'tile')} of ${size} (${counted(result.rows, 'row')}, ${counted(result.columns, 'column')}) in ${result.folder}, ${formatBytes(result.bytes)}`,
      ...(result.kept > 0 ? [`${result.kept} of them were there already`] : []),
      `listed in ${result.manifest}; ${result.seconds.toFixed(1)} s, ${formatBytes(result.peakRssBytes)} memory at most`,
    ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const warning of result.warnings) process.stderr.write(`note: ${warning}\n`);
}
