import { join } from 'node:path';
import type { TypedArray } from '../raster/index.js';
import type { CogChoices } from './choices.js';
import { blocksAcross, blocksDown, levelSizes, type LevelSize } from './layout.js';
import type { BlockFormat } from './level.js';
import { isKernelPacking } from './pack-kernel.js';
import { blockBytesOf, type PlaneOptions } from './plane.js';
import { createReducer, type Reducer } from './reducer.js';
import type { CogOptions } from './types.js';

/** Rows that are reduced at a time on the way down the pyramid. */
export const CHUNK_ROWS = 64;
/** Overviews go down to at most this size on both axes. */
const SMALLEST_OVERVIEW = 512;
/** Blocks that wait for compression or for the disk, beyond those being compressed: as many, up to this many bytes. */
const QUEUE_BLOCKS = 16;
const QUEUE_BYTES = 32 << 20;

/** What follows from the options of a file before the first row. */
export interface CogPlan {
  readonly options: CogOptions;
  readonly choices: CogChoices;
  readonly format: BlockFormat;
  /** The scene and its overviews. */
  readonly sizes: readonly LevelSize[];
  /** Blocks of all levels together. */
  readonly blocks: number;
  readonly blockBytes: number;
  readonly queueLength: number;
}

export function planCog(options: CogOptions, choices: CogChoices): CogPlan {
  // What is packed in threads; the libraries of other codings do not take shared memory.
  const memory = isKernelPacking(choices.packing) ? 'shared' as const : 'own' as const;
  const format = { size: choices.blockSize, bands: options.bands, dtype: options.dtype, memory };
  const all = levelSizes(options.width, options.height, SMALLEST_OVERVIEW);
  const sizes = choices.overviews === 'none' ? all.slice(0, 1) : all;
  const blockBytes = blockBytesOf(format);
  return {
    options, choices, format, blockBytes, sizes,
    blocks: sizes.reduce((sum, size) => sum + blocksAcross(size, choices.blockSize) * blocksDown(size, choices.blockSize), 0),
    queueLength: Math.max(choices.concurrency + 1, Math.min(QUEUE_BLOCKS, Math.floor(QUEUE_BYTES / blockBytes))),
  };
}

/** The options on which the bytes depend, as text. */
export function madeWith({ options, choices }: CogPlan): string {
  const { width, height, alphaBand } = options;
  const { packing, blockSize, overviews, nodata, mask, statistics } = choices;
  return JSON.stringify([width, height, alphaBand ?? null, packing, blockSize, overviews, nodata === undefined ? null : String(nodata), mask, statistics]);
}

export function sampleOptions({ options, choices, sizes, format, queueLength }: CogPlan, pack: (block: TypedArray) => Promise<Uint8Array>): PlaneOptions {
  return { scratch: options.scratch, sizes, format, concurrency: choices.concurrency, queueLength, pack };
}

/** Where the blocks of the mask wait. */
export function maskFolder(scratch: string): string {
  return join(scratch, 'mask');
}

export function maskOptions({ options, choices, sizes, queueLength }: CogPlan, pack: (block: TypedArray) => Promise<Uint8Array>): PlaneOptions {
  const format = { size: choices.blockSize, bands: 1, dtype: 'uint8' } as const;
  return { scratch: maskFolder(options.scratch), sizes, format, concurrency: choices.concurrency, queueLength, pack };
}

/** What reduces each level to the next. */
export function reducersOf({ options, choices, sizes }: CogPlan): Reducer[] {
  const { overviews, nodata, mask } = choices;
  if (overviews === 'none') return [];
  const { bands, dtype, alphaBand } = options;
  return sizes.slice(1).map((size, level) => createReducer(sizes[level]!, size, { method: overviews, bands, dtype, nodata, alphaBand, mask, chunkRows: CHUNK_ROWS }));
}
