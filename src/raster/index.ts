export type { DataType, Raster, Rgba, TypedArray, Window } from './types.js';
export type { AppliedStretch, LinearRule } from './stretch.js';
export type { BandStatistics, FreeMetadata, ReadOptions, ReducedReadOptions, Scene, SceneProfile, Size } from './scene.js';
export type { ReducibleSource } from './reduce.js';
export { readReducedByReading, readReducedFrom } from './reduce.js';
export { allocate, bytesOf, bytesPerSample, dataTypeOf, viewAs } from './data-type.js';
export { contains, fullWindow, intersect } from './window.js';
export { rasterArray } from './ndarray.js';
export { areaResample, areaResampleInto, type AreaSize } from './resample.js';
