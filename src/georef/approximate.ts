import type { PointTransform } from './lon-lat.js';

/** So few positions are all computed. */
const FEWEST = 64;
/** Polynomials of this degree stand for a projection, in each of the two directions. */
const DEGREE = 4;
const NODES = DEGREE + 1;
/** Positions that differ by less than this from those of a straight grid are taken as one: rounding is smaller, what bends is larger. */
const STRAIGHT = 1e-7;
/** Where a polynomial is compared with the projection, in steps between its nodes; outer cells, where it is worst, come first. */
const PROBES = [0.5, 3.5, 1.5, 2.5];

/**
 * Positions of a grid of points, computed where needed and interpolated in between: a rectangle of them is filled by a polynomial of
 * degree 4 both ways through 5 × 5 computed positions where it is within half of `maxError` of the projection in the 4 × 4 middles
 * between these, else it is divided. Borders of what a projection can say, and jumps, are computed point by point. (GDAL's warper
 * interpolates along lines, between two computed positions.)
 * @param exact position of a point; fractions are asked for as well; `undefined` where there is none
 * @param columns,rows how many points: columns 0 to `columns − 1` of rows 0 to `rows − 1`
 * @param xs,ys take the positions, row by row; NaN where there is none
 */
export function approximateGrid(
  exact: (column: number, row: number) => readonly [number, number] | undefined, columns: number, rows: number, maxError: number, xs: Float64Array, ys: Float64Array,
): void {
  const nodeXs = new Float64Array(NODES * NODES);
  const nodeYs = new Float64Array(NODES * NODES);

  const fill = (left: number, top: number, right: number, bottom: number): void => {
    const [wide, high] = [right - left, bottom - top];
    if ((wide + 1) * (high + 1) <= FEWEST) {
      for (let row = top; row <= bottom; row++) {
        for (let column = left; column <= right; column++) {
          const point = exact(column, row);
          xs[row * columns + column] = point?.[0] ?? Number.NaN;
          ys[row * columns + column] = point?.[1] ?? Number.NaN;
        }
      }
      return;
    }
    if (computeNodes(left, top, wide, high)) {
      if (isStraight()) {
        fillStraight(left, top, right, bottom);
        return;
      }
      if (isClose(left, top, wide, high)) {
        fillCurved(left, top, right, bottom);
        return;
      }
    }
    const column = wide * 2 >= high ? (left + right) >> 1 : right;
    const row = high * 2 >= wide ? (top + bottom) >> 1 : bottom;
    fill(left, top, column, row);
    if (column < right) fill(column + 1, top, right, row);
    if (row < bottom) fill(left, row + 1, column, bottom);
    if (column < right && row < bottom) fill(column + 1, row + 1, right, bottom);
  };

  /** Whether all nodes have positions. */
  const computeNodes = (left: number, top: number, wide: number, high: number): boolean => {
    for (let i = 0; i < NODES * NODES; i++) {
      const point = exact(left + (wide * (i % NODES)) / DEGREE, top + (high * Math.floor(i / NODES)) / DEGREE);
      if (point === undefined) return false;
      nodeXs[i] = point[0];
      nodeYs[i] = point[1];
    }
    return true;
  };

  const isStraight = (): boolean => {
    for (let i = 0; i < NODES * NODES; i++) {
      const [across, down] = [(i % NODES) / DEGREE, Math.floor(i / NODES) / DEGREE];
      if (!(Math.abs(between(nodeXs, across, down) - nodeXs[i]!) <= STRAIGHT && Math.abs(between(nodeYs, across, down) - nodeYs[i]!) <= STRAIGHT)) return false;
    }
    return true;
  };

  const isClose = (left: number, top: number, wide: number, high: number): boolean => {
    const [lineX, lineY] = [new Float64Array(NODES), new Float64Array(NODES)];
    for (const v of PROBES) {
      alongColumns(nodeXs, v, lineX);
      alongColumns(nodeYs, v, lineY);
      for (const u of PROBES) {
        const point = exact(left + (wide * u) / DEGREE, top + (high * v) / DEGREE);
        if (point === undefined || !(Math.hypot(newton(lineX, u) - point[0], newton(lineY, u) - point[1]) <= maxError / 2)) return false;
      }
    }
    return true;
  };

  const fillStraight = (left: number, top: number, right: number, bottom: number): void => {
    for (let row = top; row <= bottom; row++) {
      const down = bottom === top ? 0 : (row - top) / (bottom - top);
      const [x0, x1] = [between(nodeXs, 0, down), between(nodeXs, 1, down)];
      const [y0, y1] = [between(nodeYs, 0, down), between(nodeYs, 1, down)];
      for (let column = left, at = row * columns + left; column <= right; column++, at++) {
        const across = right === left ? 0 : (column - left) / (right - left);
        xs[at] = x0 + across * (x1 - x0);
        ys[at] = y0 + across * (y1 - y0);
      }
    }
  };

  const fillCurved = (left: number, top: number, right: number, bottom: number): void => {
    const [lineX, lineY] = [new Float64Array(NODES), new Float64Array(NODES)];
    const step = right === left ? 0 : DEGREE / (right - left);
    for (let row = top; row <= bottom; row++) {
      const v = bottom === top ? 0 : (DEGREE * (row - top)) / (bottom - top);
      alongColumns(nodeXs, v, lineX);
      alongColumns(nodeYs, v, lineY);
      toDifferences(lineX);
      toDifferences(lineY);
      const [x0, x1, x2, x3, x4] = lineX as unknown as Quintuple;
      const [y0, y1, y2, y3, y4] = lineY as unknown as Quintuple;
      for (let column = left, at = row * columns + left; column <= right; column++, at++) {
        const u = (column - left) * step;
        xs[at] = x0 + u * (x1 + (u - 1) * (x2 + (u - 2) * (x3 + (u - 3) * x4)));
        ys[at] = y0 + u * (y1 + (u - 1) * (y2 + (u - 2) * (y3 + (u - 3) * y4)));
      }
    }
  };

  if (columns > 0 && rows > 0) fill(0, 0, columns - 1, rows - 1);
}

type Quintuple = readonly [number, number, number, number, number];

/** Between the four corners of the nodes; `across` and `down` from 0 to 1. */
function between(nodes: Float64Array, across: number, down: number): number {
  const left = nodes[0]! + down * (nodes[DEGREE * NODES]! - nodes[0]!);
  const right = nodes[DEGREE]! + down * (nodes[NODES * NODES - 1]! - nodes[DEGREE]!);
  return left + across * (right - left);
}

/** The values of a row of nodes that lies `v` steps below the first. */
function alongColumns(nodes: Float64Array, v: number, line: Float64Array): void {
  const column = new Float64Array(NODES);
  for (let i = 0; i < NODES; i++) {
    for (let k = 0; k < NODES; k++) column[k] = nodes[k * NODES + i]!;
    line[i] = newton(column, v);
  }
}

/** The polynomial through values at 0, 1, 2, 3 and 4, at `u`: Newton's form. */
function newton(values: Float64Array, u: number): number {
  const d = values.slice();
  toDifferences(d);
  return d[0]! + u * (d[1]! + (u - 1) * (d[2]! + (u - 2) * (d[3]! + (u - 3) * d[4]!)));
}

/** Divided differences of values at 0, 1, 2, 3 and 4, in their place. */
function toDifferences(values: Float64Array): void {
  for (let order = 1; order < NODES; order++) {
    for (let i = NODES - 1; i >= order; i--) values[i] = (values[i]! - values[i - 1]!) / order;
  }
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
