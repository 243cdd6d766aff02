import sharp from 'sharp';
import { InvalidFileError, TilewrightError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import type { BlockScene } from './create-scene.js';
import { firstLineOf } from './first-line.js';
import { memoryRaster } from './memory-raster.js';
import { createPictureScene } from './picture-scene.js';
import type { PictureHeader, PictureOptions } from './picture-scene.js';

/** A file of one colour has hardly any bytes, and its decoder holds all pixels at once. */
const MAX_BYTES = 2 ** 28;

/** The VP8X chunk of the extended format, or a VP8 or VP8L stream, begins here (RFC 9649, section 2). */
const HEADER_BYTES = 30;

/**
 * Opens a WebP: profile from its header; pixels decoded once, at the first read, into memory. Of an animation the first
 * frame is read.
 * @throws {InvalidFileError} if the header is damaged, or the picture too large
 */
export async function openWebp(source: ByteSource, options: PictureOptions = {}): Promise<BlockScene> {
  const found = parseWebpHeader(await source.read(0, HEADER_BYTES));
  if (found === undefined) throw new InvalidFileError(source.url, 'the WebP header is cut off or damaged');
  const { width, height, hasAlpha } = found;
  const bands = hasAlpha ? 4 : 3;
  if (width * height * bands > MAX_BYTES) {
    throw new InvalidFileError(source.url, `a WebP of ${width} × ${height} pixels needs more than ${MAX_BYTES / 2 ** 20} MB to decode`, { advice: 'convert it to a tiled TIFF first' });
  }
  const header: PictureHeader = {
    format: 'WEBP', compression: 'WEBP', width, height, bands, dtype: 'uint8', ...(hasAlpha ? { alphaBand: 3 } : {}), isRgb: true,
    notes: found.isAnimated ? ['only the first frame of the animation is read'] : [],
  };
  const read = async (): Promise<Uint8Array> => {
    const { data, info } = await sharp(await source.read(0, source.size), { failOn: 'warning', limitInputPixels: false, ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
    if (info.width !== width || info.height !== height) throw new RangeError(`expected ${width} × ${height} pixels, found ${info.width} × ${info.height}`);
    return info.channels === bands ? data : withBands(data, info.channels, bands);
  };
  return createPictureScene(source, header, options, { width, height }, async () => {
    try {
      return { raster: memoryRaster(await read(), { width, height, bands, dtype: 'uint8' }), release: () => Promise.resolve() };
    } catch (error) {
      if (error instanceof TilewrightError) throw error;
      throw new InvalidFileError(source.url, `the WebP data are damaged or cut off: ${firstLineOf(error)}`, { cause: error });
    }
  });
}

interface WebpHeader { readonly width: number; readonly height: number; readonly hasAlpha: boolean; readonly isAnimated: boolean }

/** Size and alpha from the first chunk: `VP8X`, `VP8 ` (lossy, RFC 6386, section 9.1) or `VP8L` (lossless). */
export function parseWebpHeader(head: Uint8Array): WebpHeader | undefined {
  if (head.length < HEADER_BYTES) return undefined;
  const view = new DataView(head.buffer, head.byteOffset);
  const kind = String.fromCharCode(...head.subarray(12, 16));
  if (kind === 'VP8X') {
    const flags = head[20]!;
    const edge = (at: number): number => 1 + head[at]! + head[at + 1]! * 256 + head[at + 2]! * 65536;
    return { width: edge(24), height: edge(27), hasAlpha: (flags & 0x10) !== 0, isAnimated: (flags & 2) !== 0 };
  }
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return head[20] === 0x2f ? { width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1, hasAlpha: (bits >>> 28 & 1) === 1, isAnimated: false } : undefined;
  }
  if (kind !== 'VP8 ' || head[23] !== 0x9d || head[24] !== 0x01 || head[25] !== 0x2a) return undefined;
  const width = view.getUint16(26, true) & 0x3fff;
  const height = view.getUint16(28, true) & 0x3fff;
  return width > 0 && height > 0 ? { width, height, hasAlpha: false, isAnimated: false } : undefined;
}

function withBands(data: Uint8Array, from: number, to: number): Uint8Array {
  const pixels = data.length / from;
  const out = new Uint8Array(pixels * to).fill(255);
  for (let i = 0; i < pixels; i++) for (let s = 0; s < Math.min(from, to); s++) out[i * to + s] = data[i * from + s]!;
  return out;
}
