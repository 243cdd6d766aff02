export type { AxisPatch, Blend } from './weights.js';
export { axisPatches, BLENDS } from './weights.js';
export type { FinishedRows } from './finished-rows.js';
export { MAX_CLASSES, NODATA_CLASS } from './finished-rows.js';
export type { PatchScores, Stitcher, StitcherOptions } from './stitcher.js';
export { createStitcher, stitcherMemory } from './stitcher.js';
export type { SeamCounts, SeamMeter } from './seam-score.js';
export { createSeamMeter, seamScore } from './seam-score.js';
