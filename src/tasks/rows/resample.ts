import { bytesPerSample } from '../../raster/index.js';
import type { DataType, Raster, TypedArray } from '../../raster/index.js';

/** How pixels of another grid are made. */
export type Resampling =
  /** the pixel in which the position lies; for classes */
  | 'nearest'
  /** the four around the position */
  | 'bilinear'
  /** all that the new pixel covers, by area */
  | 'average';

export const RESAMPLINGS: readonly Resampling[] = ['nearest', 'bilinear', 'average'];

/** Part of a scene in memory, and what counts as missing in it. */
export interface SourcePart {
  readonly raster: Raster;
  /** Where the part begins in the scene. */
  readonly x: number;
  readonly y: number;
  readonly nodata?: number | undefined;
  /** Index of the band that is alpha, -1 without. */
  readonly alpha: number;
  /** Columns once around the world, where the scene's CRS repeats: positions jump by as many at its edge. */
  readonly world?: number | undefined;
}

/** A block of the new grid. Positions count in pixels of the scene; NaN where there is none. */
export interface TargetBlock {
  readonly width: number;
  readonly height: number;
  readonly data: TypedArray;
  readonly mask: Uint8Array;
  /** Where the block's upper left pixel stands in `data` and `mask`, and pixels from row to row there. */
  readonly at: number;
  readonly stride: number;
  readonly integer: boolean;
  readonly least: number;
  readonly most: number;
}

/** The pixel in which each position lies. `xs` and `ys` are those of the new pixels' middles. */
export function resampleNearest(source: SourcePart, target: TargetBlock, xs: Float64Array, ys: Float64Array): void {
  const { raster: { data, mask, width, height, bands } } = source;
  for (let row = 0, i = 0; row < target.height; row++) {
    for (let column = 0; column < target.width; column++, i++) {
      // GDAL's margin: positions on a border by rounding fall on the right side of it.
      const x = Math.floor(xs[i]! + 1e-10) - source.x;
      const y = Math.floor(ys[i]! + 1e-10) - source.y;
      if (!(x >= 0 && y >= 0 && x < width && y < height)) continue;
      const from = y * width + x;
      if (mask !== undefined && mask[from] === 0) continue;
      const to = target.at + row * target.stride + column;
      for (let band = 0; band < bands; band++) target.data[to * bands + band] = data[from * bands + band]!;
      target.mask[to] = 255;
    }
  }
}

/**
 * The mean of the four pixels around each position, by distance; missing ones are left out. A pixel is missing where the one
 * in which the position lies is missing or outside, as in GDAL.
 */
export function resampleBilinear(source: SourcePart, target: TargetBlock, xs: Float64Array, ys: Float64Array): void {
  const { raster: { data, mask, width, height, bands }, x: left, y: top, alpha } = source;
  const nodata = source.nodata ?? Number.NaN;
  const { data: out, mask: outMask, integer, least, most } = target;
  const line = width * bands;
  for (let row = 0, i = 0; row < target.height; row++) {
    for (let to = target.at + row * target.stride, end = to + target.width; to < end; to++, i++) {
      const x = xs[i]! - left;
      const y = ys[i]! - top;
      if (!(x >= 0 && y >= 0 && x < width && y < height)) continue;
      if (mask !== undefined && mask[(y | 0) * width + (x | 0)] === 0) continue;
      const x0 = Math.floor(x - 0.5) | 0;
      const y0 = Math.floor(y - 0.5) | 0;
      const fx = x - 0.5 - x0;
      const fy = y - 0.5 - y0;
      const first = y0 * width + x0;
      if (!(x0 >= 0 && y0 >= 0 && x0 + 1 < width && y0 + 1 < height)
        || (mask !== undefined && (mask[first] === 0 || mask[first + 1] === 0 || mask[first + width] === 0 || mask[first + width + 1] === 0))) {
        for (let band = 0; band < bands; band++) putPartial(source, target, x0, y0, fx, fy, to, band);
        continue;
      }
      const w0 = (1 - fx) * (1 - fy);
      const w1 = fx * (1 - fy);
      const w2 = (1 - fx) * fy;
      const w3 = fx * fy;
      const weight = w0 + w1 + w2 + w3;
      for (let band = 0, at = first * bands, place = to * bands; band < bands; band++, at++, place++) {
        const a = data[at]!;
        const b = data[at + bands]!;
        const c = data[at + line]!;
        const d = data[at + line + bands]!;
        const value = (w0 * a + w1 * b + w2 * c + w3 * d) / weight;
        // One of them missing, or NaN: by what is left.
        if (value !== value || ((a === nodata || b === nodata || c === nodata || d === nodata) && band !== alpha)) {
          putPartial(source, target, x0, y0, fx, fy, to, band);
          continue;
        }
        out[place] = integer ? Math.min(most, Math.max(least, Math.floor(value + 0.5))) : value;
        if (band === alpha) continue;
        if (out[place] === nodata) put(source, target, to, band, value, 1);
        else outMask[to] = 255;
      }
    }
  }
}

/** One sample of {@link resampleBilinear} of the pixels that are there. `x` and `y` are those of the upper left one of the four. */
function putPartial(source: SourcePart, target: TargetBlock, x: number, y: number, fx: number, fy: number, to: number, band: number): void {
  const { width, height } = source.raster;
  let sum = 0;
  let weight = 0;
  for (let k = 0; k < 4; k++) {
    const share = ((k & 1) === 0 ? 1 - fx : fx) * (k < 2 ? 1 - fy : fy);
    const sx = x + (k & 1);
    const sy = y + (k >> 1);
    if (share <= 0 || sx < 0 || sy < 0 || sx >= width || sy >= height) continue;
    const value = sampleAt(source, sy * width + sx, band);
    if (value !== value) continue;
    sum += share * value;
    weight += share;
  }
  put(source, target, to, band, sum, weight);
}

/**
 * The mean of what each new pixel covers, by area; missing pixels are left out. `xs` and `ys` are those of the new pixels'
 * corners, one more per row and per column than there are pixels. A pixel that lies askew counts as an upright rectangle with
 * the same middle and the same edges.
 */
export function resampleAverage(source: SourcePart, target: TargetBlock, xs: Float64Array, ys: Float64Array): void {
  const mean = createMean(source.raster.bands);
  for (let row = 0; row < target.height; row++) {
    for (let column = 0; column < target.width; column++) {
      for (let band = 0; band < mean.sums.length; band++) mean.sums[band] = mean.weights[band] = 0;
      addCovered(source, mean, xs, ys, row * (target.width + 1) + column, target.width + 1);
      putMean(source, target, mean, target.at + row * target.stride + column);
    }
  }
}

/** What was found so far of the mean of one new pixel, per band. */
export interface PixelMean {
  readonly sums: Float64Array;
  readonly weights: Float64Array;
}

export function createMean(bands: number): PixelMean {
  return { sums: new Float64Array(bands), weights: new Float64Array(bands) };
}

/**
 * Adds what a new pixel covers of a part of the scene, as {@link resampleAverage} weighs it. Parts that do not overlap make up the
 * mean of all that it covers. The pixel's upper left corner is `corner` of `xs` and `ys`, the lower left one `line` further.
 */
export function addCovered(source: SourcePart, mean: PixelMean, xs: Float64Array, ys: Float64Array, corner = 0, line = 2): void {
  const c = corner;
  const [a, d] = [ys[c]!, ys[c + line + 1]!];
  const middleY = (a + ys[c + 1]! + ys[c + line]! + d) / 4 - source.y;
  const halfY = halfLength(a, ys[c + 1]!, ys[c + line]!, d);
  const corners = [xs[c]!, xs[c + 1]!, xs[c + line]!, xs[c + line + 1]!] as const;
  const { world } = source;
  if (world === undefined || Math.max(...corners) - Math.min(...corners) < world / 2) {
    const middleX = (corners[0] + corners[1] + corners[2] + corners[3]) / 4 - source.x;
    addBox(source, mean, middleX, halfLength(...corners), middleY, halfY);
    return;
  }
  // The pixel lies over the edge of the world: in one piece there, what it covers is on both sides of the scene.
  const [first, ...others] = corners;
  const [second, third, fourth] = others.map((x) => x - world * Math.round((x - first) / world)) as [number, number, number];
  const middleX = (first + second + third + fourth) / 4 - source.x;
  for (const turns of [-1, 0, 1]) addBox(source, mean, middleX + turns * world, halfLength(first, second, third, fourth), middleY, halfY);
}

/** Adds the pixels of a part that a rectangle covers, by their shares of it. */
function addBox(source: SourcePart, { sums, weights }: PixelMean, middleX: number, halfX: number, middleY: number, halfY: number): void {
  const { raster: { data, mask, width, height, bands }, alpha } = source;
  const nodata = source.nodata ?? Number.NaN;
  const x0 = Math.max(0, middleX - halfX);
  const x1 = Math.min(width, middleX + halfX);
  const y0 = Math.max(0, middleY - halfY);
  const y1 = Math.min(height, middleY + halfY);
  if (!(x1 > x0 && y1 > y0)) return;
  const firstX = Math.floor(x0) | 0;
  const firstY = Math.floor(y0) | 0;
  const lastX = (Math.ceil(x1) | 0) - 1;
  const shareFirst = Math.min(firstX + 1, x1) - x0;
  const shareLast = lastX === firstX ? shareFirst : x1 - lastX;
  for (let band = 0; band < bands; band++) {
    let sum = 0;
    let weight = 0;
    // As sampleAt says it: alpha is never missing.
    const missing = band === alpha ? Number.NaN : nodata;
    const present = band === alpha ? undefined : mask;
    for (let sy = firstY; sy < y1; sy++) {
      const high = Math.min(sy + 1, y1) - Math.max(sy, y0);
      for (let sx = firstX, pixel = sy * width + firstX; sx <= lastX; sx++, pixel++) {
        const value = data[pixel * bands + band]!;
        if (value !== value || value === missing || (present !== undefined && present[pixel] === 0)) continue;
        const share = sx === firstX ? high * shareFirst : sx === lastX ? high * shareLast : high;
        sum += share * value;
        weight += share;
      }
    }
    sums[band] = sums[band]! + sum;
    weights[band] = weights[band]! + weight;
  }
}

/** Writes a mean to pixel `to` of the target's samples. `source` is any of the parts that were added. */
export function putMean(source: SourcePart, target: TargetBlock, { sums, weights }: PixelMean, to = target.at): void {
  for (let band = 0; band < sums.length; band++) put(source, target, to, band, sums[band]!, weights[band]!);
}

/** Half of what a pixel covers along one axis, by the places of its corners there (upper left, upper right, lower left, lower right). */
function halfLength(a: number, b: number, c: number, d: number): number {
  const across = b - a + d - c;
  const down = c - a + d - b;
  return Math.sqrt(across * across + down * down) / 4;
}

/** A sample, NaN where it is missing. Alpha itself is never missing inside the scene. */
function sampleAt({ raster: { data, mask, bands }, nodata, alpha }: SourcePart, pixel: number, band: number): number {
  const value = data[pixel * bands + band]!;
  if (band === alpha) return value;
  return (mask !== undefined && mask[pixel] === 0) || value === nodata ? Number.NaN : value;
}

/** Writes a weighted mean. A pixel has data where a band other than alpha has. */
function put({ raster: { bands }, nodata, alpha }: SourcePart, target: TargetBlock, to: number, band: number, sum: number, weight: number): void {
  // Shares so small are rounding at the edge of a pixel.
  if (weight < 1e-9) return;
  const { data, integer, least, most } = target;
  const at = to * bands + band;
  const value = sum / weight;
  data[at] = integer ? Math.min(most, Math.max(least, Math.floor(value + 0.5))) : value;
  // Valid pixels on both sides of the nodata value must not turn into nodata. What counts is the value as the type holds it.
  if (band !== alpha && data[at] === nodata) data[at] = integer ? (nodata > least ? nodata - 1 : nodata + 1) : besideNodata(nodata, most, data);
  if (band !== alpha) target.mask[to] = 255;
}

/** GDAL takes floats for nodata that differ from it by less than 2 ** -21 of it (`ARE_REAL_EQUAL`); rounded to float32, this is more. */
const BESIDE = 6e-7;

/** A float close to nodata that is none for GDAL either: one above, below where there is none. */
function besideNodata(nodata: number, most: number, data: TypedArray): number {
  const step = Math.max(Math.abs(nodata) * BESIDE, data instanceof Float32Array ? 2 ** -149 : Number.MIN_VALUE);
  return nodata + step <= most ? nodata + step : nodata - step;
}

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/** Which values a sample type holds, for {@link TargetBlock}. */
export function rangeOf(dtype: DataType): { readonly integer: boolean; readonly least: number; readonly most: number } {
  if (dtype.startsWith('float')) {
    const most = dtype === 'float32' ? LARGEST_FLOAT32 : Number.MAX_VALUE;
    return { integer: false, least: -most, most };
  }
  const bits = 8 * bytesPerSample(dtype);
  return dtype.startsWith('u') ? { integer: true, least: 0, most: 2 ** bits - 1 } : { integer: true, least: -(2 ** (bits - 1)), most: 2 ** (bits - 1) - 1 };
}
