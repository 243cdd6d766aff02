import type { TypedArray } from '../raster/index.js';
import type { OverviewMethod } from './types.js';

/** What a reduction has to know of the samples. */
export interface Reduction {
  readonly method: Exclude<OverviewMethod, 'none' | 'bilinear'>;
  readonly bands: number;
  readonly integer: boolean;
  readonly nodata?: number;
  /** Colours of pixels where this band is 0 do not count in averages. */
  readonly alphaBand?: number;
}

/** The masks of the rows that are reduced, one byte per pixel, 0 where it has no data. */
export interface RowMasks {
  readonly upper: Uint8Array;
  readonly upperStart: number;
  readonly lower: Uint8Array;
  readonly lowerStart: number;
  readonly target: Uint8Array;
  readonly targetStart: number;
}

/**
 * Makes one row of a level half as large from two rows of `width` pixels. The last column is paired with itself where the
 * width is odd, and the caller passes the last row twice where the height is odd: neither changes any of the answers.
 */
export function reduceRows(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number,
  target: TypedArray, targetStart: number, reduction: Reduction, masks?: RowMasks,
): void {
  const { method, bands, nodata, alphaBand, integer } = reduction;
  if (masks !== undefined) reduceMask(masks, width, method === 'nearest');
  if (method === 'nearest') {
    nearestRow(upper, upperStart, width, bands, target, targetStart);
  } else if (method === 'mode' && masks !== undefined) {
    maskedModeRow(upper, upperStart, lower, lowerStart, width, target, targetStart, reduction, masks);
  } else if (method === 'mode') {
    modeRow(upper, upperStart, lower, lowerStart, width, bands, target, targetStart, nodata);
  } else if (integer && !isSigned(target) && nodata === undefined && alphaBand === undefined && masks === undefined) {
    const mean = target.BYTES_PER_ELEMENT <= 2 ? meanRow16 : meanRow32;
    mean(upper, upperStart, lower, lowerStart, width, bands, target, targetStart);
  } else {
    maskedMeanRow(upper, upperStart, lower, lowerStart, width, target, targetStart, reduction, masks);
  }
}

/** A reduced pixel has data where one of its four has, or the one that is taken. */
function reduceMask({ upper, upperStart, lower, lowerStart, target, targetStart }: RowMasks, width: number, nearest: boolean): void {
  let t = targetStart;
  for (let x = 0; x < width; x += 2) {
    const right = x + 1 < width ? 1 : 0;
    const any = nearest ? upper[upperStart + x]!
      : upper[upperStart + x]! | upper[upperStart + x + right]! | lower[lowerStart + x]! | lower[lowerStart + x + right]!;
    target[t++] = any === 0 ? 0 : 255;
  }
}

/** Which of the four pixels at column `x` have data, as bits in reading order. */
function maskBits({ upper, upperStart, lower, lowerStart }: RowMasks, x: number, right: number): number {
  return (upper[upperStart + x]! !== 0 ? 1 : 0) | (upper[upperStart + x + right]! !== 0 ? 2 : 0)
    | (lower[lowerStart + x]! !== 0 ? 4 : 0) | (lower[lowerStart + x + right]! !== 0 ? 8 : 0);
}

function nearestRow(upper: TypedArray, upperStart: number, width: number, bands: number, target: TypedArray, targetStart: number): void {
  let t = targetStart;
  for (let x = 0; x < width; x += 2) {
    for (let b = 0, i = upperStart + x * bands; b < bands; b++) target[t++] = upper[i++]!;
  }
}

/** Mean of four unsigned integers of at most 16 bits, rounded half up. */
function meanRow16(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number, bands: number,
  target: TypedArray, targetStart: number,
): void {
  const step = 2 * bands;
  let t = targetStart;
  const pairs = width >> 1;
  for (let x = 0, u = upperStart, l = lowerStart; x < pairs; x++, u += step, l += step) {
    for (let b = 0; b < bands; b++) {
      target[t++] = (upper[u + b]! + upper[u + b + bands]! + lower[l + b]! + lower[l + b + bands]! + 2) >> 2;
    }
  }
  if (width & 1) {
    const u = upperStart + (width - 1) * bands;
    const l = lowerStart + (width - 1) * bands;
    for (let b = 0; b < bands; b++) target[t++] = (upper[u + b]! + lower[l + b]! + 1) >> 1;
  }
}

/** The same for 32 bits, where the sum would not fit a shift. */
function meanRow32(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number, bands: number,
  target: TypedArray, targetStart: number,
): void {
  const step = 2 * bands;
  let t = targetStart;
  const pairs = width >> 1;
  for (let x = 0, u = upperStart, l = lowerStart; x < pairs; x++, u += step, l += step) {
    for (let b = 0; b < bands; b++) {
      target[t++] = Math.floor((upper[u + b]! + upper[u + b + bands]! + lower[l + b]! + lower[l + b + bands]! + 2) / 4);
    }
  }
  if (width & 1) {
    const u = upperStart + (width - 1) * bands;
    const l = lowerStart + (width - 1) * bands;
    for (let b = 0; b < bands; b++) target[t++] = Math.floor((upper[u + b]! + lower[l + b]! + 1) / 2);
  }
}

/** Mean of those of four samples that are not missing; missing where all are. NaN is always missing. */
function maskedMeanRow(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number,
  target: TypedArray, targetStart: number, reduction: Reduction, masks: RowMasks | undefined,
): void {
  const { bands, nodata, integer } = reduction;
  const none = nodata ?? (masks === undefined ? Number.NaN : 0);
  const alpha = reduction.alphaBand ?? -1;
  let t = targetStart;
  for (let x = 0; x < width; x += 2) {
    const u0 = upperStart + x * bands;
    const l0 = lowerStart + x * bands;
    const right = x + 1 < width ? bands : 0;
    const masked = masks === undefined ? 15 : maskBits(masks, x, x + 1 < width ? 1 : 0);
    const opaque = masked & (alpha < 0 ? 15
      : (upper[u0 + alpha]! !== 0 ? 1 : 0) | (upper[u0 + right + alpha]! !== 0 ? 2 : 0)
        | (lower[l0 + alpha]! !== 0 ? 4 : 0) | (lower[l0 + right + alpha]! !== 0 ? 8 : 0));
    for (let b = 0; b < bands; b++) {
      // Where all is transparent, colours are kept as they are, since alpha hides them.
      const counted = b === alpha || opaque === 0 ? masked : opaque;
      let sum = 0;
      let count = 0;
      let first = Number.NaN;
      for (let i = 0; i < 4; i++) {
        if ((counted & (1 << i)) === 0) continue;
        const shift = b + ((i & 1) === 1 ? right : 0);
        const value = i < 2 ? upper[u0 + shift]! : lower[l0 + shift]!;
        if (value !== value || (value === nodata && b !== alpha)) continue;
        if (count === 0) first = value;
        sum += value;
        count++;
      }
      let mean = none;
      if (count > 0) {
        mean = integer ? rounded(sum / count) : sum / count;
        // Valid pixels on both sides of the nodata value must not turn into nodata.
        if (mean === nodata && b !== alpha) mean = first;
      }
      target[t++] = mean;
    }
  }
}

/** The most frequent of the four samples that are not nodata; of equally frequent ones the first in reading order. */
function modeRow(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number, bands: number,
  target: TypedArray, targetStart: number, nodata: number | undefined,
): void {
  const missing = nodata ?? Number.NaN;
  let t = targetStart;
  for (let x = 0; x < width; x += 2) {
    const right = x + 1 < width ? bands : 0;
    for (let band = 0; band < bands; band++) {
      const u = upperStart + x * bands + band;
      const l = lowerStart + x * bands + band;
      const a = upper[u]!;
      const b = upper[u + right]!;
      const c = lower[l]!;
      const d = lower[l + right]!;
      if (a === b && a === c && a === d) target[t++] = a;
      else if (isMissing(a, missing)) target[t++] = isMissing(b, missing) ? (isMissing(c, missing) ? d : c) : modeOfThree(b, c, d, missing);
      else if (a === b || a === c || a === d) target[t++] = a;
      else if (!isMissing(b, missing) && (b === c || b === d)) target[t++] = b;
      else if (!isMissing(c, missing) && c === d) target[t++] = c;
      else target[t++] = a;
    }
  }
}

/** The same among the pixels that the mask leaves. */
function maskedModeRow(
  upper: TypedArray, upperStart: number, lower: TypedArray, lowerStart: number, width: number,
  target: TypedArray, targetStart: number, { bands, nodata }: Reduction, masks: RowMasks,
): void {
  const missing = nodata ?? Number.NaN;
  let t = targetStart;
  for (let x = 0; x < width; x += 2) {
    const right = x + 1 < width ? bands : 0;
    const bits = maskBits(masks, x, right === 0 ? 0 : 1);
    for (let band = 0; band < bands; band++) {
      let best = nodata ?? 0;
      let most = 0;
      for (let i = 0; i < 4; i++) {
        const value = sampleOfFour(i);
        if ((bits & (1 << i)) === 0 || isMissing(value, missing)) continue;
        let count = 0;
        for (let k = 0; k < 4; k++) if ((bits & (1 << k)) !== 0 && sampleOfFour(k) === value) count++;
        if (count > most) [best, most] = [value, count];
      }
      target[t++] = best;

      function sampleOfFour(i: number): number {
        const shift = x * bands + band + ((i & 1) === 1 ? right : 0);
        return i < 2 ? upper[upperStart + shift]! : lower[lowerStart + shift]!;
      }
    }
  }
}

/** `b` is valid. */
function modeOfThree(b: number, c: number, d: number, missing: number): number {
  return b !== c && b !== d && c === d && !isMissing(c, missing) ? c : b;
}

/** Half away from zero, as GDAL does. */
function rounded(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

function isSigned(data: TypedArray): boolean {
  return data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array;
}

function isMissing(value: number, missing: number): boolean {
  return value === missing || value !== value;
}
