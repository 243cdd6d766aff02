export type { CogCheckpoint, CogOptions, CogWriter, Compression, OverviewMethod, TiffDescription, TiffPacking } from './types.js';
