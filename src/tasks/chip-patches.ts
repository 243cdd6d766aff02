import { InvalidOptionError } from '../errors.js';
import type { ModelCard } from '../card/index.js';
import { createGrid } from '../grid/index.js';
import type { Grid } from '../grid/index.js';
import { allocate, areaResample, dataTypeOf } from '../raster/index.js';
import type { Raster, SceneProfile, TypedArray, Window } from '../raster/index.js';
import { fixedInputSize } from './model-input.js';

/** Edge of a chip where neither model nor user say one. */
const DEFAULT_CHIP = 256;

/** How a chip of a scene becomes the model's input. */
export interface ChipSize {
  /** Edge in scene pixels. */
  readonly patch: number;
  /** Edge of the model's input. */
  readonly input: number;
}

/**
 * The edge of a chip in scene pixels, and of the model's input that it is reduced to by area averaging.
 * @throws {InvalidOptionError} if the asked size is smaller than the model's input, or none that it takes.
 */
export function chipSize(card: ModelCard, asked?: number): ChipSize {
  const fixed = fixedInputSize(card.input);
  if (fixed !== undefined && fixed.width !== fixed.height) {
    throw new InvalidOptionError('--model', `${card.name} takes ${fixed.width} × ${fixed.height} pixels; only square chips are cut`);
  }
  const patch = asked ?? card.input.window ?? fixed?.width ?? DEFAULT_CHIP;
  if (!Number.isInteger(patch) || patch < 1) throw new InvalidOptionError('--patch-size', `expected a whole number of pixels from 1, got ${patch}`);
  return { patch, input: inputEdge(card, patch) };
}

/**
 * The edge of the model's input for a chip of `edge` pixels.
 * @throws {InvalidOptionError} if the chip is too small for it.
 */
export function inputEdge(card: ModelCard, edge: number): number {
  const fixed = fixedInputSize(card.input);
  if (fixed !== undefined) {
    if (edge >= fixed.width) return fixed.width;
    throw new InvalidOptionError('--patch-size', `${card.name} takes at least ${fixed.width} pixels, got ${edge}`, {
      advice: card.input.window === undefined ? 'chips are reduced, never enlarged' : `it is made for ${card.input.window}`,
    });
  }
  const multiple = card.input.multiple_of ?? 1;
  if (edge % multiple !== 0) {
    throw new InvalidOptionError('--patch-size', `${card.name} takes multiples of ${multiple} pixels, got ${edge}`, { advice: `take ${Math.max(1, Math.round(edge / multiple)) * multiple}` });
  }
  return edge;
}

/** The chips of a scene. A scene smaller than a chip has one, filled up by reflection. */
export function chipGrid(profile: SceneProfile, size: ChipSize, overlap: number): Grid {
  return createGrid({ width: profile.width, height: profile.height, patchSize: size.patch, overlap });
}

/** A chip's name: the scene's with row and column, padded so that names sort as chips lie. */
export function chipId(scene: string, grid: Grid, row: number, column: number): string {
  const digits = String(Math.max(grid.rows.length, grid.columns.length) - 1).length;
  return `${scene}_r${String(row).padStart(Math.max(4, digits), '0')}_c${String(column).padStart(Math.max(4, digits), '0')}`;
}

/** Whether any pixel of a part of a raster has data. */
export function hasData(raster: Raster, part: Window): boolean {
  const { mask, width } = raster;
  if (mask === undefined) return true;
  for (let y = part.y; y < part.y + part.height; y++) {
    const row = y * width;
    for (let x = part.x; x < part.x + part.width; x++) if (mask[row + x] !== 0) return true;
  }
  return false;
}

/** Copies a part of a pixel-interleaved raster. */
export function cutPart(raster: Raster, part: Window, target: TypedArray, offset: number): void {
  const { bands, width } = raster;
  const length = part.width * bands;
  for (let y = 0; y < part.height; y++) {
    const from = ((part.y + y) * width + part.x) * bands;
    target.set(raster.data.subarray(from, from + length), offset + y * length);
  }
}

/**
 * A square part of a raster as the model takes it, at `offset` of `target`: copied where it has the right size, else reduced by
 * area averaging and, for integers, rounded half up, as the chips that the model learned from were.
 */
export function chipInput(raster: Raster, part: Window, edge: number, target: TypedArray, offset: number): void {
  if (part.width === edge && part.height === edge) {
    cutPart(raster, part, target, offset);
    return;
  }
  const { bands } = raster;
  const pixels = allocate(dataTypeOf(raster.data), part.width * part.height * bands);
  cutPart(raster, part, pixels, 0);
  const reduced = areaResample(pixels, { width: part.width, height: part.height, bands }, { width: edge, height: edge });
  const round = !(target instanceof Float32Array || target instanceof Float64Array);
  for (let i = 0; i < reduced.length; i++) target[offset + i] = round ? Math.floor(reduced[i]! + 0.5) : reduced[i]!;
}
