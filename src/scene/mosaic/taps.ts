import type { Axis } from './axis.js';
import type { Kernel } from './types.js';

/** Which pixels of a file make each of a row (or column) of the mosaic's pixels, and how much each counts. */
export interface Taps {
  /** First pixel of the file, by pixel of the mosaic. */
  readonly first: Int32Array;
  /** Where each one's weights begin; one more than there are pixels. */
  readonly start: Int32Array;
  /** As the filter has them: they need not sum to 1. */
  readonly weight: Float64Array;
}

/** Filters of a distance in pixels; zero from their radius on. */
const FILTERS = {
  bilinear: { radius: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  // Keys, Cubic convolution interpolation for digital image processing (1981), with a = -0.5.
  cubic: {
    radius: 2,
    weight: (x: number) => {
      const d = Math.abs(x);
      if (d <= 1) return d * d * (1.5 * d - 2.5) + 1;
      return d <= 2 ? d * d * (-0.5 * d + 2.5) - 4 * d + 2 : 0;
    },
  },
  // The cubic B-spline, without its prefilter: it blurs.
  cubicspline: {
    radius: 2,
    weight: (x: number) => {
      const d = Math.abs(x);
      if (d <= 1) return 2 / 3 + d * d * (d / 2 - 1);
      return d <= 2 ? (2 - d) ** 3 / 6 : 0;
    },
  },
  lanczos: {
    radius: 3,
    weight: (x: number) => {
      if (x === 0) return 1;
      const [a, b] = [Math.PI * x, Math.PI * x / 3];
      return Math.abs(x) < 3 ? Math.sin(a) * Math.sin(b) / (a * b) : 0;
    },
  },
} as const;

type Filter = keyof typeof FILTERS;

/** Filters whose answers reach beyond the values around. */
const OVERSHOOTING: ReadonlySet<Kernel> = new Set(['cubic', 'lanczos']);

/** Positions that are nearly on a pixel's edge are on it. */
const SLACK = 1e-8;

export function isFilter(kernel: Kernel): kernel is Filter {
  return kernel in FILTERS;
}

export function overshoots(kernel: Kernel): boolean {
  return OVERSHOOTING.has(kernel);
}

/**
 * Taps of `count` pixels of the mosaic from `from` on, as GDAL's overviews have them: filters are as wide as a pixel of the
 * mosaic where that is larger than one of the file; means weigh pixels by the share that lies inside; those of an AveragedSource
 * take whole ones. Pixels around the placement take part, cut where GDAL cuts what it reads for a request of the whole.
 */
export function tapsOf(axis: Axis, kernel: Kernel, from: number, count: number): Taps {
  const first = new Int32Array(count);
  const start = new Int32Array(count + 1);
  const weight: number[] = [];
  const [low, high] = reachOf(axis, isFilter(kernel) ? FILTERS[kernel].radius : 0);
  for (let i = 0; i < count; i++) {
    const left = (from + i - axis.start) * axis.step + axis.offset;
    first[i] = isFilter(kernel) ? pushFilter(weight, kernel, axis.step, (from + i + 0.5 - axis.start) * axis.step + axis.offset, low, high)
      : kernel === 'averaged' ? pushMiddles(weight, left, axis.step, low, high) : pushShares(weight, left, axis.step, low, high);
    start[i + 1] = weight.length;
  }
  return { first, start, weight: Float64Array.from(weight) };
}

/** Pixels of the file, first and behind the last, that all of the axis may take. */
function reachOf(axis: Axis, radius: number): readonly [low: number, high: number] {
  const factor = Math.max(1, Math.floor(axis.step + 0.5));
  const begin = Math.max(0, Math.floor(axis.offset + 1e-3));
  const end = begin + 1 + Math.ceil((axis.end - axis.start) * axis.step - SLACK);
  return [Math.max(0, begin - radius * factor), Math.min(axis.last + 1, end + radius * factor)];
}

function pushFilter(weights: number[], kernel: Filter, step: number, centre: number, low: number, high: number): number {
  const { radius, weight } = FILTERS[kernel];
  const width = Math.max(1, step);
  const begin = Math.min(high - 1, Math.max(low, Math.floor(centre - radius * width + 0.5)));
  const end = Math.max(begin + 1, Math.min(high, Math.floor(centre + radius * width + 0.5)));
  for (let i = begin; i < end; i++) weights.push(weight((i - centre + 0.5) / width));
  return begin;
}

function pushShares(weights: number[], left: number, step: number, low: number, high: number): number {
  const right = left + step;
  const begin = Math.min(high - 1, Math.max(low, Math.floor(left + SLACK)));
  const end = Math.max(begin + 1, Math.min(high, Math.ceil(right - SLACK)));
  for (let i = begin; i < end; i++) weights.push(end - begin === 1 ? 1 : Math.min(i + 1, right) - Math.max(i, left));
  return begin;
}

/** Those whose middles lie in the pixel of the mosaic; the one that it begins in where pixels become smaller. */
function pushMiddles(weights: number[], left: number, step: number, low: number, high: number): number {
  const isLarger = step >= 1;
  const begin = Math.floor(isLarger ? left + 0.5 : left);
  const end = isLarger ? Math.floor(left + step + 0.5) : begin + 1;
  // Beyond the file there is nothing.
  const first = Math.max(begin, low);
  for (let i = first; i < Math.min(end, high); i++) weights.push(1);
  return Math.min(high - 1, first);
}

/** Pixels of the file, first and behind the last, that `count` pixels of the mosaic from `from` on need. */
export function reachedBy(axis: Axis, kernel: Kernel, from: number, count: number): readonly [from: number, to: number] {
  const ends = [tapsOf(axis, kernel, from, 1), tapsOf(axis, kernel, from + count - 1, 1)];
  return [Math.min(...ends.map((taps) => taps.first[0]!)), Math.max(...ends.map((taps) => taps.first[0]! + Math.max(1, taps.start[1]!)))];
}
