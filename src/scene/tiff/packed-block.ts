import type { DataType, TypedArray } from '../../raster/index.js';
import { decodeLzw } from './block-kernel.js';
import { inflateBlock } from './inflate.js';
import { decodeOldLzw, isOldLzw } from './old-lzw.js';
import { decodePackBits } from './pack-bits.js';
import { isSubsampled } from './picture.js';
import type { TiffPicture } from './picture.js';
import { toSamples } from './samples.js';
import { COMPRESSION } from './tags.js';
import { reverseBits } from './unpack.js';
import { decodeXz } from './xz.js';
import { spreadSubsampled, subsampledBytes } from './ycbcr.js';
import { decodeZstd } from './zstd.js';

/** Blocks whose compression knows only bytes: what is stored is unpacked, and the bytes are turned into samples. */

export interface BlockShape {
  readonly width: number;
  /** Rows that should be stored. */
  readonly rows: number;
  /** Rows of these that lie in the picture; some writers leave the rest of a tile out. */
  readonly needed: number;
  /** Samples of a pixel in this plane. */
  readonly samples: number;
}

/** What all blocks of a picture have in common; plain data, which other threads can be given. */
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

/** Bytes of a block when it is unpacked but not yet widened; rows begin at whole bytes. */
export function storedBytes(picture: TiffPicture, shape: Pick<BlockShape, 'width' | 'rows' | 'samples'>): number {
  if (isSubsampled(picture)) return subsampledBytes(shape.width, shape.rows, picture.subsampling);
  return Math.ceil((shape.width * shape.samples * picture.bits) / 8) * shape.rows;
}

/** Compressions that {@link decodePackedBlock} can undo, besides none at all. */
export const PACKED_COMPRESSIONS: ReadonlySet<number> = new Set([
  COMPRESSION.deflate, COMPRESSION.oldDeflate, COMPRESSION.lzw, COMPRESSION.packBits, COMPRESSION.zstd, COMPRESSION.lzma,
]);

/**
 * Turns the stored bytes of a block into samples, pixel-interleaved within the plane.
 * @throws {Error} with a message that goes on after the block's name
 */
export async function decodePackedBlock(stored: Uint8Array, shape: BlockShape, context: DecodeContext): Promise<TypedArray> {
  const { picture } = context;
  const length = refuseImpossible(stored, shape, picture);
  const turned = picture.fillOrder === 2 ? reverseBits(stored.slice()) : stored;
  return samplesOf(await unpack(turned, length, picture.compression), shape, context);
}

/**
 * The bytes that a block should unpack to.
 * @throws {RangeError} if so many cannot be in what is stored
 */
export function refuseImpossible(stored: Uint8Array, shape: BlockShape, picture: TiffPicture): number {
  const least = storedBytes(picture, { ...shape, rows: shape.needed });
  if (cannotHold(picture.compression, stored.length, least)) {
    throw new RangeError(`expected ${least} bytes, but ${stored.length} stored bytes cannot hold them`);
  }
  return storedBytes(picture, shape);
}

/**
 * Samples of unpacked bytes.
 * @throws {RangeError} if rows are missing
 */
export function samplesOf(bytes: Uint8Array, shape: BlockShape, context: DecodeContext): TypedArray {
  const { picture, dtype } = context;
  const least = storedBytes(picture, { ...shape, rows: shape.needed });
  if (bytes.length < least) throw new RangeError(`expected ${least} bytes, found ${bytes.length}`);
  if (isSubsampled(picture)) return spreadSubsampled(bytes, shape.width, shape.needed, picture.subsampling);
  const rowBytes = storedBytes(picture, shape) / shape.rows;
  const rows = Math.min(shape.rows, Math.floor(bytes.length / rowBytes));
  return toSamples(bytes.subarray(0, rows * rowBytes), { ...shape, rows }, context, dtype);
}

async function unpack(stored: Uint8Array, length: number, compression: number): Promise<Uint8Array> {
  switch (compression) {
    case COMPRESSION.none: return stored;
    case COMPRESSION.deflate: case COMPRESSION.oldDeflate: return inflateBlock(stored, length);
    case COMPRESSION.zstd: return decodeZstd(stored, length);
    case COMPRESSION.lzma: return decodeXz(stored, length);
    case COMPRESSION.lzw: {
      if (!isOldLzw(stored)) return decodeLzw(stored, length);
      const target = new Uint8Array(length);
      return target.subarray(0, decodeOldLzw(stored, target));
    }
    case COMPRESSION.packBits: {
      const target = new Uint8Array(length);
      return target.subarray(0, decodePackBits(stored, target));
    }
    default: throw new RangeError(`compression ${compression} is not read`);
  }
}
