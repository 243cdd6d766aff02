import { throwIfAborted } from '../errors.js';
import { openCodeProducts } from './code-products.js';
import { codeQuery } from './codes.js';
import type { QueryCodes } from './codes.js';
import { exactDistances } from './distance.js';
import type { VectorMatrix } from './matrix.js';
import { createNearestRows } from './nearest-rows.js';
import type { NearestRows } from './nearest-rows.js';
import type { Sieve } from './sieve.js';
import type { ExactOptions, RowQuery } from './types.js';

/** Bytes of codes that are multiplied at a time: small enough to be in the processor's cache when they are. */
const BLOCK = 1024 * 1024;
/** Blocks between two looks at timers and signals. */
const BLOCKS_AT_ONCE = 16;
/** Share of all rows above which reading them one by one takes longer than reading everything. */
const TOO_MANY = 1 / 64;
/** Rows that are read and compared at a time. */
const COMPARED_AT_ONCE = 64;

/**
 * The rows nearest to a query, as {@link exactRows} gives them, looking at the codes of all rows and at the vectors of few: products with
 * codes say between which bounds a row's distance lies; rows are then compared in the order of their lower bounds, until that of the
 * next one is above the k-th distance (T. Seidl and H.-P. Kriegel, Optimal multi-step k-nearest neighbor search, 1998).
 * @returns `undefined` if the codes leave so many rows that reading all is faster, or the query cannot be coded.
 */
export async function sievedRows(matrix: VectorMatrix, sieve: Sieve, query: RowQuery, options: ExactOptions): Promise<NearestRows | undefined> {
  const coded = codeQuery(query.vector);
  if (coded === undefined) return undefined;
  const { k, most = Number.POSITIVE_INFINITY, signal } = options;
  const likely = await likelyRows(sieve, query, coded, options);
  if (likely === undefined) return undefined;
  const nearest = createNearestRows(k);
  const distances = new Float64Array(COMPARED_AT_ONCE);
  for (let from = 0; from < likely.rows.length; from += COMPARED_AT_ONCE) {
    if (likely.least[from]! > Math.min(most, nearest.limit)) break;
    throwIfAborted(signal);
    const rows = likely.rows.subarray(from, from + COMPARED_AT_ONCE);
    exactDistances(query.vector, await matrix.read(rows), rows.length, query.metric, distances);
    for (let i = 0; i < rows.length; i++) if (distances[i]! <= most) nearest.offer(rows[i]!, distances[i]!);
  }
  return nearest;
}

interface LikelyRows {
  /** Ordered by their lower bounds. */
  readonly rows: Uint32Array;
  readonly least: Float64Array;
}

/** Rows whose lower bounds are not above the k-th upper bound. */
async function likelyRows(sieve: Sieve, query: RowQuery, coded: QueryCodes, { k, most, mask, signal }: ExactOptions): Promise<LikelyRows | undefined> {
  const { count, stride } = sieve;
  const atOnce = Math.max(1, Math.min(count, Math.floor(BLOCK / stride)));
  const products = openCodeProducts(atOnce, stride);
  products.query.set(coded.codes);
  const found = createBounds(sieve, query, coded, { k, most: most ?? Number.POSITIVE_INFINITY, ...(mask === undefined ? {} : { mask }) });
  const reader = sieve.open();
  try {
    for (let first = 0, blocks = 1; first < count; first += atOnce) {
      const some = Math.min(atOnce, count - first);
      if (mask !== undefined && !anySet(mask, first, some)) continue;
      reader.read(first, some, products.rows);
      found.add(first, products.multiply(some));
      if (blocks++ % BLOCKS_AT_ONCE !== 0) continue;
      await new Promise((resolve) => { setImmediate(resolve); });
      throwIfAborted(signal);
    }
  } finally {
    reader.close();
  }
  return found.likely(Math.max(4 * k, count * TOO_MANY));
}

interface Bounds {
  /** Takes in the products of rows from `first`. */
  add(first: number, products: Int32Array): void;
  /** `undefined` if there are more than `limit`. */
  likely(limit: number): LikelyRows | undefined;
}

function createBounds(sieve: Sieve, { vector, metric }: RowQuery, { scale, error }: QueryCodes, { k, most, mask }: { readonly k: number; readonly most: number; readonly mask?: Uint8Array }): Bounds {
  const { scales, errors, squared } = sieve;
  let own = 0;
  for (const value of vector) own += value * value;
  const length = Math.sqrt(own);
  const slack = Math.max(1e-12, vector.length * 2 ** -50);
  const nearest = createNearestRows(k);
  const rows: number[] = [];
  const least: number[] = [];
  return {
    add(first, products) {
      let limit = Math.min(most, nearest.limit);
      for (let i = 0, row = first; i < products.length; i++, row++) {
        const other = squared[row]!;
        const norm = Math.sqrt(other);
        const product = scales[row]! * scale * products[i]!;
        // x·q = (x̂ + e)·(q̂ + f) with |e·q| ≤ ‖e‖‖q‖ and |x̂·f| ≤ (‖x‖ + ‖e‖)‖f‖. The slack is for the roundings of these lines.
        const off = errors[row]! * length + (norm + errors[row]!) * error + slack * norm * length;
        const middle = metric === 'l2' ? other + own - 2 * product : metric === 'linear' ? -product : norm === 0 ? 1 : 1 - product / (norm * length);
        const reach = metric === 'l2' ? 2 * off + slack * (other + own) : metric === 'linear' ? off : norm === 0 ? 0 : off / (norm * length) + slack;
        const lower = middle - reach;
        // Written so that NaN, which says nothing, leads to a comparison.
        if (lower > limit) continue;
        if (mask?.[row] === 0) continue;
        rows.push(row);
        least.push(lower === lower ? lower : Number.NEGATIVE_INFINITY);
        const upper = metric === 'linear' ? middle + reach : Math.max(0, middle + reach);
        if (!(upper < nearest.limit)) continue;
        nearest.offer(row, upper);
        limit = Math.min(most, nearest.limit);
      }
    },
    likely(atMost) {
      const limit = Math.min(most, nearest.limit);
      const left: number[] = [];
      for (let i = 0; i < rows.length; i++) if (least[i]! <= limit) left.push(i);
      if (left.length > atMost) return undefined;
      left.sort((a, b) => least[a]! - least[b]!);
      return { rows: Uint32Array.from(left, (i) => rows[i]!), least: Float64Array.from(left, (i) => least[i]!) };
    },
  };
}

function anySet(mask: Uint8Array, first: number, count: number): boolean {
  for (let i = first; i < first + count; i++) if (mask[i] !== 0) return true;
  return false;
}
