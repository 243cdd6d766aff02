import type { Metric, RowQuery } from './types.js';

/**
 * Distances of a query to rows of a matrix, in double precision: squared Euclidean, or 1 − cosine.
 * @param rows `count × query.length`, row-major.
 * @param out receives `count` numbers.
 */
export function distances(query: Float32Array, rows: Float32Array, count: number, metric: Metric, out: Float64Array): void {
  if (metric === 'l2') squaredDistances(query, rows, count, out);
  else cosineDistances(query, rows, count, out);
}

/** What is shown of a distance that {@link distances} gave. */
export function shownDistance(value: number, metric: Metric): number {
  return metric === 'l2' ? Math.sqrt(value) : value;
}

function squaredDistances(query: Float32Array, rows: Float32Array, count: number, out: Float64Array): void {
  const length = query.length;
  for (let row = 0, at = 0; row < count; row++, at += length) {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const difference = rows[at + i]! - query[i]!;
      sum += difference * difference;
    }
    out[row] = sum;
  }
}

function cosineDistances(query: Float32Array, rows: Float32Array, count: number, out: Float64Array): void {
  const length = query.length;
  let own = 0;
  for (let i = 0; i < length; i++) own += query[i]! * query[i]!;
  for (let row = 0, at = 0; row < count; row++, at += length) {
    let dot = 0;
    let other = 0;
    for (let i = 0; i < length; i++) {
      const value = rows[at + i]!;
      dot += value * query[i]!;
      other += value * value;
    }
    // One root of the product, not a product of roots: a vector is then at exactly 0 from itself.
    const norm = Math.sqrt(own * other);
    // Rounding may leave parallel vectors at a distance just below 0.
    out[row] = norm === 0 ? 1 : Math.max(0, 1 - dot / norm);
  }
}

/** Distances in double precision; see {@link distances}, and the negative of a linear function. */
export function exactDistances(vector: Float32Array, rows: Float32Array, count: number, metric: RowQuery['metric'], out: Float64Array): void {
  if (metric !== 'linear') {
    distances(vector, rows, count, metric, out);
    return;
  }
  for (let row = 0, at = 0; row < count; row++) {
    let sum = 0;
    for (let i = 0; i < vector.length; i++) sum += rows[at++]! * vector[i]!;
    out[row] = -sum;
  }
}
