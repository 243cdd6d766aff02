import { InvalidFileError } from '../errors.js';
import type { BlockRaster } from './block-raster.js';
import type { ByteSource } from './byte-source.js';
import { MARKER } from './jpeg-segments.js';
import { inflateBlock } from './tiff/inflate.js';

/** Rows that are spread into bytes at once. */
const BLOCK_ROWS = 256;
/** The last four bytes of the file: where the mask begins. */
const POINTER_BYTES = 4;

/**
 * The mask that GDAL appends to a JPEG (option INTERNAL_MASK of its JPEG driver): behind the end of the picture a zlib stream
 * of one bit per pixel, row by row without gaps, lowest bit first, then four bytes that say where it begins.
 */
export async function readAppendedMask(source: ByteSource, size: { readonly width: number; readonly height: number }): Promise<BlockRaster | undefined> {
  const end = source.size - POINTER_BYTES;
  if (end < POINTER_BYTES) return undefined;
  const pointer = await source.read(end, POINTER_BYTES);
  const start = new DataView(pointer.buffer, pointer.byteOffset).getUint32(0, true);
  if (start < source.size / 2 || start >= end) return undefined;
  const [mark, kind] = await source.read(start - 2, 2);
  if (mark !== 0xff || kind !== MARKER.eoi) return undefined;
  const { width, height } = size;
  const length = Math.ceil((width * height) / 8);
  let bits: Promise<Uint8Array> | undefined;
  const inflate = async (): Promise<Uint8Array> => {
    const found = await inflateBlock(await source.read(start, end - start), length).catch((error: unknown) => {
      throw new InvalidFileError(source.url, 'the mask behind its picture is damaged', { cause: error });
    });
    if (found.length < length) throw new InvalidFileError(source.url, `the mask behind its picture has ${found.length} bytes, expected ${length}`);
    return found;
  };
  return {
    width, height, bands: 1, dtype: 'uint8', planes: 1, fill: 0, blockWidth: width, blockHeight: Math.min(BLOCK_ROWS, height),
    runs: (keys) => keys.map((key) => [key]),
    decode: async (run) => {
      bits ??= inflate();
      const all = await bits;
      return run.map((key) => spread(all, key * BLOCK_ROWS * width, Math.min(BLOCK_ROWS, height - key * BLOCK_ROWS) * width));
    },
  };
}

function spread(bits: Uint8Array, from: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = bits[Math.floor((from + i) / 8)]! >> ((from + i) % 8) & 1 ? 255 : 0;
  return out;
}
