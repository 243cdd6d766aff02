import type { PointTransform } from './lon-lat.js';

/** Below this many steps, every position is computed. */
const SHORTEST = 4;

/**
 * Positions along a line, computed where needed and interpolated in between, as GDAL's warper does: a stretch is taken as
 * straight where its quarter points and its middle are within `maxError` of the straight line, else it is halved.
 * @param exact position of a step; `undefined` where there is none
 * @param count steps, 0 to `count − 1`
 * @param xs,ys take the positions from index `at` on; NaN where there is none
 */
export function approximateLine(
  exact: (step: number) => readonly [number, number] | undefined, count: number, maxError: number, xs: Float64Array, ys: Float64Array, at: number,
): void {
  const set = (step: number): void => {
    const point = exact(step);
    xs[at + step] = point?.[0] ?? Number.NaN;
    ys[at + step] = point?.[1] ?? Number.NaN;
  };
  const refine = (from: number, to: number): void => {
    if (to - from <= SHORTEST) {
      for (let step = from + 1; step < to; step++) set(step);
      return;
    }
    const middle = (from + to) >> 1;
    const probes = [(from + middle) >> 1, middle, (middle + to) >> 1];
    for (const probe of probes) set(probe);
    if (probes.every((probe) => isStraight(from, to, probe))) {
      for (let step = from + 1; step < to; step++) {
        const share = (step - from) / (to - from);
        xs[at + step] = xs[at + from]! + share * (xs[at + to]! - xs[at + from]!);
        ys[at + step] = ys[at + from]! + share * (ys[at + to]! - ys[at + from]!);
      }
      return;
    }
    refine(from, middle);
    refine(middle, to);
  };
  const isStraight = (from: number, to: number, probe: number): boolean => {
    const share = (probe - from) / (to - from);
    const x = xs[at + from]! + share * (xs[at + to]! - xs[at + from]!);
    const y = ys[at + from]! + share * (ys[at + to]! - ys[at + from]!);
    // NaN is not straight, so the borders of what a projection can say are computed point by point.
    return Math.hypot(x - xs[at + probe]!, y - ys[at + probe]!) <= maxError;
  };
  set(0);
  if (count === 1) return;
  set(count - 1);
  refine(0, count - 1);
}

/** Joins two transforms; `undefined` where one of them is. */
export function chain<A extends readonly [number, number], B extends readonly [number, number]>(
  first: PointTransform<A>, second: PointTransform<B>,
): PointTransform<B> {
  return (x, y) => {
    const point = first(x, y);
    return point === undefined ? undefined : second(point[0], point[1]);
  };
}
