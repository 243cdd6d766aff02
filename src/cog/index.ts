export { LARGEST_BLOCK } from './choices.js';
export { COMPRESSIONS, OVERVIEW_METHODS } from './types.js';
export type { CheckpointJson, CogCheckpoint, CogOptions, CogWriter, Compression, OverviewMethod, TiffDescription, TiffPacking } from './types.js';
export { cogMemory, createCog, resumeCog } from './cog-writer.js';
export { outputError, writingTo } from './output.js';
export { classSidecar } from './metadata.js';
export { reduceRows, type Reduction, type RowMasks } from './overview.js';
export { encodeTiff, writeTiff, type TiffOptions } from './tiff-file.js';
