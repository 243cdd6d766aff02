export type { DataType, Raster, Rgba, TypedArray, Window } from './types.js';
export type { AppliedStretch, LinearRule } from './stretch.js';
export type { ReadOptions, Scene, SceneProfile } from './scene.js';
export { allocate, bytesOf, bytesPerSample, dataTypeOf, viewAs } from './data-type.js';
export { contains, fullWindow, intersect } from './window.js';
export { rasterArray } from './ndarray.js';
export { areaResample, areaResampleInto, type AreaSize } from './resample.js';
