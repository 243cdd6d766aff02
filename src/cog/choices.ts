import { availableParallelism } from 'node:os';
import { InvalidOptionError } from '../errors.js';
import { bytesPerSample, type DataType } from '../raster/index.js';
import { photometricOf, type ImageShape } from './describe.js';
import { checkZstd, type Packing } from './encode.js';
import type { CogOptions, OverviewMethod, TiffDescription, TiffPacking } from './types.js';

/** The options of a COG with every default filled in and checked. */
export interface CogChoices {
  readonly packing: Packing;
  readonly blockSize: number;
  readonly overviews: OverviewMethod;
  readonly concurrency: number;
  readonly mask: boolean;
  readonly statistics: boolean;
  /** Rounded to the sample type. */
  readonly nodata?: number;
}

/** Readers take whole blocks: larger ones make every look at the file slow. GDAL's COG driver begins at 512, too, and sets no bound. */
export const LARGEST_BLOCK = 4096;
/** Blocks lie in the memory of a kernel that counts in 32 bits, beside room for what they are packed into. */
const MOST_BLOCK_BYTES = 2 ** 30;
const LARGEST_EDGE = 2 ** 31 - 1;

/** @throws {InvalidOptionError} if options do not fit each other. */
export function chooseCog(options: CogOptions): CogChoices {
  checkShape(options);
  const blockSize = options.blockSize ?? 512;
  if (!Number.isInteger(blockSize) || blockSize < 16 || blockSize > LARGEST_BLOCK || blockSize % 16 !== 0) {
    throw new InvalidOptionError('blockSize', `expected a multiple of 16 up to ${LARGEST_BLOCK}, got ${blockSize}`);
  }
  const blockBytes = blockSize * blockSize * options.bands * bytesPerSample(options.dtype);
  if (blockBytes > MOST_BLOCK_BYTES) {
    throw new InvalidOptionError('blockSize', `expected blocks of at most ${MOST_BLOCK_BYTES / 2 ** 20} MB, got ${Math.ceil(blockBytes / 2 ** 20)} MB: ${blockSize} × ${blockSize} pixels of ${options.bands} bands`, { advice: 'take a smaller one' });
  }
  const overviews = options.overviews ?? (isCategorical(options) ? 'mode' : 'average');
  const packing = choosePacking(options, options, overviews === 'mode');
  const concurrency = options.concurrency ?? availableParallelism() + 1;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new InvalidOptionError('concurrency', `expected a whole number from 1, got ${concurrency}`);
  }
  return {
    packing, blockSize, overviews, concurrency, mask: options.mask ?? false, statistics: options.statistics ?? !isCategorical(options),
    ...(options.nodata === undefined ? {} : { nodata: roundTo(options.dtype, options.nodata) }),
  };
}

/** @throws {InvalidOptionError} if compression, predictor, palette or bands do not fit each other. */
export function choosePacking(shape: ImageShape, options: TiffPacking & TiffDescription, categorical = isCategorical(options)): Packing {
  const { dtype, bands } = shape;
  const compression = options.compression ?? 'deflate';
  const float = dtype.startsWith('float');
  const packs = compression === 'deflate' || compression === 'zstd' || compression === 'lzw';
  const predictor = options.predictor ?? (!packs || categorical ? 1 : float ? 3 : 2);
  if (predictor !== 1 && !packs) throw new InvalidOptionError('predictor', `expected 1 with compression ${compression}, got ${predictor}`);
  if (predictor === 2 && float) throw new InvalidOptionError('predictor', `expected 1 or 3 for ${dtype}, got 2`);
  if (predictor === 3 && !float) throw new InvalidOptionError('predictor', `expected 1 or 2 for ${dtype}, got 3`);
  if (compression === 'zstd') checkZstd();
  const [standard, highest] = compression === 'zstd' ? [9, 22] as const : [predictor === 1 ? 6 : 1, 9] as const;
  const level = options.level ?? standard;
  const matching = options.matching ?? (predictor === 3 ? 'runs' : 'search');
  if (options.level !== undefined && compression !== 'deflate' && compression !== 'zstd') throw new InvalidOptionError('level', `expected none with compression ${compression}, which has no levels, got ${level}`);
  if (options.quality !== undefined && compression !== 'jpeg' && compression !== 'webp') throw new InvalidOptionError('quality', `expected none with compression ${compression}, which loses nothing, got ${options.quality}`);
  if (!Number.isInteger(level) || level < 1 || level > highest) throw new InvalidOptionError('level', `expected 1 to ${highest} with compression ${compression}, got ${level}`);
  const quality = options.quality ?? 85;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) throw new InvalidOptionError('quality', `expected 1 to 100, got ${quality}`);
  if (compression === 'jpeg' || compression === 'webp') checkLossy(compression, shape, options);
  checkDescription(shape, options);
  return { compression, level, matching, quality, predictor, dtype, bands };
}

/** @throws {InvalidOptionError} if pictures of this kind cannot hold the samples. */
function checkLossy(compression: 'jpeg' | 'webp', { dtype, bands }: ImageShape, { palette, alphaBand }: TiffDescription): void {
  const fits = alphaBand === undefined ? bands === 3 || (compression === 'jpeg' && bands === 1) : compression === 'webp' && bands === 4 && alphaBand === 3;
  if (dtype === 'uint8' && fits && palette === undefined) return;
  const expected = compression === 'jpeg' ? '1 or 3 bands without alpha' : '3 bands, or 4 with alpha last,';
  const found = `${bands} of ${dtype}${alphaBand === undefined ? '' : ` with alpha in band ${alphaBand + 1}`}${palette === undefined ? '' : ' with a palette'}`;
  throw new InvalidOptionError('compression', `${compression} takes ${expected} of uint8 without a palette, got ${found}`, { advice: 'choose deflate' });
}

function checkShape(shape: ImageShape): void {
  for (const [name, value] of [['width', shape.width], ['height', shape.height]] as const) {
    if (!Number.isInteger(value) || value < 1 || value > LARGEST_EDGE) {
      throw new InvalidOptionError(name, `expected 1 to ${LARGEST_EDGE} pixels, got ${value}`);
    }
  }
  if (!Number.isInteger(shape.bands) || shape.bands < 1 || shape.bands > 65535) {
    throw new InvalidOptionError('bands', `expected 1 to 65535, got ${shape.bands}`);
  }
}

function checkDescription(shape: ImageShape, description: TiffDescription): void {
  const { palette, alphaBand, bandNames, scaling, units } = description;
  const bits = 8 * bytesPerSample(shape.dtype);
  if (palette !== undefined && (shape.bands !== 1 || (shape.dtype !== 'uint8' && shape.dtype !== 'uint16'))) {
    throw new InvalidOptionError('palette', `expected one band of uint8 or uint16, got ${shape.bands} of ${shape.dtype}`);
  }
  if (palette !== undefined && palette.length > 2 ** bits) {
    throw new InvalidOptionError('palette', `expected at most ${2 ** bits} colours for ${shape.dtype}, got ${palette.length}`);
  }
  const meaning = photometricOf(shape, description);
  if (meaning === 'palette' && palette === undefined) throw new InvalidOptionError('photometric', 'expected a palette with photometric palette');
  if (meaning === 'rgb' && shape.bands < 3) throw new InvalidOptionError('photometric', `expected at least 3 bands for rgb, got ${shape.bands}`);
  if (alphaBand !== undefined && (!Number.isInteger(alphaBand) || alphaBand < 0 || alphaBand >= shape.bands)) {
    throw new InvalidOptionError('alphaBand', `expected 0 to ${shape.bands - 1}, got ${alphaBand}`);
  }
  if (bandNames !== undefined && bandNames.length !== shape.bands) {
    throw new InvalidOptionError('bandNames', `expected ${shape.bands} names, got ${bandNames.length}`);
  }
  for (const [name, list] of [['scaling', scaling], ['units', units]] as const) {
    if (list !== undefined && list.length !== shape.bands) throw new InvalidOptionError(name, `expected one of each of ${shape.bands} bands, got ${list.length}`);
  }
}

function isCategorical(description: TiffDescription): boolean {
  return description.palette !== undefined || description.classNames !== undefined;
}

function roundTo(dtype: DataType, value: number): number {
  return dtype === 'float32' ? Math.fround(value) : value;
}
