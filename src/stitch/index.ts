export type { AxisPatch, Blend } from './weights.js';
export { axisPatches, BLENDS } from './weights.js';
export type { FinishedRows, PatchScores, Stitcher, StitcherOptions } from './stitcher.js';
export { createStitcher, MAX_CLASSES, NODATA_CLASS, stitcherMemory } from './stitcher.js';
export type { SeamCounts, SeamMeter } from './seam-score.js';
export { createSeamMeter, seamScore } from './seam-score.js';
