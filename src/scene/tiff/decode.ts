import { bytesOf, bytesPerSample } from '../../raster/index.js';
import type { TypedArray } from '../../raster/index.js';
import { decodeJpegBlock } from './jpeg-block.js';
import { decodeLercBlock } from './lerc-block.js';
import { PACKED_COMPRESSIONS, decodePackedBlock, refuseImpossible, samplesOf } from './packed-block.js';
import type { BlockShape, DecodeContext } from './packed-block.js';
import { swap } from './samples.js';
import { decodeSgiLog, isSgiLog } from './sgi-log.js';
import { COMPRESSION, PHOTOMETRIC } from './tags.js';
import { reverseBits } from './unpack.js';
import { decodeWebpBlock } from './webp-block.js';
import { WRAPPED_COMPRESSIONS, decodeWrappedBlock } from './wrapped-block.js';

/** Compressions that {@link decodeBlock} can undo. */
export const DECODED_COMPRESSIONS: ReadonlySet<number> = new Set([
  COMPRESSION.none, COMPRESSION.jpeg, COMPRESSION.webp, COMPRESSION.lerc, COMPRESSION.oldJpeg, COMPRESSION.sgiLog, COMPRESSION.sgiLog24, ...PACKED_COMPRESSIONS, ...WRAPPED_COMPRESSIONS,
]);

/**
 * Turns the stored bytes of a block into samples, pixel-interleaved within the plane.
 * @throws {Error} with a message that goes on after the block's name
 */
export async function decodeBlock(stored: Uint8Array, shape: BlockShape, context: DecodeContext): Promise<TypedArray> {
  const { picture, dtype, jpegTables } = context;
  const { compression } = picture;
  const { width, rows, samples } = shape;
  if (compression === COMPRESSION.lerc) {
    const decoded = await decodeLercBlock(picture.fillOrder === 2 ? reverseBits(stored) : stored, { ...shape, dtype, around: context.lercAround });
    // LERC has an order of its own, but libtiff turns samples around before it compresses them.
    if (!context.littleEndian) swap(bytesOf(decoded), 8 * bytesPerSample(dtype));
    return decoded;
  }
  if (WRAPPED_COMPRESSIONS.has(compression)) {
    return decodeWrappedBlock(stored, { width, height: rows, bits: picture.bits, compression, fillOrder: picture.fillOrder, faxOptions: context.faxOptions });
  }
  if (isSgiLog(picture)) return decodeSgiLog(picture.fillOrder === 2 ? reverseBits(stored) : stored, picture, shape);
  if (compression === COMPRESSION.webp) {
    refuseImpossible(stored, shape, picture);
    return samplesOf(await decodeWebpBlock(stored, { width, height: rows, samples }), shape, context);
  }
  if (compression === COMPRESSION.jpeg) {
    refuseImpossible(stored, shape, picture);
    const photometric = picture.planar ? PHOTOMETRIC.minIsBlack : picture.photometric;
    return samplesOf(await decodeJpegBlock(stored, { width, height: rows, needed: shape.needed, samples, photometric, tables: jpegTables }), shape, context);
  }
  return decodePackedBlock(stored, shape, context);
}
