import sharp from 'sharp';
import { InvalidFileError } from '../errors.js';

/** A picture with three 8-bit bands, pixel-interleaved: red, green, blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Decodes a JPEG or PNG to red, green, blue. Alpha is dropped, grey becomes three equal bands, 16 bits become 8. Colour profiles are not
 * applied, as they are not where models are run on scenes, nor by GDAL and Pillow: samples are the stored ones.
 *
 * JPEGs with four components are cyan, magenta, yellow, black. sharp's default sends them through a printing profile, which
 * shifts every colour; here the inks are taken and converted as (255 − C)(255 − K) / 255, as Pillow and GDAL do, for files
 * with and without an Adobe marker alike (checked in the tests on both kinds).
 * @throws {InvalidFileError} if the bytes are not a picture, or a damaged one.
 */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  try {
    const picture = sharp(bytes, { failOn: 'truncated', ignoreIcc: true });
    const four = jpegComponents(bytes) === 4;
    const raw = four ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture.removeAlpha().toColourspace('srgb');
    const { data, info } = await raw.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (four && info.channels !== 4) throw new Error(`expected 4 components, found ${info.channels}`);
    return { width: info.width, height: info.height, data: four ? fromInk(data) : data };
  } catch (cause) {
    throw new InvalidFileError(name, `expected a JPEG or PNG picture, found one that cannot be decoded: ${decoderReason(cause as Error)}`, { cause });
  }
}

/** libvips loses its reason now and then where several pictures are decoded at a time. */
function decoderReason({ message }: Error): string {
  const first = message.split('\n')[0] ?? '';
  return first === '' || first === 'Unknown error' ? 'damaged data' : first;
}

/** Cyan, magenta, yellow, black → red, green, blue. */
function fromInk(ink: Uint8Array): Uint8Array {
  const pixels = ink.length / 4;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 4, to += 3) {
    const light = 255 - ink[from + 3]!;
    out[to] = Math.round(((255 - ink[from]!) * light) / 255);
    out[to + 1] = Math.round(((255 - ink[from + 1]!) * light) / 255);
    out[to + 2] = Math.round(((255 - ink[from + 2]!) * light) / 255);
  }
  return out;
}

/** Components in the frame header of a JPEG (ITU T.81, B.2.2); 0 if the bytes are not a JPEG. */
export function jpegComponents(bytes: Uint8Array): number {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return 0;
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return 0;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) { at++; continue; }
    // SOF0 … SOF15, without DHT, JPG and DAC that lie between them
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) return bytes[at + 9]!;
    at += 2 + (bytes[at + 2]! << 8) + bytes[at + 3]!;
  }
  return 0;
}

/** Whether bytes are a PNG of 16 bits per sample (bit depth in IHDR, PNG specification 11.2.1). */
export function isWidePng(bytes: Uint8Array): boolean {
  return bytes.length > 24 && bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47 && bytes[24] === 16;
}

/** Averages squares of `factor` pixels; what is left over at the right and bottom edge is cut away. */
export function averageSquares(picture: Picture, factor: number): Picture {
  if (factor === 1) return picture;
  const width = Math.floor(picture.width / factor);
  const height = Math.floor(picture.height / factor);
  const data = new Uint8Array(width * height * 3);
  const area = factor * factor;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let band = 0; band < 3; band++) {
        let sum = 0;
        for (let dy = 0; dy < factor; dy++) {
          const row = ((y * factor + dy) * picture.width + x * factor) * 3 + band;
          for (let dx = 0; dx < factor; dx++) sum += picture.data[row + dx * 3]!;
        }
        data[(y * width + x) * 3 + band] = Math.round(sum / area);
      }
    }
  }
  return { width, height, data };
}

/** The same picture with red and blue exchanged, for files that have them the wrong way round. In place. */
export function swapRedBlue(picture: Picture): Picture {
  const { data } = picture;
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i]!;
    data[i] = data[i + 2]!;
    data[i + 2] = red;
  }
  return picture;
}

/** The same picture with an opaque fourth band, as pictures are drawn. */
export function toRgba(picture: Picture): Picture {
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    out[to] = data[from]!;
    out[to + 1] = data[from + 1]!;
    out[to + 2] = data[from + 2]!;
  }
  return { width, height, data: out };
}
