import { bytesPerSample } from '../../raster/index.js';
import type { KernelCoding, PredictedRows } from './block-kernel.js';
import { isOldLzw } from './old-lzw.js';
import { storedBytes } from './packed-block.js';
import type { BlockShape, DecodeContext } from './packed-block.js';
import { isSubsampled, isWideInteger } from './picture.js';
import { COMPRESSION } from './tags.js';

/** All that a kernel needs to know to turn the stored bytes of a block into samples; plain data, which threads are given. */
export interface KernelWork {
  readonly coding: KernelCoding;
  /** Bytes to unpack. */
  readonly length: number;
  /** Bytes that the picture needs of them. */
  readonly least: number;
  readonly rows?: PredictedRows;
}

const CODINGS: ReadonlyMap<number, KernelCoding> = new Map([
  [COMPRESSION.deflate, 'inflate'], [COMPRESSION.oldDeflate, 'inflate'], [COMPRESSION.lzw, 'unpack_lzw'], [COMPRESSION.zstd, 'unpack_zstd'],
]);

/** The work for a block whose unpacked bytes are its samples as they lie in memory, but for a predictor; `undefined` where more has to be done. */
export function kernelWork(stored: Uint8Array, shape: BlockShape, { picture, dtype, littleEndian }: DecodeContext): KernelWork | undefined {
  const coding = CODINGS.get(picture.compression);
  const { bits, predictor } = picture;
  if (coding === undefined || bits !== 8 * bytesPerSample(dtype) || isWideInteger(picture) || isSubsampled(picture) || picture.fillOrder === 2) return undefined;
  if (coding === 'unpack_lzw' && isOldLzw(stored)) return undefined;
  const work = { coding, length: storedBytes(picture, shape), least: storedBytes(picture, { ...shape, rows: shape.needed }) };
  const isFloat = dtype === 'float32' || dtype === 'float64';
  if (predictor === 1 && (littleEndian || bits === 8)) return work;
  // Predictor 3 knows no byte order.
  if ((predictor === 2 && (littleEndian || bits === 8)) || (predictor === 3 && isFloat)) {
    return { ...work, rows: { predictor, bits, rowSamples: shape.width * shape.samples, step: shape.samples } };
  }
  return undefined;
}
