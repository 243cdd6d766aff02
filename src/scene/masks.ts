import type { TypedArray } from '../raster/index.js';

export const VALID = 255;

/**
 * A pixel is nodata if all its bands but alpha have their nodata value: what rasterio calls the dataset mask. A legal value
 * that happens to equal nodata in one band does not make a hole. `nodata` has the value of each sample of a pixel; a band
 * without one always has data, and `skip` is the alpha band or -1.
 */
export function maskFromNodata(data: TypedArray, nodata: readonly (number | undefined)[], skip: number, mask: Uint8Array): void {
  const samples = nodata.length;
  if (samples === 1 && nodata[0] !== undefined) {
    if (Number.isNaN(nodata[0])) maskNan(data, mask);
    else maskSingle(data, nodata[0], mask);
    return;
  }
  for (let pixel = 0, at = 0; pixel < mask.length; pixel++, at += samples) {
    let valid = 0;
    for (let s = 0; s < samples; s++) {
      if (s === skip) continue;
      const value = data[at + s]!;
      const missing = nodata[s];
      if (missing === undefined || (missing === missing ? value !== missing : value === value)) { valid = VALID; break; }
    }
    mask[pixel] = valid;
  }
}

/** Native code looks for the next one; they lie in runs. */
function maskSingle(data: TypedArray, nodata: number, mask: Uint8Array): void {
  mask.fill(VALID);
  for (let i = data.indexOf(nodata); i >= 0 && i < mask.length; i = data.indexOf(nodata, i)) {
    for (; i < mask.length && data[i] === nodata; i++) mask[i] = 0;
  }
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

/** Masks are stored as 0 and 1, or 0 and 255; of several bands, one that says there are data is enough. */
export function maskFromBands(data: TypedArray, bands: number, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) {
    mask[i] = 0;
    for (let band = 0; band < bands; band++) if (data[i * bands + band] !== 0) mask[i] = VALID;
  }
}
