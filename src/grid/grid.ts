import { InvalidOptionError } from '../errors.js';
import type { Patch } from './types.js';

/** Patches of one size over a scene, in rows and columns. Plain data: it can be written to JSON and compared. */
export interface Grid {
  readonly sceneWidth: number;
  readonly sceneHeight: number;
  /** Edge of a patch in pixels, along x and y. */
  readonly patchWidth: number;
  readonly patchHeight: number;
  /** Pixels that neighbours share at least. */
  readonly overlap: number;
  /** Left edge of every column of patches. */
  readonly columns: readonly number[];
  /** Upper edge of every row of patches: one row is one strip. */
  readonly rows: readonly number[];
}

export interface GridOptions {
  readonly width: number;
  readonly height: number;
  /** Edge of a patch in pixels; a number for squares. */
  readonly patchSize: number | { readonly width: number; readonly height: number };
  /** Pixels shared by neighbours, ≥ 0 and smaller than the patch. */
  readonly overlap: number;
}

/**
 * Positions along one axis: `0, s, 2s, …` with stride `s = patch − overlap`; the last patch is shifted back so that it ends
 * with the axis. A single patch at 0 if the axis is not longer than a patch.
 */
export function axisPositions(length: number, patch: number, overlap: number): number[] {
  const positions = [0];
  const stride = patch - overlap;
  for (let start = 0; start + patch < length;) {
    start = Math.min(start + stride, length - patch);
    positions.push(start);
  }
  return positions;
}

/**
 * @throws {InvalidOptionError} if sizes are not positive integers or the overlap is not smaller than the patch.
 */
export function createGrid(options: GridOptions): Grid {
  const { width, height, overlap } = options;
  const size = typeof options.patchSize === 'number'
    ? { width: options.patchSize, height: options.patchSize }
    : options.patchSize;
  for (const edge of [size.width, size.height]) {
    if (!Number.isInteger(edge) || edge < 1) {
      throw new InvalidOptionError('--patch-size', `expected a whole number of pixels from 1, got ${edge}`);
    }
  }
  if (!Number.isInteger(overlap) || overlap < 0) {
    throw new InvalidOptionError('--overlap', `expected a whole number of pixels from 0, got ${overlap}`);
  }
  const smaller = Math.min(size.width, size.height);
  if (overlap >= smaller) {
    throw new InvalidOptionError('--overlap', `expected less than the patch size ${smaller}, got ${overlap}`);
  }
  return {
    sceneWidth: width,
    sceneHeight: height,
    patchWidth: size.width,
    patchHeight: size.height,
    overlap,
    columns: axisPositions(width, size.width, overlap),
    rows: axisPositions(height, size.height, overlap),
  };
}

/** Number of patches of a grid. */
export function patchCount(grid: Grid): number {
  return grid.columns.length * grid.rows.length;
}

/** The patches of one strip, left to right. */
export function patchesOfStrip(grid: Grid, row: number): Patch[] {
  const y = grid.rows[row];
  if (y === undefined) throw new RangeError(`strip ${row} of ${grid.rows.length}`);
  return grid.columns.map((x, column) => ({
    index: row * grid.columns.length + column,
    row,
    column,
    window: { x, y, width: grid.patchWidth, height: grid.patchHeight },
  }));
}

/** All patches, strip by strip. */
export function* patchesOf(grid: Grid): Generator<Patch> {
  for (let row = 0; row < grid.rows.length; row++) yield* patchesOfStrip(grid, row);
}
