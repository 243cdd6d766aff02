export type { Metric, VectorFile } from './types.js';
export type { NearestOptions, Neighbour } from './nearest.js';
export { nearest } from './nearest.js';
export { distances } from './distance.js';
export { createNearestRows } from './nearest-rows.js';
