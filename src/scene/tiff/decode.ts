import type { DataType, TypedArray } from '../../raster/index.js';
import { bytesOf, bytesPerSample, viewAs } from '../../raster/index.js';
import { widenFloat16, widenFloat24 } from './float16.js';
import { inflateBlock } from './inflate.js';
import { decodeJpegBlock } from './jpeg-block.js';
import { decodeLercBlock } from './lerc-block.js';
import { decodeLzw } from './lzw.js';
import { decodeOldLzw, isOldLzw } from './old-lzw.js';
import { decodePackBits } from './pack-bits.js';
import { isSubsampled, isWideInteger } from './picture.js';
import type { TiffPicture } from './picture.js';
import { undoFloatingPoint, undoHorizontal } from './predictor.js';
import { COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT } from './tags.js';
import { decodeSgiLog, isSgiLog } from './sgi-log.js';
import { reverseBits, unpackBits } from './unpack.js';
import { decodeWebpBlock } from './webp-block.js';
import { doublesOfIntegers } from './wide-integers.js';
import { WRAPPED_COMPRESSIONS, decodeWrappedBlock } from './wrapped-block.js';
import { decodeXz } from './xz.js';
import { spreadSubsampled, subsampledBytes } from './ycbcr.js';
import { decodeZstd } from './zstd.js';

export interface BlockShape {
  readonly width: number;
  /** Rows that should be stored. */
  readonly rows: number;
  /** Rows of these that lie in the picture; some writers leave the rest of a tile out. */
  readonly needed: number;
  /** Samples of a pixel in this plane. */
  readonly samples: number;
}

export interface DecodeContext {
  readonly picture: TiffPicture;
  readonly dtype: DataType;
  readonly littleEndian: boolean;
  readonly jpegTables: Uint8Array | undefined;
  /** What stands around LERC streams (tag 50674). */
  readonly lercAround: number;
  readonly faxOptions: number;
}

/**
 * How many times larger than its code a block can be at most, by compression; what claims more is damaged or an attack,
 * and nothing is allocated for it. (Deflate: 1032; LZW: 4096 bytes per 12-bit code; PackBits: 128 per 2.)
 */
const MAX_RATIO: ReadonlyMap<number, number> = new Map<number, number>([
  [COMPRESSION.none, 1], [COMPRESSION.deflate, 1040], [COMPRESSION.oldDeflate, 1040], [COMPRESSION.lzw, 2800], [COMPRESSION.packBits, 64],
]);

/** Whether a block claims more than its stored bytes can hold. */
export function cannotHold(compression: number, stored: number, least: number): boolean {
  const ratio = MAX_RATIO.get(compression);
  return ratio !== undefined && stored * ratio + 4096 < least;
}

/** Predictors are part of these compressions only (libtiff ignores the tag elsewhere). */
const WITH_PREDICTOR: ReadonlySet<number> = new Set([COMPRESSION.deflate, COMPRESSION.oldDeflate, COMPRESSION.lzw, COMPRESSION.zstd, COMPRESSION.lzma]);

/** Compressions that {@link decodeBlock} can undo. */
export const DECODED_COMPRESSIONS: ReadonlySet<number> = new Set([
  COMPRESSION.none, COMPRESSION.deflate, COMPRESSION.oldDeflate, COMPRESSION.lzw, COMPRESSION.packBits, COMPRESSION.jpeg, COMPRESSION.zstd, COMPRESSION.lzma,
  COMPRESSION.webp, COMPRESSION.lerc, COMPRESSION.oldJpeg, COMPRESSION.sgiLog, COMPRESSION.sgiLog24, ...WRAPPED_COMPRESSIONS,
]);

/** Bytes of a block when it is unpacked but not yet widened; rows begin at whole bytes. */
export function storedBytes(picture: TiffPicture, shape: Pick<BlockShape, 'width' | 'rows' | 'samples'>): number {
  if (isSubsampled(picture)) return subsampledBytes(shape.width, shape.rows, picture.subsampling);
  return Math.ceil((shape.width * shape.samples * picture.bits) / 8) * shape.rows;
}

/**
 * Turns the stored bytes of a block into samples, pixel-interleaved within the plane.
 * @throws {Error} with a message that goes on after the block's name
 */
export async function decodeBlock(stored: Uint8Array, shape: BlockShape, context: DecodeContext): Promise<TypedArray> {
  const { picture, dtype } = context;
  const { compression } = picture;
  if (compression === COMPRESSION.lerc) {
    const samples = await decodeLercBlock(picture.fillOrder === 2 ? reverseBits(stored) : stored, { ...shape, dtype, around: context.lercAround });
    // LERC has an order of its own, but libtiff turns samples around before it compresses them.
    if (!context.littleEndian) swap(bytesOf(samples), 8 * bytesPerSample(dtype));
    return samples;
  }
  if (WRAPPED_COMPRESSIONS.has(compression)) {
    return decodeWrappedBlock(stored, {
      width: shape.width, height: shape.rows, bits: picture.bits, compression, fillOrder: picture.fillOrder, faxOptions: context.faxOptions,
    });
  }
  if (isSgiLog(picture)) return decodeSgiLog(picture.fillOrder === 2 ? reverseBits(stored) : stored, picture, shape);
  const length = storedBytes(picture, shape);
  const least = storedBytes(picture, { ...shape, rows: shape.needed });
  if (cannotHold(compression, stored.length, least)) {
    throw new RangeError(`expected ${least} bytes, but ${stored.length} stored bytes cannot hold them`);
  }
  const bytes = await decompress(stored, length, shape, context);
  if (bytes.length < least) throw new RangeError(`expected ${least} bytes, found ${bytes.length}`);
  if (isSubsampled(picture)) return spreadSubsampled(bytes, shape.width, shape.needed, picture.subsampling);
  const rowBytes = length / shape.rows;
  const rows = Math.min(shape.rows, Math.floor(bytes.length / rowBytes));
  return toSamples(bytes.subarray(0, rows * rowBytes), { ...shape, rows }, context, dtype);
}

async function decompress(stored: Uint8Array, length: number, shape: BlockShape, { picture, jpegTables }: DecodeContext): Promise<Uint8Array> {
  if (picture.fillOrder === 2 && picture.compression !== COMPRESSION.jpeg && picture.compression !== COMPRESSION.webp) reverseBits(stored);
  switch (picture.compression) {
    case COMPRESSION.none: return stored;
    case COMPRESSION.deflate: case COMPRESSION.oldDeflate: return inflateBlock(stored, length);
    case COMPRESSION.zstd: return decodeZstd(stored, length);
    case COMPRESSION.lzma: return decodeXz(stored, length);
    case COMPRESSION.webp: return decodeWebpBlock(stored, { width: shape.width, height: shape.rows, samples: shape.samples });
    case COMPRESSION.lzw: {
      const target = new Uint8Array(length);
      return target.subarray(0, isOldLzw(stored) ? decodeOldLzw(stored, target) : decodeLzw(stored, target));
    }
    case COMPRESSION.packBits: {
      const target = new Uint8Array(length);
      return target.subarray(0, decodePackBits(stored, target));
    }
    case COMPRESSION.jpeg:
      return decodeJpegBlock(stored, {
        width: shape.width, height: shape.rows, samples: shape.samples,
        photometric: picture.planar ? PHOTOMETRIC.minIsBlack : picture.photometric, tables: jpegTables,
      });
    default: throw new RangeError(`compression ${picture.compression} is not read`);
  }
}

function toSamples(bytes: Uint8Array, shape: BlockShape, context: DecodeContext, dtype: DataType): TypedArray {
  const { picture, littleEndian } = context;
  const { bits } = picture;
  const rowSamples = shape.width * shape.samples;
  const predictor = WITH_PREDICTOR.has(picture.compression) ? picture.predictor : 1;
  const rows = { rowSamples, rows: shape.rows, step: shape.samples };
  const float = picture.sampleFormat === SAMPLE_FORMAT.float;
  if (bits % 8 !== 0 || (bits === 24 && predictor !== 3)) {
    if (predictor !== 1) throw new RangeError(`predictor ${predictor} with ${bits} bits is not read`);
    // GDAL, which writes most files of this kind, has integers of 24 bits the other way round than the file's byte order.
    const turned = bits === 24 && littleEndian === float;
    const values = unpack(turned ? bigEndian24(bytes) : bytes, bits, rowSamples, shape.rows);
    if (float) return widenFloat24(values);
    if (picture.sampleFormat === SAMPLE_FORMAT.int) refuseNegative(values, bits);
    return values;
  }
  const data = aligned(bytes, bits === 24 ? 1 : bits / 8);
  if (predictor === 3) {
    if (!float) throw new RangeError('predictor 3 with samples that are not floating-point numbers');
    undoFloatingPoint(data, bits, rows);
    if (bits === 24) return widenFloat24(unpack(bigEndian24(data), bits, rowSamples, shape.rows));
  } else {
    if (!littleEndian) swap(data, bits);
    if (predictor === 2) undoHorizontal(data, bits, rows);
    else if (predictor !== 1) throw new RangeError(`predictor ${predictor} is not known`);
  }
  if (isWideInteger(picture)) return doublesOfIntegers(data, picture.sampleFormat === SAMPLE_FORMAT.int);
  if (float && bits === 16) {
    return widenFloat16(new Uint16Array(data.buffer, data.byteOffset, data.length / 2));
  }
  return viewAs(dtype, data.buffer, data.byteOffset, data.length / (bits / 8));
}

/** The same bytes where a typed array of that sample size may begin; copied only if they lie crooked. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function swap(data: Uint8Array, bits: number): void {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bits === 16) buffer.swap16();
  else if (bits === 32) buffer.swap32();
  else if (bits === 64) buffer.swap64();
}

function unpack(bytes: Uint8Array, bits: number, rowSamples: number, rows: number): TypedArray {
  const count = rowSamples * rows;
  if (bits < 8) return unpackBits(bytes, bits, rowSamples, rows, new Uint8Array(count));
  if (bits < 16) return unpackBits(bytes, bits, rowSamples, rows, new Uint16Array(count));
  return unpackBits(bytes, bits, rowSamples, rows, new Uint32Array(count));
}

/** Signed integers of unusual widths are read as unsigned ones, which is right as long as none is negative. */
function refuseNegative(values: TypedArray, bits: number): void {
  const sign = 2 ** (bits - 1);
  for (const value of values) if (value >= sign) throw new RangeError(`a signed integer of ${bits} bits is negative, which is not read`);
}

/** 24-bit samples are the one odd width that has a byte order. */
function bigEndian24(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    out[i] = bytes[i + 2]!;
    out[i + 1] = bytes[i + 1]!;
    out[i + 2] = bytes[i]!;
  }
  return out;
}
