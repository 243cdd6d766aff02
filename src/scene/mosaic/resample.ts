import { allocate } from '../../raster/index.js';
import type { DataType, TypedArray, Window } from '../../raster/index.js';
import { isFilter, overshoots, tapsOf } from './taps.js';
import type { Taps } from './taps.js';
import type { Axis } from './axis.js';
import type { Kernel } from './types.js';
import { NARROW, toSample } from './values.js';

/** One band of what was read, or its mask: the sample of a pixel stands at `pixel * samples + at`. */
export interface Channel {
  readonly data: TypedArray;
  readonly samples: number;
  readonly at: number;
}

export interface ResampleOptions {
  readonly kernel: Kernel;
  readonly x: Axis;
  readonly y: Axis;
  /** What is wanted, in pixels of the mosaic. */
  readonly part: Window;
  /** What was read, in pixels of the file: at least what the part needs. */
  readonly source: Window;
  readonly dtype: DataType;
  /** Bits that samples have, where they are fewer than the type's. */
  readonly bits?: number;
  /** Samples with this value are left out; where nothing is left, it stands. */
  readonly nodata?: number;
  /** How much each pixel of `source` counts: its alpha, or 0 where it is missing. */
  readonly opacity?: Channel;
}

/**
 * Resamples one band as GDAL does when it reads a window in another number of pixels: samples in the type of the file, rounded;
 * where all pixels are missing, nodata or 0. What comes out as nodata by chance is moved to the value beside it.
 */
export function resample(channel: Channel, options: ResampleOptions): TypedArray {
  const { part, dtype, kernel } = options;
  const columns = tapsOf(options.x, kernel, part.x, part.width);
  const rows = tapsOf(options.y, kernel, part.y, part.height);
  const weights = weightsOf(channel, options);
  const out = allocate(dtype, part.width * part.height);
  const finish = finisher(options);
  if (isFilter(kernel)) {
    filtered(channel, weights, { ...options, columns, rows, checksRuns: overshoots(kernel) }, (i, value) => { out[i] = finish(value); });
  } else {
    const combine = kernel === 'mode' ? mostFrequent : kernel === 'rms' ? rootMeanSquare : kernel === 'averaged' ? singleMean : mean;
    const grid = { columns, rows, source: options.source };
    for (let y = 0, i = 0; y < part.height; y++) for (let x = 0; x < part.width; x++, i++) out[i] = finish(combine(channel, weights, grid, x, y));
  }
  return out;
}

/** Weight of every pixel that was read; `undefined` if all count. */
function weightsOf({ data, samples, at }: Channel, { source, nodata, opacity }: ResampleOptions): Uint8Array | undefined {
  if (nodata === undefined && opacity === undefined) return undefined;
  const weights = new Uint8Array(source.width * source.height);
  for (let i = 0; i < weights.length; i++) {
    if (opacity !== undefined) {
      weights[i] = opacity.data[i * opacity.samples + opacity.at]!;
    } else {
      const value = data[i * samples + at]!;
      weights[i] = value === nodata || (value !== value && nodata !== nodata) ? 0 : 1;
    }
  }
  const [first] = weights;
  return first !== 0 && weights.every((weight) => weight === first) ? undefined : weights;
}

/** From a result, or none, to a sample. */
function finisher({ dtype, bits, nodata }: ResampleOptions): (value: number | undefined) => number {
  const sample = toSample(dtype);
  const most = bits === undefined || bits >= 32 || !/^u/.test(dtype) ? Number.POSITIVE_INFINITY : 2 ** bits - 1;
  const round = NARROW.has(dtype) ? Math.fround : (value: number): number => value;
  const isFloat = dtype.startsWith('float');
  const beside = nodata === undefined ? 0 : !isFloat ? (sample(nodata + 1) === nodata ? nodata - 1 : nodata + 1)
    : nodata === 0 ? 2 ** -126 : Math.fround(nodata + 1e-7 * nodata);
  return (value) => {
    if (value === undefined) return nodata ?? 0;
    const made = sample(Math.min(round(value), most));
    return made === nodata ? beside : made;
  };
}

interface Grid {
  readonly columns: Taps;
  readonly rows: Taps;
  readonly source: Window;
}

/**
 * Along rows, then along columns. Missing pixels do not count; with filters that overshoot, half of the pixels must follow each
 * other without one missing.
 */
function filtered(
  channel: Channel, weights: Uint8Array | undefined, { columns, rows, source, part, checksRuns }: Grid & { readonly part: Window; readonly checksRuns: boolean },
  put: (i: number, value: number | undefined) => void,
): void {
  const lines = new Float64Array(source.height * part.width);
  const valid = weights === undefined ? undefined : new Uint8Array(lines.length);
  const { data, samples, at } = channel;
  for (let y = 0, to = 0; y < source.height; y++) {
    for (let x = 0; x < part.width; x++, to++) {
      const begin = columns.start[x]!;
      const count = columns.start[x + 1]! - begin;
      const from = y * source.width + columns.first[x]! - source.x;
      let [sum, total, run, longest] = [0, 0, 0, 0];
      for (let k = 0; k < count; k++) {
        const own = weights === undefined ? 1 : weights[from + k]!;
        run = own === 0 ? 0 : run + 1;
        if (run > longest) longest = run;
        if (own === 0) continue;
        const weight = columns.weight[begin + k]! * own;
        sum += weight * data[(from + k) * samples + at]!;
        total += weight;
      }
      if (valid === undefined) {
        lines[to] = total === 0 ? sum : sum / total;
      } else if (total > 0 && (!checksRuns || longest >= count >> 1)) {
        lines[to] = sum / total;
        valid[to] = 1;
      }
    }
  }
  for (let y = 0, i = 0; y < part.height; y++) {
    const begin = rows.start[y]!;
    const count = rows.start[y + 1]! - begin;
    const top = rows.first[y]! - source.y;
    for (let x = 0; x < part.width; x++, i++) {
      let [sum, total, run, longest] = [0, 0, 0, 0];
      for (let k = 0, from = top * part.width + x; k < count; k++, from += part.width) {
        if (valid !== undefined && valid[from] === 0) {
          run = 0;
          continue;
        }
        run++;
        if (run > longest) longest = run;
        const weight = rows.weight[begin + k]!;
        sum += weight * lines[from]!;
        total += weight;
      }
      if (valid === undefined) put(i, total === 0 ? sum : sum / total);
      else put(i, total > 0 && (!checksRuns || longest >= count >> 1) ? sum / total : undefined);
    }
  }
}

type Combine = (channel: Channel, weights: Uint8Array | undefined, grid: Grid, x: number, y: number) => number | undefined;

const mean: Combine = (channel, weights, grid, x, y) => {
  let [sum, total] = [0, 0];
  eachPixel(channel, weights, grid, x, y, (value, weight) => {
    sum += value * weight;
    total += weight;
  });
  return total > 0 ? sum / total : undefined;
};

/** In single precision, as an AveragedSource counts. */
const singleMean: Combine = (channel, weights, grid, x, y) => {
  let [sum, count] = [0, 0];
  eachPixel(channel, weights, grid, x, y, (value) => {
    sum = Math.fround(sum + Math.fround(value));
    count++;
  });
  return count > 0 ? sum / count : undefined;
};

const rootMeanSquare: Combine = (channel, weights, grid, x, y) => {
  let [sum, total] = [0, 0];
  eachPixel(channel, weights, grid, x, y, (value, weight) => {
    sum += value * value * weight;
    total += weight;
  });
  return total > 0 ? Math.sqrt(sum / total) : undefined;
};

/** Of several, the one that had so many first. */
const mostFrequent: Combine = (channel, weights, grid, x, y) => {
  const counts = new Map<number, number>();
  let found: number | undefined;
  let most = 0;
  eachPixel(channel, weights, grid, x, y, (value) => {
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    if (count > most) {
      most = count;
      found = value;
    }
  });
  return found;
};

function eachPixel({ data, samples, at }: Channel, weights: Uint8Array | undefined, { columns, rows, source }: Grid, x: number, y: number, visit: (value: number, weight: number) => void): void {
  const [left, right, top, bottom] = [columns.start[x]!, columns.start[x + 1]!, rows.start[y]!, rows.start[y + 1]!];
  for (let r = top; r < bottom; r++) {
    const row = (rows.first[y]! - source.y + r - top) * source.width + columns.first[x]! - source.x;
    for (let c = left; c < right; c++) {
      const pixel = row + c - left;
      if (weights === undefined || weights[pixel] !== 0) visit(data[pixel * samples + at]!, columns.weight[c]! * rows.weight[r]!);
    }
  }
}
