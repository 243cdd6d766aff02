import sharp from 'sharp';
import type { Picture } from './picture.js';

export interface MapTileOptions {
  /** WebP quality 1–100. */
  readonly quality: number;
  /** WebP without loss, for classes. */
  readonly lossless: boolean;
}

/** A tile of a web map as a file, with its transparency. */
export async function encodeMapTile(picture: Picture, format: 'png' | 'webp', options: MapTileOptions): Promise<Uint8Array> {
  const { data, width, height } = picture;
  const image = sharp(data, { raw: { width, height, channels: 4 } });
  if (format === 'webp') return await image.webp(options.lossless ? { lossless: true } : { quality: options.quality }).toBuffer();
  return await image.png({ compressionLevel: 6, palette: false }).toBuffer();
}
