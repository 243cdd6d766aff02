/** The library: everything that the command line does, as functions. */
export * from './errors.js';
export * from './raster/index.js';
export * from './georef/index.js';
export * from './grid/index.js';
export * from './card/index.js';
export type { Progress, TaskContext } from './run/index.js';
