import type { CardInput } from '../../card/index.js';
import type { DataType, Raster, TypedArray, Window } from '../../raster/index.js';
import { fixedInputSize } from '../model-input.js';

/** Chips that are larger than a model's input by whole numbers: so many pixels along each axis are averaged to one. */
export interface Reduction {
  readonly x: number;
  readonly y: number;
  /** Edge lengths of the model's input. */
  readonly width: number;
  readonly height: number;
}

/** Largest absolute sample of the types whose sums are whole numbers. */
const LARGEST: Partial<Record<DataType, number>> = { uint8: 255, int8: 128, uint16: 65_535, int16: 32_768 };
/** Whole numbers up to this one have no rounding in single precision. */
const WHOLE = 2 ** 24;

/**
 * How chips are reduced, if their means can be computed outside of the engine with the same result: the sums must be whole numbers that single
 * precision holds, whatever their order. `undefined`: the engine does it.
 */
export function reductionOf(input: CardInput, edge: number, dtype: DataType): Reduction | undefined {
  const fixed = fixedInputSize(input);
  const largest = LARGEST[dtype];
  if (fixed === undefined || largest === undefined) return undefined;
  const [x, y] = [edge / fixed.width, edge / fixed.height];
  if (!Number.isInteger(x) || !Number.isInteger(y) || x * y === 1 || x * y * largest > WHOLE) return undefined;
  return { x, y, width: fixed.width, height: fixed.height };
}

/** A window of a scene, averaged. */
export interface Averaged {
  /** Pixel-interleaved means. */
  readonly data: Float32Array;
  /** Pixels per row, and rows. */
  readonly width: number;
  readonly height: number;
}

/** Averages a part of a raster; pixels at the right and lower edge that do not fill a mean are left out. */
export function average(raster: Raster, part: Window, { x: across, y: down }: Reduction): Averaged {
  const { bands, width: stride } = raster;
  const [width, height] = [Math.floor(part.width / across), Math.floor(part.height / down)];
  const data = new Float32Array(width * height * bands);
  const length = width * across * bands;
  const sums = new Float64Array(length);
  for (let row = 0; row < height; row++) {
    sums.fill(0);
    for (let k = 0; k < down; k++) addTo(sums, raster.data, ((part.y + row * down + k) * stride + part.x) * bands);
    averageRow(sums, { across, bands, count: across * down }, data.subarray(row * width * bands, (row + 1) * width * bands));
  }
  return { data, width, height };
}

function addTo(sums: Float64Array, samples: TypedArray, from: number): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += samples[from + i]!;
}

function averageRow(sums: Float64Array, size: { readonly across: number; readonly bands: number; readonly count: number }, out: Float32Array): void {
  const { across, bands, count } = size;
  const step = across * bands;
  for (let to = 0, from = 0; to < out.length; from += step) {
    for (let band = 0; band < bands; band++, to++) {
      let sum = 0;
      for (let i = from + band; i < from + step; i += bands) sum += sums[i]!;
      out[to] = sum / count;
    }
  }
}

/** Copies means of one chip out of those of a window, from pixel `x` on. */
export function cutMeans(averaged: Averaged, x: number, { width, height }: Reduction, bands: number, target: Float32Array, offset: number): void {
  for (let row = 0; row < height; row++) {
    const from = (row * averaged.width + x) * bands;
    target.set(averaged.data.subarray(from, from + width * bands), offset + row * width * bands);
  }
}
