import { Option, type Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import type { Compression, OverviewMethod } from '../src/cog/index.js';
import { mosaic, type MosaicResult } from '../src/tasks/mosaic.js';
import { execute } from './execute.js';
import { counted } from './words.js';

interface Flags {
  readonly compress?: Compression;
  readonly overviews?: OverviewMethod;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerMosaic(program: Command): void {
  program.command('mosaic')
    .description('join tiles to the scene that they were cut from: a cloud-optimised GeoTIFF')
    .argument('<folder>', 'tiles with tiles.json, or with names as tile gives them')
    .argument('<out.tif>', 'the file to write')
    .addOption(new Option('--compress <method>', 'default: deflate').choices(['deflate', 'lzw', 'jpeg', 'none']))
    .addOption(new Option('--overviews <method>', 'default: mode for classes, else average').choices(['mode', 'nearest', 'average', 'none']))
    .option('--overwrite', 'replace an existing file')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, output: string, flags: Flags) => {
      const { json, compress, ...options } = flags;
      await execute((context) => mosaic({ folder, output, compression: compress, ...options }, context), { json, print });
    });
}

function print(result: MosaicResult): void {
  const size = `${result.width} × ${result.height} × ${result.bands} ${result.dtype}`;
  const place = result.crs === undefined ? '' : `, ${result.crs}`;
  const lines = result.dryRun
    ? [
      `${counted(result.tiles, 'tile')} make${result.tiles === 1 ? 's' : ''} ${size}${place} (grid from ${result.from})`,
      `at most ${formatBytes(result.rawBytes)} on disk, and while it is written twice as much (samples before compression)`,
      `memory ${formatBytes(result.memory.peakBytes)}: ${result.memory.parts.map((part) => `${part.name} ${formatBytes(part.bytes)}`).join(', ')}`,
    ]
    : [
      `${result.output}: ${size}${place}, ${formatBytes(result.bytes)}, ${counted(result.overviews, 'overview')}`,
      `${counted(result.tiles, 'tile')} (grid from ${result.from})${result.missing.length > 0 ? `, ${result.missing.length} missing` : ''}`,
      `${result.seconds.toFixed(1)} s, ${formatBytes(result.peakRssBytes)} memory at most${result.resumedAt > 0 ? `; ${result.resumedAt} of ${result.strips} strips were there already` : ''}`,
    ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const warning of result.warnings) process.stderr.write(`note: ${warning}\n`);
}
