export type { Crs, GeoKeys, Transform } from './types.js';
