import type { TypedArray } from '../raster/index.js';

/** A rectangle of pixels to copy, and how both sides lie in memory. All counts in pixels but `…Samples`. */
export interface BlockCopy {
  readonly width: number;
  readonly height: number;
  /** First pixel in the source, row length of the source, samples of one of its pixels. */
  readonly fromX: number;
  readonly fromY: number;
  readonly fromStride: number;
  readonly fromSamples: number;
  readonly toX: number;
  readonly toY: number;
  readonly toStride: number;
  readonly toSamples: number;
  /** Which sample of the source goes to which of the target. */
  readonly samples: readonly { readonly from: number; readonly to: number }[];
}

/** Rows of fewer samples are copied faster one by one. */
const SHORT = 32;

/** Copies a rectangle from a block into a window; whole rows at once where the samples agree. */
export function copyBlock(source: TypedArray, target: TypedArray, copy: BlockCopy): void {
  const { width, height, fromStride, fromSamples, toStride, toSamples, samples } = copy;
  const alike = fromSamples === toSamples && samples.length === toSamples && samples.every(({ from, to }) => from === to);
  for (let row = 0; row < height; row++) {
    const from = ((copy.fromY + row) * fromStride + copy.fromX) * fromSamples;
    const to = ((copy.toY + row) * toStride + copy.toX) * toSamples;
    if (alike && width * fromSamples < SHORT) {
      copyRow(source, from, 1, target, to, 1, width * fromSamples);
    } else if (alike) {
      target.set(source.subarray(from, from + width * fromSamples), to);
    } else {
      for (const sample of samples) copyRow(source, from + sample.from, fromSamples, target, to + sample.to, toSamples, width);
    }
  }
}

function copyRow(source: TypedArray, from: number, fromStep: number, target: TypedArray, to: number, toStep: number, count: number): void {
  for (let i = 0; i < count; i++) {
    target[to] = source[from]!;
    from += fromStep;
    to += toStep;
  }
}

/** Fills the same rectangle of the target with one value. */
export function fillBlock(value: number, target: TypedArray, copy: BlockCopy): void {
  for (let row = 0; row < copy.height; row++) {
    const to = ((copy.toY + row) * copy.toStride + copy.toX) * copy.toSamples;
    for (const sample of copy.samples) {
      for (let i = 0; i < copy.width; i++) target[to + i * copy.toSamples + sample.to] = value;
    }
  }
}
