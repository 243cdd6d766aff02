import type { DataType, TypedArray } from '../../raster/index.js';
import { viewAs } from '../../raster/index.js';
import { widenFloat16, widenFloat24 } from './float16.js';
import type { BlockShape, DecodeContext } from './packed-block.js';
import { isWideInteger } from './picture.js';
import { undoFloatingPoint, undoHorizontal } from './predictor.js';
import { COMPRESSION, SAMPLE_FORMAT } from './tags.js';
import { unpackBits } from './unpack.js';
import { doublesOfIntegers } from './wide-integers.js';

/** Predictors are part of these compressions only (libtiff ignores the tag elsewhere). */
const WITH_PREDICTOR: ReadonlySet<number> = new Set([COMPRESSION.deflate, COMPRESSION.oldDeflate, COMPRESSION.lzw, COMPRESSION.zstd, COMPRESSION.lzma]);

/**
 * Turns the unpacked bytes of whole rows into samples of this machine: undoes the predictor, turns byte orders, widens odd widths.
 * Works in place where it can.
 * @throws {RangeError} for a predictor or width that is not read
 */
export function toSamples(bytes: Uint8Array, shape: BlockShape, context: DecodeContext, dtype: DataType): TypedArray {
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

/** Turns the bytes of every sample around, in place. */
export function swap(data: Uint8Array, bits: number): void {
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
