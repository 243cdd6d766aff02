import sharp from 'sharp';
import type { OverlayOptions } from 'sharp';
import type { Rgba } from '../raster/index.js';
import { prepareFonts } from './font.js';
import { svgDocument } from './svg.js';

/** Longest edge of a picture that this room makes, in pixels: more is of no use on a screen and costs memory. */
export const MAX_PICTURE_EDGE = 2000;

/** A picture in memory: 8 bit, red, green, blue, alpha, row by row. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A picture at its place in a larger one. */
export interface Placed {
  readonly picture: Picture;
  readonly x: number;
  readonly y: number;
  /** Size in which it is drawn; default its own. */
  readonly width?: number;
  readonly height?: number;
  /** How it is resized: `nearest` for class colours and pixels to be seen, `smooth` otherwise (default). */
  readonly resize?: 'smooth' | 'nearest';
}

export interface Composition {
  readonly width: number;
  readonly height: number;
  /** Default white. */
  readonly background?: Rgba;
  readonly pictures?: readonly Placed[];
  /** SVG elements over the pictures. */
  readonly over?: readonly string[];
}

/** Puts pictures and drawings together. @returns a PNG file. */
export async function composePng(composition: Composition): Promise<Buffer> {
  prepareFonts();
  const { width, height } = composition;
  const [r, g, b, a] = composition.background ?? [255, 255, 255, 255];
  const layers: OverlayOptions[] = [];
  for (const placed of composition.pictures ?? []) {
    const resized = await resizePicture(placed.picture, placed.width ?? placed.picture.width, placed.height ?? placed.picture.height, placed.resize);
    layers.push({
      input: asBuffer(resized.data), raw: { width: resized.width, height: resized.height, channels: 4 }, left: Math.round(placed.x), top: Math.round(placed.y),
    });
  }
  if (composition.over !== undefined && composition.over.length > 0) {
    layers.push({ input: Buffer.from(svgDocument(width, height, composition.over)), left: 0, top: 0 });
  }
  return sharp({ create: { width, height, channels: 4, background: { r, g, b, alpha: a / 255 } }, limitInputPixels: false })
    .composite(layers).png({ compressionLevel: 7 }).toBuffer();
}

/** A picture in another size; itself where the size is already right. */
export async function resizePicture(picture: Picture, width: number, height: number, kind: 'smooth' | 'nearest' = 'smooth'): Promise<Picture> {
  const w = Math.max(1, Math.round(width));
  const h = Math.max(1, Math.round(height));
  if (w === picture.width && h === picture.height) return picture;
  const data = await sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 4 }, limitInputPixels: false })
    .resize(w, h, { fit: 'fill', kernel: kind === 'nearest' ? 'nearest' : 'lanczos3' }).raw().toBuffer();
  return { data, width: w, height: h };
}

/** The largest size with the proportions of `width × height` that fits into a box; never larger than itself times `grow`. */
export function fitInto(
  size: { readonly width: number; readonly height: number },
  box: { readonly width: number; readonly height: number },
  grow = 1,
): { width: number; height: number } {
  const factor = Math.min(box.width / size.width, box.height / size.height, grow);
  return { width: Math.max(1, Math.round(size.width * factor)), height: Math.max(1, Math.round(size.height * factor)) };
}

/** `#rrggbb` as red, green, blue. Anything else is grey. */
export function parseColor(color: string): readonly [number, number, number] {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (match === null) return [128, 128, 128];
  return [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16), Number.parseInt(match[3] ?? '', 16)];
}

/** The same bytes as a `Buffer`, without copying. */
function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
