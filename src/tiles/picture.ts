import sharp from 'sharp';
import { InvalidOptionError } from '../errors.js';
import type { DataType, Raster } from '../raster/index.js';

export interface PictureOptions {
  /** JPEG quality 1–100. */
  readonly quality: number;
}

export interface PictureSource {
  readonly bands: number;
  readonly dtype: DataType;
  /** Whether the values are ids: class ids must not go through a lossy format. */
  readonly categorical: boolean;
}

/**
 * @throws {InvalidOptionError} if pixels of this kind cannot be stored in the format.
 */
export function checkPicture(format: 'png' | 'jpg', source: PictureSource): void {
  const { bands, dtype, categorical } = source;
  if (format === 'png') {
    if (dtype !== 'uint8' && dtype !== 'uint16') {
      throw new InvalidOptionError('--format', `png holds uint8 or uint16, the scene has ${dtype}`, { advice: 'choose tif or npy' });
    }
    if (bands > 4) throw new InvalidOptionError('--format', `png holds 1 to 4 bands, the scene has ${bands}`, { advice: 'choose tif or npy, or fewer bands with --bands' });
    return;
  }
  if (dtype !== 'uint8') throw new InvalidOptionError('--format', `jpg holds uint8, the scene has ${dtype}`, { advice: 'choose tif or npy' });
  if (bands !== 1 && bands !== 3) {
    throw new InvalidOptionError('--format', `jpg holds 1 or 3 bands, the scene has ${bands}`, { advice: 'choose tif, png or npy, or 3 bands with --bands' });
  }
  if (categorical) throw new InvalidOptionError('--format', 'jpg is lossy and would change class ids', { advice: 'choose tif, png or npy' });
}

/** A pixel-interleaved raster as PNG (exact) or JPEG. Two bands become grey and alpha, four become RGB and alpha. */
export async function encodePicture(raster: Raster, format: 'png' | 'jpg', options: PictureOptions): Promise<Uint8Array> {
  const { width, height, bands } = raster;
  const data = raster.data as Uint8Array | Uint16Array;
  const grey = bands < 3;
  const picture = sharp(data, { raw: { width, height, channels: bands as 1 | 2 | 3 | 4 } });
  if (format === 'jpg') return await picture.toColourspace(grey ? 'b-w' : 'srgb').jpeg({ quality: options.quality }).toBuffer();
  const space = data.BYTES_PER_ELEMENT === 2 ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb';
  return await picture.toColourspace(space).png({ compressionLevel: 6, palette: false }).toBuffer();
}
