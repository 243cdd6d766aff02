import type { TypedArray, Window } from '../raster/index.js';

/** One patch of a grid. */
export interface Patch {
  /** Row by row, from 0. */
  readonly index: number;
  readonly row: number;
  readonly column: number;
  /** Where it lies in the scene; reaches over the edge only if the scene is smaller than a patch. */
  readonly window: Window;
}

/** Pixels of several patches of one size, one after the other, each pixel-interleaved. */
export interface PatchBatch {
  readonly data: TypedArray;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
}
