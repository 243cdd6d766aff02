export type { Crs, GeoKeys, Transform } from './types.js';
export {
  crsToPixel, determinant, fromCentre, invertTransform, isInvertible, isNorthUp, pixelSize, pixelToCrs, scaleTransform,
  windowTransform,
} from './transform.js';
export { parseWorldFile, worldFileExtensions, worldFileText } from './world-file.js';
export { crsFromEpsg } from './crs-from-epsg.js';
export { geoKeysFor } from './geo-keys-for.js';
