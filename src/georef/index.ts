export type { Crs, GeoKeys, GroundControl, GroundControlPoint, RationalCoefficients, Transform } from './types.js';
export {
  crsToPixel, determinant, fromCentre, invertTransform, isInvertible, pixelSize, pixelToCrs, scaleTransform,
  windowTransform,
} from './transform.js';
export { parseWorldFile, worldFileExtensions, worldFileText } from './world-file.js';
export { axesOfEpsg } from './epsg-kinds.js';
export { crsFromEpsg } from './crs-from-epsg.js';
export { crsFromGeoKeys } from './crs-from-geo-keys.js';
export { crsFromWkt } from './crs-from-wkt.js';
export { geoKeysFor } from './geo-keys-for.js';
export { wktFor } from './wkt-for.js';
export type { ProjJson } from './proj-json.js';
export { projJsonFor } from './proj-json.js';
export { GEO_TAG, KEY, RASTER_TYPE } from './geo-key-ids.js';
export { parseGeoKeys } from './geo-keys.js';
export type { LonLat, PointTransform } from './lon-lat.js';
export { datumNote, fromLonLat, toLonLat } from './lon-lat.js';
export type { GroundSize } from './ground.js';
export { groundSize, pixelAreaM2, pixelAreas, sceneAreaM2 } from './ground.js';
export type { FootprintOptions } from './footprint.js';
export { footprint, footprintOf } from './footprint.js';
export { approximateGrid } from './approximate.js';
export { worldWidth } from './around-the-world.js';
export type { Extent, PlacedGrid, Point } from './reprojection.js';
export { crsToCrs, gridToGrid, isSameCrs, placedExtent, reachesTooFar, suggestGrid } from './reprojection.js';
export { stretchNote } from './stretch.js';
export { metresPerUnit } from './proj4-text.js';
