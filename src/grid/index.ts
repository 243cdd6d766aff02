export type { Patch, PatchBatch } from './types.js';
export type { Grid, GridOptions } from './grid.js';
export { axisPositions, createGrid, patchCount, patchesOf, patchesOfStrip } from './grid.js';
