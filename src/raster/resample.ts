import type { TypedArray } from './types.js';

/** One axis of an area resampling: which source pixels make one target pixel, and how much of each. */
interface AxisWeights {
  /** First source pixel of each target pixel. */
  readonly first: Int32Array;
  /** Where each target pixel's weights begin in `weight`; one more than there are target pixels. */
  readonly start: Int32Array;
  /** Shares of the source pixels; they sum to 1 per target pixel. */
  readonly weight: Float64Array;
}

export interface AreaSize {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
}

/**
 * Reduces a pixel-interleaved raster by area averaging: each target pixel is the mean of the source area that it covers,
 * pixels on the border counted by the share that lies inside. Along each axis the target may not be larger than the source.
 * Where the ratio is whole this is Pillow's BOX filter without rounding; elsewhere Pillow counts pixels whole or not at all.
 * @param source `height × width × bands` samples.
 * @returns `target.height × target.width × bands` float32 samples.
 * @throws {RangeError} if the target is larger than the source or not a whole size from 1.
 */
export function areaResample(source: TypedArray, size: AreaSize, target: { readonly width: number; readonly height: number }): Float32Array {
  checkSize(size, target);
  const result = new Float32Array(target.width * target.height * size.bands);
  areaResampleInto(source, size, target, result);
  return result;
}

/** As {@link areaResample}, into an array that is there already. */
export function areaResampleInto(source: TypedArray, size: AreaSize, target: { readonly width: number; readonly height: number }, result: Float32Array): void {
  checkSize(size, target);
  const columns = axisWeights(size.width, target.width);
  const rows = axisWeights(size.height, target.height);
  const line = new Float64Array(size.width * size.bands);
  for (let y = 0; y < target.height; y++) {
    line.fill(0);
    const from = rows.start[y] ?? 0;
    const to = rows.start[y + 1] ?? 0;
    for (let k = from; k < to; k++) {
      const sourceRow = (rows.first[y] ?? 0) + k - from;
      addRow(source, sourceRow * line.length, rows.weight[k] ?? 0, line);
    }
    reduceRow(line, size.bands, columns, result, y * target.width * size.bands);
  }
}

function checkSize(size: AreaSize, target: { readonly width: number; readonly height: number }): void {
  const fits = (from: number, to: number): boolean => Number.isInteger(to) && to >= 1 && to <= from;
  if (!fits(size.width, target.width) || !fits(size.height, target.height)) {
    throw new RangeError(`expected a target from 1×1 to ${size.width}×${size.height}, found ${target.width}×${target.height}`);
  }
}

function axisWeights(from: number, to: number): AxisWeights {
  const ratio = from / to;
  const first = new Int32Array(to);
  const start = new Int32Array(to + 1);
  const weight: number[] = [];
  for (let i = 0; i < to; i++) {
    // Exact in whole numbers: the area is [i * from / to, (i + 1) * from / to).
    const left = i * from;
    const right = (i + 1) * from;
    const begin = Math.floor(left / to);
    const end = Math.ceil(right / to);
    first[i] = begin;
    for (let source = begin; source < end; source++) {
      weight.push((Math.min((source + 1) * to, right) - Math.max(source * to, left)) / to / ratio);
    }
    start[i + 1] = weight.length;
  }
  return { first, start, weight: Float64Array.from(weight) };
}

function addRow(source: TypedArray, offset: number, weight: number, line: Float64Array): void {
  for (let i = 0; i < line.length; i++) line[i] = (line[i] as number) + weight * (source[offset + i] as number);
}

function reduceRow(line: Float64Array, bands: number, columns: AxisWeights, result: Float32Array, offset: number): void {
  const { first, start, weight } = columns;
  for (let x = 0; x < first.length; x++) {
    const from = start[x] as number;
    const to = start[x + 1] as number;
    for (let band = 0; band < bands; band++) {
      let sum = 0;
      let at = (first[x] as number) * bands + band;
      for (let k = from; k < to; k++) {
        sum += (weight[k] as number) * (line[at] as number);
        at += bands;
      }
      result[offset + x * bands + band] = sum;
    }
  }
}
