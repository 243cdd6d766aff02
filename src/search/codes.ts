import { CODE_STEP } from './code-products.js';

/**
 * Vectors in a quarter of their bytes: `x ≈ scale × codes`, codes from −127 to 127, and how far off that is at most. Products with them
 * tell which rows can be among the nearest, not which are.
 */
export interface RowCodes {
  /** `count × stride`; behind a row's own codes there are zeros. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** Euclidean lengths of `x − scale × codes`, rounded up; Infinity where a row has numbers that are none. */
  readonly errors: Float32Array;
}

/** Codes per row, with zeros behind. */
export function strideOf(dimensions: number): number {
  return Math.ceil(dimensions / CODE_STEP) * CODE_STEP;
}

const MOST = 127;

/** Codes rows, and computes their squared lengths. @param rows `count × dimensions`. @param at where results go in `out` and `squared`, in rows. */
export function codeRows(rows: Float32Array, dimensions: number, out: RowCodes, squared: Float64Array, at: number): void {
  const stride = strideOf(dimensions);
  const count = rows.length / dimensions;
  const { codes, scales, errors } = out;
  for (let row = 0, from = 0; row < count; row++, from += dimensions) {
    let most = 0;
    let sum = 0;
    for (let i = from; i < from + dimensions; i++) {
      const value = rows[i]!;
      sum += value * value;
      const size = Math.abs(value);
      if (size > most) most = size;
    }
    squared[at + row] = sum;
    const scale = Math.fround(most / MOST);
    const inverse = scale > 0 && sum < Number.POSITIVE_INFINITY ? 1 / scale : 0;
    let off = 0;
    for (let i = from, to = (at + row) * stride; i < from + dimensions; i++, to++) {
      const value = rows[i]!;
      // The root of a scale so small that it has lost its last bits may lead beyond the largest code.
      let code = Math.floor(value * inverse + 0.5);
      if (code > MOST) code = MOST;
      else if (!(code >= -MOST)) code = code < 0 ? -MOST : 0;
      codes[to] = code;
      const rest = value - scale * code;
      off += rest * rest;
    }
    scales[at + row] = scale;
    const error = Math.sqrt(off) * (1 + 2 ** -22);
    // Single precision rounds to the nearest: the factor above is more than that may lose, except among the smallest numbers.
    errors[at + row] = error >= 0 ? error + 2 ** -140 : Number.POSITIVE_INFINITY;
  }
}

export interface QueryCodes {
  /** `vector ≈ scale × codes`. */
  readonly codes: Int16Array;
  readonly scale: number;
  /** Euclidean length of the difference. */
  readonly error: number;
}

/** Codes a query, in as many steps as sums of products with rows' codes leave room for in 32 bits; `undefined` if it has numbers that are none. */
export function codeQuery(vector: Float32Array): QueryCodes | undefined {
  const steps = Math.min(32_767, Math.floor((2 ** 31 - 1) / (MOST * vector.length)));
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  if (!(most < Number.POSITIVE_INFINITY) || steps < 1) return undefined;
  const scale = most / steps;
  const codes = new Int16Array(strideOf(vector.length));
  let off = 0;
  for (let i = 0; i < vector.length; i++) {
    codes[i] = scale === 0 ? 0 : Math.max(-steps, Math.min(steps, Math.round(vector[i]! / scale)));
    off += (vector[i]! - scale * codes[i]!) ** 2;
  }
  return { codes, scale, error: Math.sqrt(off) * (1 + 1e-12) };
}
