import type { FinishedRows } from './finished-rows.js';
import { NODATA_CLASS } from './finished-rows.js';

export interface AddWeighted {
  /** Sums per class; class k of pixel j at `sumOffset + k * sumStride + j`. */
  readonly sums: Float32Array;
  readonly sumStride: number;
  readonly sumOffset: number;
  /** Probabilities; class k of pixel j at `scoreOffset + k * scoreStride + j`. */
  readonly scores: Float32Array;
  readonly scoreStride: number;
  readonly scoreOffset: number;
  /** Weight of pixel j at `weightOffset + j`, times `factor`. */
  readonly weights: Float32Array;
  readonly weightOffset: number;
  readonly factor: number;
  readonly count: number;
  readonly classes: number;
}

/** `sums += factor × weight × score` for `count` pixels of one row and all classes. */
export function addWeighted(options: AddWeighted): void {
  const { sums, scores, weights, weightOffset, factor, count, classes } = options;
  for (let k = 0; k < classes; k++) {
    const to = options.sumOffset + k * options.sumStride;
    const from = options.scoreOffset + k * options.scoreStride;
    for (let j = 0; j < count; j++) sums[to + j]! += factor * weights[weightOffset + j]! * scores[from + j]!;
  }
}

/**
 * Marks pixels without data: the sum of class 0 becomes NaN, which no later addition takes away. Without a mask, all `count`
 * pixels are marked.
 */
export function markMissing(
  sums: Float32Array, offset: number, count: number, mask: Uint8Array | undefined, maskOffset: number,
): void {
  if (mask === undefined) sums.fill(Number.NaN, offset, offset + count);
  else for (let j = 0; j < count; j++) if (mask[maskOffset + j] === 0) sums[offset + j] = Number.NaN;
}

export interface FinishRow {
  /** Probabilities; class k of pixel j at `offset + k * stride + j`. NaN in class 0 where there is no data. */
  readonly sums: Float32Array;
  readonly stride: number;
  readonly offset: number;
  readonly count: number;
  readonly classes: number;
  readonly out: FinishedRows;
  /** First pixel in `out`. */
  readonly to: number;
  readonly mask?: Uint8Array | undefined;
  readonly maskOffset?: number;
  /** One class only: where its score begins to count. */
  readonly threshold?: number | undefined;
}

/**
 * Arg-max of `count` pixels of one row; of equal ones the first class. With a threshold there is one class: 1 where its score
 * reaches it, else 0, whose probability is what is left of one. Probabilities are written as `round(255 × p)`, that of the winner
 * as 1 at least: 0 is for pixels without data.
 */
export function finishRow(options: FinishRow): void {
  const { sums, stride, offset, count, classes, out, to, mask, threshold } = options;
  const maskOffset = options.maskOffset ?? 0;
  for (let j = 0; j < count; j++) {
    let best = sums[offset + j]!;
    let id = 0;
    for (let k = 1; k < classes; k++) {
      const value = sums[offset + k * stride + j]!;
      if (value > best) {
        best = value;
        id = k;
      }
    }
    if (threshold !== undefined) id = best >= threshold ? 1 : 0;
    const missing = best !== best || (mask !== undefined && mask[maskOffset + j] === 0);
    out.classes[to + j] = missing ? NODATA_CLASS : id;
    if (out.confidence !== undefined) out.confidence[to + j] = missing ? 0 : Math.max(1, toByte(threshold === undefined || id === 1 ? best : 1 - best));
    if (out.probabilities !== undefined) {
      for (let k = 0; k < classes; k++) {
        out.probabilities[(to + j) * classes + k] = missing ? 0 : toByte(sums[offset + k * stride + j]!);
      }
    }
  }
}

function toByte(probability: number): number {
  return Math.max(0, Math.min(255, Math.round(probability * 255)));
}
