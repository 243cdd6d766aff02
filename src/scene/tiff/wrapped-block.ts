import sharp from 'sharp';
import { COMPRESSION, TAG } from './tags.js';

export interface WrappedBlockOptions {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly compression: number;
  readonly fillOrder: number;
  /** Options of CCITT group 3 or 4 (tags 292 and 293). */
  readonly faxOptions: number;
}

/** Compressions of one sample per pixel that libtiff inside libvips undoes. */
export const WRAPPED_COMPRESSIONS: ReadonlySet<number> = new Set([
  COMPRESSION.ccittRle, COMPRESSION.ccittG3, COMPRESSION.ccittG4, COMPRESSION.ccittRleWord, COMPRESSION.next, COMPRESSION.thunderScan,
]);

/** A line of white costs one bit, so that a few bytes can claim any number of pixels. */
const MAX_PIXELS = 2 ** 27;

/**
 * Decodes a block of a compression that libtiff knows, by putting its bytes into a TIFF of one strip for libvips. The result
 * are the stored integers, a byte each.
 * @throws {Error} if the data are damaged
 */
export async function decodeWrappedBlock(block: Uint8Array, options: WrappedBlockOptions): Promise<Uint8Array> {
  const { width, height, bits } = options;
  if (width * height > MAX_PIXELS) throw new RangeError(`a block of ${width} × ${height} pixels is larger than the ${MAX_PIXELS} that are decoded at once`);
  const { data, info } = await sharp(wrap(block, options), { failOn: 'warning', limitInputPixels: false, ignoreIcc: true })
    .toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height || info.channels !== 1) {
    throw new RangeError(`expected ${width} × ${height} samples, found ${info.width} × ${info.height} × ${info.channels}`);
  }
  // libvips spreads small integers over 0 to 255.
  const step = 255 / (2 ** bits - 1);
  for (let i = 0; i < data.length; i++) data[i] = data[i]! / step;
  return data;
}

/** A little-endian TIFF of one directory and one strip. */
function wrap(block: Uint8Array, { width, height, bits, compression, fillOrder, faxOptions }: WrappedBlockOptions): Uint8Array {
  const fields: (readonly [tag: number, value: number])[] = [
    [TAG.imageWidth, width], [TAG.imageLength, height], [TAG.bitsPerSample, bits], [TAG.compression, compression],
    // Always "black is zero", so that nothing is turned around.
    [TAG.photometric, 1], [TAG.fillOrder, fillOrder], [TAG.stripOffsets, 0], [TAG.samplesPerPixel, 1], [TAG.rowsPerStrip, height],
    [TAG.stripByteCounts, block.length],
    ...(compression === COMPRESSION.ccittG3 ? [[TAG.t4Options, faxOptions] as const] : []),
    ...(compression === COMPRESSION.ccittG4 ? [[TAG.t6Options, faxOptions] as const] : []),
  ];
  const start = 8 + 2 + fields.length * 12 + 4;
  const file = Buffer.alloc(start + block.length);
  file.write('II', 0, 'latin1');
  file.writeUInt16LE(42, 2);
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(fields.length, 8);
  fields.forEach(([tag, value], i) => {
    const at = 10 + i * 12;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(4, at + 2);
    file.writeUInt32LE(1, at + 4);
    file.writeUInt32LE(tag === TAG.stripOffsets ? start : value, at + 8);
  });
  file.set(block, start);
  return file;
}
