import type { LinearModel } from './logistic.js';

/** Mean and standard deviation of every column. */
export interface Standard {
  readonly mean: Float64Array;
  /** 1 where a column does not vary. */
  readonly deviation: Float64Array;
}

export interface StandardBuilder {
  /** @param rows `count × dimensions`, row-major. */
  add(rows: ArrayLike<number>, count: number): void;
  result(): Standard;
}

/** Means and deviations of rows that come in pieces (the pairwise update of Chan, Golub and LeVeque 1979, row by row). */
export function createStandard(dimensions: number): StandardBuilder {
  const mean = new Float64Array(dimensions);
  const squares = new Float64Array(dimensions);
  let seen = 0;
  return {
    add(rows, count) {
      for (let row = 0, at = 0; row < count; row++) {
        seen++;
        for (let i = 0; i < dimensions; i++, at++) {
          const off = rows[at]! - mean[i]!;
          mean[i]! += off / seen;
          squares[i]! += off * (rows[at]! - mean[i]!);
        }
      }
    },
    result() {
      const deviation = squares.map((sum) => {
        const value = Math.sqrt(sum / Math.max(1, seen));
        return value > 1e-12 ? value : 1;
      });
      return { mean: mean.slice(), deviation };
    },
  };
}

/** Rows with mean 0 and deviation 1 in every column, as a copy in double precision. */
export function standardize(rows: ArrayLike<number>, count: number, standard: Standard): Float64Array {
  const dimensions = standard.mean.length;
  const out = new Float64Array(count * dimensions);
  for (let row = 0, at = 0; row < count; row++) for (let i = 0; i < dimensions; i++, at++) out[at] = (rows[at]! - standard.mean[i]!) / standard.deviation[i]!;
  return out;
}

/** The same function for rows that are not standardized. */
export function unstandardize(model: LinearModel, standard: Standard): LinearModel {
  const { classes, dimensions } = model;
  const coefficients = model.coefficients.slice();
  const intercepts = model.intercepts.slice();
  for (let k = 0, at = 0; k < classes; k++) {
    for (let i = 0; i < dimensions; i++, at++) {
      coefficients[at]! /= standard.deviation[i]!;
      intercepts[k]! -= coefficients[at]! * standard.mean[i]!;
    }
  }
  return { ...model, coefficients, intercepts };
}
