import { InvalidArgumentError, Option, type Command } from 'commander';
import { COMPRESSIONS, LARGEST_BLOCK, OVERVIEW_METHODS, type Compression, type OverviewMethod } from '../src/cog/index.js';
import type { Window } from '../src/raster/index.js';
import { formatBytes } from '../src/run/index.js';
import { convert, type ConvertResult } from '../src/tasks/convert.js';
import { RESAMPLINGS, type Resampling } from '../src/tasks/rows/resample.js';
import { execute } from './execute.js';
import { counted } from './words.js';
import { bandList, epsgCode, multipleOf, numberBetween, pageNumber, pixelWindow, wholeNumberBetween } from './options.js';

interface Flags {
  readonly compress?: Compression;
  readonly quality?: number;
  readonly level?: number;
  readonly predictor?: 1 | 2 | 3;
  readonly overviews?: OverviewMethod;
  readonly blockSize?: number;
  readonly page?: number;
  readonly bands?: readonly number[];
  readonly window?: Window;
  readonly aoi?: string;
  readonly crs?: number;
  readonly gsd?: number;
  readonly resampling?: Resampling;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerConvert(program: Command): void {
  program.command('convert')
    .description('write a scene as a cloud-optimised GeoTIFF: all of it or a part, also in another CRS or resolution')
    .argument('<scene>', 'any scene that is read')
    .argument('<out.tif>', 'the file to write')
    .addOption(new Option('--compress <method>', 'jpeg and webp are lossy, zstd needs Node 22.15 or newer (default: deflate)').choices(COMPRESSIONS))
    .option('--quality <1-100>', 'of jpeg and webp (default: 85); webp is lossless at 100', wholeNumberBetween(1, 100))
    .option('--level <number>', 'effort of deflate (1-9) and zstd (1-22)', levelNumber)
    .option('--predictor <1-3>', '1 none, 2 differences, 3 floating point (default: by the samples)', predictorNumber)
    .addOption(new Option('--overviews <method>', 'default: mode for classes, else average').choices(OVERVIEW_METHODS))
    .option('--block-size <pixels>', `a multiple of 16 up to ${LARGEST_BLOCK} (default: 512)`, multipleOf(16, LARGEST_BLOCK))
    .option('--page <number>', 'picture of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'bands to keep, from 1, in this order, such as 3,2,1', bandList)
    .option('--window <x,y,width,height>', 'a part of the scene, in its pixels', pixelWindow)
    .option('--aoi <area.geojson>', 'crop to polygons, and make missing what lies outside of them')
    .option('--crs <EPSG:n>', 'another coordinate system', epsgCode)
    .option('--gsd <metres>', 'metres per pixel', numberBetween(1e-6, 1e9))
    .addOption(new Option('--resampling <method>', 'with --crs or --gsd (default: by the samples)').choices(RESAMPLINGS))
    .option('--overwrite', 'replace an existing file')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string, output: string, flags: Flags) => {
      const { json, compress, aoi, crs, bands, ...options } = flags;
      await execute((context) => convert({
        scene, output, ...options, compression: compress, area: aoi, epsg: crs, bands: bands?.map((band) => band - 1),
      }, context), { json, print });
    });
}

function levelNumber(text: string): number {
  const value = Number(text);
  if (!/^\s*\d+\s*$/.test(text) || value < 1 || value > 22) throw new InvalidArgumentError(`expected 1 to 9 with deflate, 1 to 22 with zstd, got '${text}'.`);
  return value;
}

function predictorNumber(text: string): 1 | 2 | 3 {
  if (text === '1' || text === '2' || text === '3') return Number(text) as 1 | 2 | 3;
  throw new InvalidArgumentError(`expected 1, 2 or 3, got '${text}'.`);
}

function print(result: ConvertResult): void {
  const size = `${result.width} × ${result.height} × ${result.bands} ${result.dtype}`;
  const place = result.crs === undefined ? '' : `, ${result.crs}`;
  const made = result.resampling === undefined ? 'pixels as they are' : `${result.resampling}, positions exact to ${result.maxError} pixels`;
  const missing = result.missing === 'none' ? 'no missing pixels' : `missing pixels by ${result.missing}`;
  const lines = result.dryRun
    ? [
      `${size}${place} would be written to ${result.output}`,
      `${result.compression}, ${missing}; ${made}`,
      `about ${formatBytes(result.estimatedBytes)}, and ${formatBytes(result.estimatedTemporaryBytes)} beside it until the end`,
      `memory ${formatBytes(result.memory.peakBytes)}: ${result.memory.parts.map((part) => `${part.name} ${formatBytes(part.bytes)}`).join(', ')}`,
    ]
    : [
      `${result.output}: ${size}${place}, ${formatBytes(result.bytes)} (${result.compression}), ${counted(result.overviews, 'overview')}`,
      `${missing}; ${made}`,
      `${result.seconds.toFixed(1)} s, ${formatBytes(result.peakRssBytes)} memory at most${result.resumedAt > 0 ? `; ${result.resumedAt} of ${result.height} rows were there already` : ''}`,
    ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
