import type { Rgba } from '../../raster/index.js';
import type { Directory } from './directory.js';
import type { TiffPicture } from './picture.js';
import { EXTRA, PHOTOMETRIC, SAMPLE_FORMAT, TAG } from './tags.js';

/** Samples that are colour, by photometric interpretation; samples beyond them are extra. */
const COLOUR_SAMPLES: ReadonlyMap<number, number> = new Map<number, number>([
  [PHOTOMETRIC.minIsWhite, 1], [PHOTOMETRIC.minIsBlack, 1], [PHOTOMETRIC.rgb, 3], [PHOTOMETRIC.palette, 1], [PHOTOMETRIC.mask, 1],
  [PHOTOMETRIC.cmyk, 4], [PHOTOMETRIC.ycbcr, 3], [PHOTOMETRIC.cielab, 3],
]);

/** The band that the file says is alpha, from 0. An extra band without a meaning (near infrared) is none. */
export function alphaBand(picture: TiffPicture): number | undefined {
  const { extraSamples, samples } = picture;
  const first = extraSamples.length > 0 && extraSamples.length < samples
    ? samples - extraSamples.length
    : COLOUR_SAMPLES.get(picture.photometric) ?? samples;
  const at = extraSamples.findIndex((kind) => kind === EXTRA.associatedAlpha || kind === EXTRA.unassociatedAlpha);
  return at < 0 || first + at >= samples ? undefined : first + at;
}

/**
 * The colours of a palette picture (TIFF 6.0, section 5): all reds, all greens, all blues, in 16 bits. A colour map counts whatever the
 * photometric interpretation says, as in GDAL, whose own files have it with "min is black" where colours were set after the pixels;
 * only three samples that are red, green and blue need none.
 */
export async function readPalette(directory: Directory, picture: TiffPicture): Promise<Rgba[] | undefined> {
  const isColour = (COLOUR_SAMPLES.get(picture.photometric) ?? 1) > 1 && picture.samples > 1;
  const isInteger = picture.sampleFormat === SAMPLE_FORMAT.uint || picture.photometric === PHOTOMETRIC.palette;
  const mapped = isColour || !isInteger ? undefined : await readColourMap(directory, picture);
  if (mapped !== undefined) return mapped;
  if (picture.photometric === PHOTOMETRIC.minIsWhite && picture.samples === 1 && picture.bits <= 8 && picture.sampleFormat === SAMPLE_FORMAT.uint) return whiteToBlack(2 ** picture.bits);
  if (picture.photometric === PHOTOMETRIC.minIsBlack && picture.samples === 1 && picture.bits === 1) return whiteToBlack(2).reverse();
  return undefined;
}

async function readColourMap(directory: Directory, picture: TiffPicture): Promise<Rgba[] | undefined> {
  const map = await directory.numbers(TAG.colorMap);
  const count = 2 ** Math.min(picture.bits, 16);
  if (map === undefined || map.length < 3 * count) return undefined;
  // Some writers put 8-bit values into the 16-bit map.
  let largest = 0;
  for (let i = 0; i < 3 * count; i++) largest = Math.max(largest, map[i]!);
  const scale = largest > 255 ? 257 : 1;
  const at = (i: number): number => Math.min(255, Math.round(map[i]! / scale));
  return Array.from({ length: count }, (_, i): Rgba => [at(i), at(count + i), at(2 * count + i), 255]);
}

/** Pixels of "min is white" and of bilevel pictures stay as they are stored; what they look like is told by a palette, as GDAL does. */
function whiteToBlack(count: number): Rgba[] {
  return Array.from({ length: count }, (_, i): Rgba => {
    const light = Math.floor(255 - (i * 255) / (count - 1));
    return [light, light, light, 255];
  });
}
