import type { Raster, Rgba, SceneProfile } from '../raster/index.js';
import type { Picture } from './picture.js';
import type { Thumbnail } from './thumbnail.js';

/** How samples become brightness, per band: `low` and below is 0, `high` and above 255, linear between. */
export interface Stretch {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Shares of the valid pixels that are cut off at both ends. */
const LOW_SHARE = 0.02;
const HIGH_SHARE = 0.98;

/** 8-bit scenes as they are. */
export const IDENTITY_STRETCH: Stretch = { low: [0], high: [255] };

/**
 * The stretch of a scene, from a thumbnail of it, so that all pictures of a scene have the same brightness: 8-bit scenes are
 * shown as they are, others from the 2nd to the 98th percentile of each band.
 */
export function displayStretch(thumbnail: Thumbnail, profile: Pick<SceneProfile, 'dtype'>): Stretch {
  if (thumbnail.display || profile.dtype === 'uint8') return IDENTITY_STRETCH;
  const low: number[] = [];
  const high: number[] = [];
  for (let band = 0; band < thumbnail.bands; band++) {
    const values = bandValues(thumbnail, band);
    const a = values.length === 0 ? 0 : values[Math.floor((values.length - 1) * LOW_SHARE)]!;
    const b = values.length === 0 ? 1 : values[Math.ceil((values.length - 1) * HIGH_SHARE)]!;
    low.push(a);
    high.push(b > a ? b : a + 1);
  }
  return { low, high };
}

/** A thumbnail as a picture; pixels without data are transparent. */
export function thumbnailPicture(thumbnail: Thumbnail, stretch: Stretch): Picture {
  return stretchPixels(thumbnail, thumbnail.width * thumbnail.height, stretch);
}

/** Pixels of a scene as a picture. One band becomes grey, of three and more the first three become red, green, blue. */
export function rasterPicture(raster: Raster, stretch: Stretch, palette?: readonly Rgba[]): Picture {
  if (palette !== undefined && raster.bands === 1) return palettePicture(raster, palette);
  return stretchPixels(raster, raster.width * raster.height, stretch);
}

function bandValues(thumbnail: Thumbnail, band: number): Float32Array {
  const { data, mask, bands } = thumbnail;
  const values = new Float32Array(mask.length);
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    const value = data[i * bands + band]!;
    if (mask[i] !== 0 && Number.isFinite(value)) values[count++] = value;
  }
  return values.subarray(0, count).sort();
}

type Pixels = Pick<Raster, 'data' | 'width' | 'height' | 'bands' | 'mask'> & { readonly layout?: Raster['layout'] };

function stretchPixels(source: Pixels, pixels: number, stretch: Stretch): Picture {
  const { data, bands, mask } = source;
  const out = new Uint8Array(pixels * 4);
  const pixelStep = source.layout === 'band' ? 1 : bands;
  const bandStep = source.layout === 'band' ? pixels : 1;
  for (let channel = 0; channel < 3; channel++) {
    const band = bands >= 3 ? channel : 0;
    const low = stretch.low[band] ?? stretch.low[0] ?? 0;
    const factor = 255 / ((stretch.high[band] ?? stretch.high[0] ?? 255) - low);
    for (let i = 0; i < pixels; i++) {
      // Rounded half up, clamped; NaN becomes 0.
      const value = (data[i * pixelStep + band * bandStep]! - low) * factor + 0.5;
      out[i * 4 + channel] = value >= 255 ? 255 : value > 0 ? value : 0;
    }
  }
  for (let i = 0; i < pixels; i++) out[i * 4 + 3] = mask === undefined || mask[i] !== 0 ? 255 : 0;
  return { data: out, width: source.width, height: source.height };
}

function palettePicture(raster: Raster, palette: readonly Rgba[]): Picture {
  const pixels = raster.width * raster.height;
  const out = new Uint8Array(pixels * 4);
  for (let i = 0; i < pixels; i++) {
    const color = palette[raster.data[i]!];
    if (color === undefined || (raster.mask !== undefined && raster.mask[i] === 0)) continue;
    out.set(color, i * 4);
  }
  return { data: out, width: raster.width, height: raster.height };
}

/** Class ids in their colours; ids without a colour, and `nodata`, are transparent. */
export function classPicture(
  ids: Uint8Array, size: { readonly width: number; readonly height: number }, palette: readonly Rgba[], nodata?: number,
): Picture {
  const out = new Uint8Array(size.width * size.height * 4);
  for (let i = 0; i < ids.length; i++) {
    const color = ids[i] === nodata ? undefined : palette[ids[i]!];
    if (color !== undefined) out.set(color, i * 4);
  }
  return { data: out, width: size.width, height: size.height };
}
