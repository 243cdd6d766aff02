import { Option, type Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { tile, type TileResult } from '../src/tasks/tile.js';
import { TILE_FORMATS, type TileFormat } from '../src/tiles/index.js';
import { execute } from './execute.js';
import { bandList, pageNumber, wholeNumber } from './options.js';

interface Flags {
  readonly patchSize: number;
  readonly overlap: number;
  readonly format: TileFormat;
  readonly page?: number;
  readonly bands?: readonly number[];
  readonly quality?: number;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerTile(program: Command): void {
  program.command('tile')
    .description('cut a scene into overlapping tiles, one georeferenced file each, listed in tiles.json')
    .argument('<scene>', 'GeoTIFF, JPEG, PNG or WebP')
    .argument('<folder>', 'where the tiles go; made if absent')
    .option('--patch-size <pixels>', 'edge of a tile', wholeNumber(1), 512)
    .option('--overlap <pixels>', 'pixels that neighbours share', wholeNumber(0), 64)
    .addOption(new Option('--format <format>', 'jpg is lossy').choices(TILE_FORMATS).default('tif'))
    .option('--page <number>', 'picture of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'bands to keep, from 1, in this order, such as 3,2,1', bandList)
    .option('--quality <1-100>', 'quality of jpg tiles (default: 90)', wholeNumber(1))
    .option('--overwrite', 'replace the tiles of another run in the folder')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string, folder: string, flags: Flags) => {
      const { json, bands, ...options } = flags;
      await execute((context) => tile({ scene, folder, ...options, bands: bands?.map((band) => band - 1) }, context), { json, print });
    });
}

function print(result: TileResult): void {
  const size = `${result.tileWidth} × ${result.tileHeight}`;
  const lines = result.dryRun
    ? [
      `${result.tiles} tiles of ${size} (${result.rows} rows, ${result.columns} columns) would be written to ${result.folder}`,
      `at most ${formatBytes(result.rawBytes)} on disk (samples before compression)`,
      `memory ${formatBytes(result.memory.peakBytes)}: ${result.memory.parts.map((part) => `${part.name} ${formatBytes(part.bytes)}`).join(', ')}`,
    ]
    : [
      `${result.tiles} tiles of ${size} (${result.rows} rows, ${result.columns} columns) in ${result.folder}, ${formatBytes(result.bytes)}`,
      ...(result.kept > 0 ? [`${result.kept} of them were there already`] : []),
      `listed in ${result.manifest}; ${result.seconds.toFixed(1)} s, ${formatBytes(result.peakRssBytes)} memory at most`,
    ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const warning of result.warnings) process.stderr.write(`note: ${warning}\n`);
}
