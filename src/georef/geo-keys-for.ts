import { KEY, MODEL, RASTER_TYPE } from './geo-key-ids.js';
import { asPixelIsArea, buildGeoKeys } from './geo-keys.js';
import type { GeoKeyValue } from './geo-keys.js';
import { epsgName } from './epsg-names.js';
import type { Crs, GeoKeys } from './types.js';

/** EPSG codes above this do not fit a GeoKey. */
const LARGEST_CODE = 32766;

/**
 * GeoKeys for a file that is written: those that the scene brought, unchanged but for the raster type (always
 * PixelIsArea), else built from the EPSG code. `undefined` where nothing can be said that a reader would understand.
 */
export function geoKeysFor(crs: Crs | undefined): GeoKeys | undefined {
  if (crs === undefined) return undefined;
  if (crs.geoKeys !== undefined) return asPixelIsArea(crs.geoKeys);
  if (crs.kind === 'other' || crs.epsg === undefined || crs.epsg > LARGEST_CODE) return undefined;
  const projected = crs.kind === 'projected';
  const values = new Map<number, GeoKeyValue>([
    [KEY.modelType, projected ? MODEL.projected : MODEL.geographic],
    [KEY.rasterType, RASTER_TYPE.pixelIsArea],
    [KEY.citation, epsgName(crs.epsg)],
    [projected ? KEY.projectedType : KEY.geographicType, crs.epsg],
  ]);
  return buildGeoKeys(values, new Set());
}
