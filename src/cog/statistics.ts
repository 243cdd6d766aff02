import type { TypedArray } from '../raster/index.js';

/** Of one band: how many valid samples, and what they are like. */
export type BandStatistics = {
  readonly count: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  /** Sum of the squared distances to the mean. */
  readonly squares: number;
};

export interface StatisticsOptions {
  readonly width: number;
  readonly bands: number;
  readonly nodata?: number | undefined;
  /** Samples of the other bands do not count where this one is 0. */
  readonly alphaBand?: number | undefined;
}

export interface Statistics {
  /** Counts a row. */
  push(rows: TypedArray, start: number, mask: Uint8Array | undefined, maskStart: number): void;
  bands(): BandStatistics[];
}

/**
 * Counts rows one by one, each on its own, and joins their sums (Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise
 * algorithm"): the result does not depend on how many rows come at once, and large offsets cost no digits.
 */
export function createStatistics(options: StatisticsOptions, before?: readonly BandStatistics[]): Statistics {
  const { width, bands, alphaBand } = options;
  const nodata = options.nodata ?? Number.NaN;
  const all = before === undefined
    ? Array.from({ length: bands }, (): BandStatistics => ({ count: 0, minimum: 0, maximum: 0, mean: 0, squares: 0 }))
    : [...before];
  return {
    push(rows, start, mask, maskStart) {
      const masked = mask !== undefined && mask.subarray(maskStart, maskStart + width).includes(0) ? mask : undefined;
      for (let band = 0; band < bands; band++) {
        const alpha = alphaBand === undefined ? 0 : alphaBand - band;
        const row = rowStatistics(rows, start + band, width, bands, nodata, alpha, masked, maskStart);
        if (row.count > 0) all[band] = join(all[band]!, row);
      }
    },
    bands: () => [...all],
  };
}

/** One band of one row. `alpha` is the distance from a sample to its alpha, 0 without. */
function rowStatistics(
  rows: TypedArray, start: number, width: number, bands: number, nodata: number, alpha: number, mask: Uint8Array | undefined, maskStart: number,
): BandStatistics {
  let count = 0;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  // Distances are counted from the first valid sample, so that squares of large numbers do not drown small differences.
  let origin = 0;
  let sum = 0;
  let squares = 0;
  const whole = alpha === 0 && mask === undefined && nodata !== nodata && !(rows instanceof Float32Array || rows instanceof Float64Array);
  if (whole) {
    origin = rows[start]!;
    for (let i = start, end = start + width * bands; i < end; i += bands) {
      const value = rows[i]!;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      const distance = value - origin;
      sum += distance;
      squares += distance * distance;
    }
    count = width;
  } else {
    for (let x = 0, i = start; x < width; x++, i += bands) {
      const value = rows[i]!;
      if (value !== value || value === nodata || (mask !== undefined && mask[maskStart + x] === 0) || (alpha !== 0 && rows[i + alpha] === 0)) continue;
      if (!Number.isFinite(value)) continue;
      if (count === 0) origin = value;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      const distance = value - origin;
      sum += distance;
      squares += distance * distance;
      count++;
    }
  }
  return { count, minimum, maximum, mean: origin + sum / Math.max(1, count), squares: Math.max(0, squares - (sum * sum) / Math.max(1, count)) };
}

function join(a: BandStatistics, b: BandStatistics): BandStatistics {
  if (a.count === 0) return b;
  const count = a.count + b.count;
  const distance = b.mean - a.mean;
  return {
    count,
    minimum: Math.min(a.minimum, b.minimum),
    maximum: Math.max(a.maximum, b.maximum),
    mean: a.mean + distance * (b.count / count),
    squares: a.squares + b.squares + distance * distance * ((a.count * b.count) / count),
  };
}

/** GDAL's items of a band; none where nothing was valid. */
export function statisticsItems({ count, minimum, maximum, mean, squares }: BandStatistics, pixels: number): Record<string, string> {
  if (count === 0) return {};
  return {
    STATISTICS_MAXIMUM: short(maximum),
    STATISTICS_MEAN: short(mean),
    STATISTICS_MINIMUM: short(minimum),
    STATISTICS_STDDEV: short(Math.sqrt(squares / count)),
    STATISTICS_VALID_PERCENT: String(Number(((100 * count) / pixels).toPrecision(4))),
  };
}

/** 14 digits, as GDAL writes them. */
function short(value: number): string {
  return String(Number(value.toPrecision(14)));
}
