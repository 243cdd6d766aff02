import { shapeSizes } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import type { DataType, TypedArray } from '../raster/index.js';
import { madeUpPatch } from './measure.js';
import type { PatchOutput, Predictor } from './types.js';

export interface BorderOptions {
  /** Edge of the patches that are compared with larger ones. Default 256, rounded up to the model's multiple. */
  readonly size?: number;
  /**
   * Real pixels to try it on, pixel-interleaved, `2 × size` square (as {@link borderPatchSize} says). Default: a made-up
   * texture, which a network trained on real scenes may answer differently.
   */
  readonly pixels?: TypedArray;
  readonly dtype?: DataType;
  /** Mean difference of the scores, 0–1, that counts as none. Default 0.01. */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

export interface BorderEffect {
  /** From this distance to the border of the output on, scores are those of a larger window. */
  readonly pixels: number;
  /** Whether the effect ends within half a patch; if not, `pixels` is half a patch. */
  readonly ends: boolean;
  /** Mean over pixels of the largest difference of a score, by distance to the border. */
  readonly profile: readonly number[];
}

const DEFAULT_SIZE = 256;
const DEFAULT_TOLERANCE = 0.01;

/** Edge of the patch that {@link measureBorderEffect} compares, and of the larger one around it. */
export function borderPatchSize(card: ModelCard, size = DEFAULT_SIZE): { readonly patch: number; readonly around: number } {
  // Shifted by an even number of steps, so that pooling falls on the same pixels in both.
  const step = 2 * (card.input.multiple_of ?? 1);
  const patch = Math.ceil(size / step) * step;
  return { patch, around: 2 * patch };
}

/**
 * Measures how far from a patch's border a map model's scores differ from those of a window twice as large around it.
 * `undefined` if the model's size is fixed: then there is no larger window to compare with.
 * @param predictor Opened with output `scores`.
 */
export async function measureBorderEffect(predictor: Predictor, options: BorderOptions = {}): Promise<BorderEffect | undefined> {
  const { card } = predictor;
  const fixed = shapeSizes(card.input);
  if (fixed.width !== -1 || fixed.height !== -1) return undefined;
  const { patch, around } = borderPatchSize(card, options.size);
  const bands = card.input.bands.length;
  const large = options.pixels ?? madeUpPatch(predictor, { width: around, height: around, dtype: options.dtype ?? 'uint8' }).data;
  if (large.length !== around * around * bands) throw new RangeError(`expected ${around}×${around} pixels of ${bands} bands, found ${large.length} samples`);
  const offset = patch / 2;
  const small = cut(large, around, bands, offset, patch);
  const inner = await predictor.predict({ data: small, count: 1, width: patch, height: patch, bands }, options.signal);
  const outer = await predictor.predict({ data: large.slice(), count: 1, width: around, height: around, bands }, options.signal);
  const profile = differences(inner, outer, offset, card.output.classes.length);
  const tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
  let pixels = profile.length;
  while (pixels > 0 && (profile[pixels - 1] ?? 0) <= tolerance) pixels -= 1;
  return { pixels, ends: pixels < profile.length, profile };
}

function cut(source: TypedArray, width: number, bands: number, offset: number, size: number): TypedArray {
  const result = new (source.constructor as Uint8ArrayConstructor)(size * size * bands);
  for (let y = 0; y < size; y++) {
    const from = ((y + offset) * width + offset) * bands;
    result.set((source as Uint8Array).subarray(from, from + size * bands), y * size * bands);
  }
  return result;
}

function differences(inner: PatchOutput, outer: PatchOutput, offset: number, classes: number): number[] {
  const a = inner.scores;
  const b = outer.scores;
  if (a === undefined || b === undefined) throw new RangeError('expected a predictor opened with output scores');
  const { width, height } = inner;
  const rings = Math.ceil(Math.min(width, height) / 2);
  const sums = new Float64Array(rings);
  const counts = new Float64Array(rings);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let largest = 0;
      for (let c = 0; c < classes; c++) {
        const here = a[(c * height + y) * width + x] as number;
        const there = b[(c * outer.height + y + offset) * outer.width + x + offset] as number;
        largest = Math.max(largest, Math.abs(here - there));
      }
      const ring = Math.min(x, y, width - 1 - x, height - 1 - y);
      sums[ring] = (sums[ring] as number) + largest;
      counts[ring] = (counts[ring] as number) + 1;
    }
  }
  return Array.from(sums, (sum, ring) => sum / (counts[ring] as number));
}
