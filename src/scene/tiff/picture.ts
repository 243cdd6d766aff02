import { InvalidFileError } from '../../errors.js';
import type { DataType } from '../../raster/index.js';
import type { Directory } from './directory.js';
import { isSgiLog } from './sgi-log.js';
import { COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT, TAG } from './tags.js';

/** How the pixels of one directory are stored. */
export interface TiffPicture {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  /** Bits of one stored sample. */
  readonly bits: number;
  readonly sampleFormat: number;
  /** Complex numbers: `samples`, `bits` and `sampleFormat` are those of their parts, real and imaginary in turn. */
  readonly isComplex: boolean;
  readonly compression: number;
  readonly photometric: number;
  readonly predictor: number;
  readonly fillOrder: number;
  /** Every band in blocks of its own. */
  readonly planar: boolean;
  readonly tiled: boolean;
  /** Size of the stored tiles, or of the strips. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly extraSamples: readonly number[];
  /** Pixels per chroma sample of YCbCr, along a row and along a column. */
  readonly subsampling: readonly [number, number];
  readonly ycbcrCoefficients: readonly number[];
  readonly referenceBlackWhite: readonly number[];
  readonly whitePoint: readonly number[];
  /** 1 for cyan, magenta, yellow, black. */
  readonly inkSet: number;
}

/** Sizes above this are mistakes or attacks. */
const MAX_EDGE = 2 ** 31 - 1;
const MAX_SAMPLES = 65535;

/**
 * @throws {InvalidFileError} if the size or the layout makes no sense
 */
export async function readPicture(directory: Directory, url: string): Promise<TiffPicture> {
  const refuse = (message: string): never => { throw new InvalidFileError(url, message); };
  const number = async (tag: number, fallback: number): Promise<number> => await directory.number(tag) ?? fallback;
  // What libtiff takes for damage in these tags is damage here: what they would mean is a guess.
  const single = async (tag: number, fallback: number): Promise<number> => await directory.single(tag) ?? fallback;
  const width = await single(TAG.imageWidth, 0);
  const height = await single(TAG.imageLength, 0);
  if (!isEdge(width) || !isEdge(height)) refuse(`expected a width and height from 1, found ${width} × ${height}`);
  const samples = await single(TAG.samplesPerPixel, 1);
  if (!(Number.isInteger(samples) && samples >= 1 && samples <= MAX_SAMPLES)) refuse(`expected 1 to ${MAX_SAMPLES} samples per pixel, found ${samples}`);
  const tiled = directory.has(TAG.tileWidth) || directory.has(TAG.tileOffsets);
  const tileWidth = tiled ? await single(TAG.tileWidth, 0) : width;
  const rows = tiled ? await single(TAG.tileLength, 0) : Math.min(await single(TAG.rowsPerStrip, height), height);
  const tileHeight = rows;
  if (!isEdge(tileWidth) || !isEdge(tileHeight)) refuse(`expected blocks of at least 1 × 1 pixels, found ${tileWidth} × ${tileHeight}`);
  const planarConfiguration = await single(TAG.planarConfiguration, 1);
  if (planarConfiguration !== 1 && planarConfiguration !== 2) refuse(`expected pixels or planes (planar configuration 1 or 2), found ${planarConfiguration}`);
  const few = async (tag: number): Promise<number[]> => Array.from(await directory.numbers(tag) ?? []).slice(0, 6);
  const subsampling = await directory.numbers(TAG.ycbcrSubsampling);
  return inParts({
    width, height, samples, tiled, tileWidth, tileHeight,
    bits: await sameBits(directory, samples, url),
    sampleFormat: await number(TAG.sampleFormat, SAMPLE_FORMAT.uint),
    isComplex: false,
    compression: await single(TAG.compression, COMPRESSION.none),
    photometric: await number(TAG.photometric, PHOTOMETRIC.minIsBlack),
    predictor: await number(TAG.predictor, 1),
    fillOrder: await number(TAG.fillOrder, 1),
    planar: samples > 1 && planarConfiguration === 2,
    extraSamples: Array.from(await directory.numbers(TAG.extraSamples) ?? []),
    subsampling: [subsampling?.[0] ?? 2, subsampling?.[1] ?? 2],
    ycbcrCoefficients: await few(TAG.ycbcrCoefficients),
    referenceBlackWhite: await few(TAG.referenceBlackWhite),
    whitePoint: await few(TAG.whitePoint),
    inkSet: await number(TAG.inkSet, 1),
  }, url);
}

/**
 * A picture of complex numbers as one with twice as many samples of half the width.
 * @throws {InvalidFileError} where parts are not stored as bands are
 */
function inParts(picture: TiffPicture, url: string): TiffPicture {
  const { sampleFormat, samples, bits } = picture;
  const isInteger = sampleFormat === SAMPLE_FORMAT.complexInt;
  if (!isInteger && sampleFormat !== SAMPLE_FORMAT.complexFloat) return picture;
  const advice = { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE -co INTERLEAVE=PIXEL' };
  if (bits % 2 !== 0) throw new InvalidFileError(url, `samples are complex numbers of ${bits} bits, which are not read`, advice);
  if (picture.predictor !== 1) throw new InvalidFileError(url, `complex numbers with predictor ${picture.predictor} are not read`, advice);
  return { ...picture, isComplex: true, samples: 2 * samples, bits: bits / 2, sampleFormat: isInteger ? SAMPLE_FORMAT.int : SAMPLE_FORMAT.float, extraSamples: [] };
}

function isEdge(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_EDGE;
}

async function sameBits(directory: Directory, samples: number, url: string): Promise<number> {
  const all = Array.from(await directory.numbers(TAG.bitsPerSample) ?? [1]).slice(0, samples);
  if (all.length === 0) throw new InvalidFileError(url, 'expected the number of bits of a sample, found none', { advice: 'the file is damaged' });
  const bits = all[0] ?? 1;
  if (!Number.isInteger(bits)) throw new InvalidFileError(url, `expected a whole number of bits, found ${bits}`);
  if (all.some((value) => value !== bits)) {
    throw new InvalidFileError(url, `expected the same number of bits in all bands, found ${all.slice(0, 8).join(', ')}`);
  }
  return bits;
}

/**
 * The sample type in memory: packed integers and floats of 16 and 24 bits are widened, 64-bit integers become doubles.
 * @throws {InvalidFileError} for types that are not read: unusual widths
 */
export function sampleType(picture: TiffPicture, url: string): DataType {
  const { bits, sampleFormat } = picture;
  // libtiff gives them in 16 bits, and GDAL the sign that the file says.
  if (isSgiLog(picture)) return sampleFormat === SAMPLE_FORMAT.uint ? 'uint16' : 'int16';
  const float = sampleFormat === SAMPLE_FORMAT.float;
  if (float) {
    if (bits === 16 || bits === 24 || bits === 32) return 'float32';
    if (bits === 64) return 'float64';
  } else if (sampleFormat === SAMPLE_FORMAT.int && (bits === 8 || bits === 16 || bits === 32)) {
    return bits === 8 ? 'int8' : bits === 16 ? 'int16' : 'int32';
  } else if (bits >= 1 && bits <= 32) {
    // Signed integers of other widths too, as GDAL has them; negative ones are refused when they are met.
    return bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : 'uint32';
  } else if (bits === 64) {
    return 'float64';
  }
  const kind = float ? 'floating-point numbers' : sampleFormat === SAMPLE_FORMAT.int ? 'signed integers' : 'unsigned integers';
  throw new InvalidFileError(url, `samples are ${kind} of ${bits} bits, which are not read`,
    { advice: 'convert it to a usual type first, for example with gdal_translate -ot' });
}

/** Whether samples are integers of 64 bits, which are read as doubles. */
export function isWideInteger(picture: Pick<TiffPicture, 'bits' | 'sampleFormat'>): boolean {
  return picture.bits === 64 && picture.sampleFormat !== SAMPLE_FORMAT.float;
}

/** Whether chroma is stored for several pixels together, among their luma. */
export function isSubsampled(picture: TiffPicture): boolean {
  return picture.photometric === PHOTOMETRIC.ycbcr && picture.compression !== COMPRESSION.jpeg && picture.compression !== COMPRESSION.oldJpeg
    && !picture.planar && picture.samples === 3 && (picture.subsampling[0] !== 1 || picture.subsampling[1] !== 1);
}
