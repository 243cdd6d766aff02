import type { TypedArray } from '../raster/index.js';

export const VALID = 255;

/**
 * A pixel is nodata if all its bands but alpha have the nodata value: what rasterio calls the dataset mask. A legal value
 * that happens to equal nodata in one band does not make a hole. `samples` are per pixel, `skip` is the alpha band or -1.
 */
export function maskFromNodata(data: TypedArray, samples: number, nodata: number, skip: number, mask: Uint8Array): void {
  if (samples === 1) {
    if (Number.isNaN(nodata)) maskNan(data, mask);
    else maskSingle(data, nodata, mask);
    return;
  }
  const isNan = Number.isNaN(nodata);
  for (let pixel = 0, at = 0; pixel < mask.length; pixel++, at += samples) {
    let valid = 0;
    for (let s = 0; s < samples; s++) {
      if (s === skip) continue;
      const value = data[at + s]!;
      if (isNan ? value === value : value !== nodata) { valid = VALID; break; }
    }
    mask[pixel] = valid;
  }
}

function maskSingle(data: TypedArray, nodata: number, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) mask[i] = data[i] === nodata ? 0 : VALID;
}

function maskNan(data: TypedArray, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) {
    const value = data[i]!;
    mask[i] = value === value ? VALID : 0;
  }
}

/** A pixel is nodata where its alpha is 0; half-transparent pixels are valid. */
export function maskFromAlpha(data: TypedArray, samples: number, alpha: number, mask: Uint8Array): void {
  for (let pixel = 0, at = alpha; pixel < mask.length; pixel++, at += samples) mask[pixel] = data[at] === 0 ? 0 : VALID;
}

/** Masks are stored as 0 and 1, or 0 and 255. */
export function maskFromBand(data: TypedArray, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) mask[i] = data[i] === 0 ? 0 : VALID;
}
