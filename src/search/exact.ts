import { availableParallelism } from 'node:os';
import { exactDistances } from './distance.js';
import { recordOf } from './fallbacks.js';
import type { VectorMatrix } from './matrix.js';
import { createNearestRows } from './nearest-rows.js';
import type { NearestRows, RankedRow } from './nearest-rows.js';
import { openProducts } from './products.js';
import { sievedRows } from './sieved-rows.js';
import type { ExactOptions, RowQuery } from './types.js';

/** Numbers in the matrix times queries below which starting the engine costs more than it saves. */
const SMALL = 4_000_000;

/** Half a unit in the last place of single precision: the largest relative error of one rounding. */
const UNIT = 2 ** -24;

/**
 * The rows nearest to each query, exactly as if all distances were computed in double precision, reading the matrix once.
 *
 * Products come from a kernel in single precision. The error of such a sum of `d` products is at most
 * `γ‖x‖‖q‖, γ = du / (1 − du)`, in whatever order it is added (N. Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1), so a row can be among the nearest only if its distance less that bound is. Those few rows are computed again in
 * double precision, and only that counts. A single query of a matrix with a sieve looks at its codes instead ({@link sievedRows}),
 * unless those were of no use for the searches before.
 * @returns Per query what {@link createNearestRows} keeps: squared distances for `l2`, 1 − cosine, or negative values.
 */
export async function exactRows(matrix: VectorMatrix, queries: readonly RowQuery[], options: ExactOptions): Promise<NearestRows[]> {
  const { mask, signal } = options;
  if (queries.length === 1 && matrix.count * matrix.dimensions >= SMALL) {
    const sieve = await matrix.sieve?.(signal);
    const record = sieve === undefined ? undefined : recordOf(sieve, queries[0]!.metric);
    if (sieve !== undefined && record?.skips() === false) {
      const found = await sievedRows(matrix, sieve, queries[0]!, options);
      record.found(found === undefined ? 'fell back' : 'useful');
      if (found !== undefined) return [found];
    }
  }
  const seekers = queries.map((query) => createSeeker(query, options));
  // onnxruntime's own choice counts cores without their second threads, which halves the pace of products.
  const threads = options.threads ?? (queries.length === 1 ? matrix.threads : undefined) ?? availableParallelism();
  const products = matrix.count * matrix.dimensions * queries.length < SMALL ? undefined : await openProducts(matrix.dimensions, { threads });
  try {
    const squared = products === undefined ? undefined : await matrix.squaredLengths(signal);
    const columns = transposed(queries.map(({ vector }) => vector), matrix.dimensions);
    const wanted = mask === undefined ? {} : { wanted: (first: number, count: number) => anySet(mask, first, count) };
    for await (const { first, count, rows } of matrix.blocks({ ...wanted, ...(signal === undefined ? {} : { signal }) })) {
      if (products === undefined || squared === undefined) {
        for (const seeker of seekers) seeker.compare(rows, first, count);
        continue;
      }
      const found = await products.multiply(rows, count, columns);
      seekers.forEach((seeker, i) => seeker.sift({ rows, first, count, squared, products: found, at: i, step: seekers.length }));
    }
  } finally {
    await products?.close();
  }
  return seekers.map(({ nearest }) => nearest);
}

/** The nearest rows of one query: the `k` nearest, and all that are as far as the last of them. */
export function rankedRows(nearest: NearestRows): RankedRow[] {
  return [...nearest.nearer(), ...nearest.tied()].sort((a, b) => a.distance - b.distance || a.row - b.row);
}

interface Sifted {
  readonly rows: Float32Array;
  readonly first: number;
  readonly count: number;
  readonly squared: Float64Array;
  /** Products of the rows with all queries; this one's are at `at`, `at + step` … */
  readonly products: Float32Array;
  readonly at: number;
  readonly step: number;
}

interface Seeker {
  readonly nearest: NearestRows;
  /** Computes all distances in double precision. */
  compare(rows: Float32Array, first: number, count: number): void;
  /** Computes only those that can matter. */
  sift(block: Sifted): void;
}

function createSeeker({ vector, metric }: RowQuery, options: ExactOptions): Seeker {
  const nearest = createNearestRows(options.k);
  const { mask, most = Number.POSITIVE_INFINITY } = options;
  const dimensions = vector.length;
  const own = squaredLength(vector);
  const gamma = 1.01 * dimensions * UNIT / (1 - dimensions * UNIT);
  // Products that are too small for single precision may be taken for 0.
  const lost = dimensions * 2 ** -126;
  const one = new Float64Array(1);
  let all = new Float64Array(0);

  /** One row in double precision. */
  const rescore = (rows: Float32Array, i: number, row: number): void => {
    exactDistances(vector, rows.subarray(i * dimensions, (i + 1) * dimensions), 1, metric, one);
    if (one[0]! <= most && one[0]! <= nearest.limit) nearest.offer(row, one[0]!);
  };

  return {
    nearest,
    compare(rows, first, count) {
      if (all.length < count) all = new Float64Array(count);
      exactDistances(vector, rows, count, metric, all);
      for (let i = 0; i < count; i++) if (all[i]! <= nearest.limit && all[i]! <= most && mask?.[first + i] !== 0) nearest.offer(first + i, all[i]!);
    },
    sift({ rows, first, count, squared, products, at, step }) {
      let limit = Math.min(most, nearest.limit);
      for (let i = 0, p = at; i < count; i++, p += step) {
        const product = products[p]!;
        const lengths = Math.sqrt(squared[first + i]! * own);
        const error = gamma * lengths + lost;
        const least = metric === 'l2' ? squared[first + i]! + own - 2 * (product + error)
          : metric === 'linear' ? -product - error : lengths === 0 ? 1 : 1 - (product + error) / lengths;
        // Written so that overflow and NaN, which say nothing, lead to the exact computation. The slack is for the line above itself.
        if (least - 1e-12 * Math.abs(least) - 1e-12 * (metric === 'l2' ? squared[first + i]! + own : 1) > limit && product - product === 0) continue;
        if (mask?.[first + i] === 0) continue;
        rescore(rows, i, first + i);
        limit = Math.min(most, nearest.limit);
      }
    },
  };
}

function squaredLength(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!;
  return sum;
}

function transposed(vectors: readonly Float32Array[], dimensions: number): Float32Array {
  const out = new Float32Array(vectors.length * dimensions);
  vectors.forEach((vector, column) => { for (let i = 0; i < dimensions; i++) out[i * vectors.length + column] = vector[i]!; });
  return out;
}

function anySet(mask: Uint8Array, first: number, count: number): boolean {
  for (let i = first; i < first + count; i++) if (mask[i] !== 0) return true;
  return false;
}
