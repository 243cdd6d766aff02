import { KEY, MODEL, RASTER_TYPE, USER_DEFINED } from './geo-key-ids.js';
import { asPixelIsArea, buildGeoKeys } from './geo-keys.js';
import type { GeoKeyValue } from './geo-keys.js';
import { epsgName } from './epsg-names.js';
import { wktFor } from './wkt-for.js';
import type { Crs, GeoKeys } from './types.js';

/** EPSG codes above this do not fit a GeoKey. */
const LARGEST_CODE = 32766;

/**
 * GeoKeys for a file that is written: those that the scene brought, unchanged but for the raster type (always
 * PixelIsArea), else built from the EPSG code, else its WKT. `undefined` where nothing can be said that a reader would understand.
 */
export function geoKeysFor(crs: Crs | undefined): GeoKeys | undefined {
  if (crs === undefined) return undefined;
  if (crs.geoKeys !== undefined) return asPixelIsArea(crs.geoKeys);
  if (crs.kind === 'other' || crs.epsg === undefined || crs.epsg > LARGEST_CODE) return esriKeys(crs);
  const projected = crs.kind === 'projected';
  const values = new Map<number, GeoKeyValue>([
    [KEY.modelType, projected ? MODEL.projected : MODEL.geographic],
    [KEY.rasterType, RASTER_TYPE.pixelIsArea],
    [KEY.citation, epsgName(crs.epsg)],
    [projected ? KEY.projectedType : KEY.geographicType, crs.epsg],
  ]);
  return buildGeoKeys(values, new Set());
}

/** The whole definition as text, as ESRI writes systems without a code: GDAL, QGIS and ArcGIS read it from this key. */
function esriKeys(crs: Crs): GeoKeys | undefined {
  const wkt = wktFor(crs);
  return wkt === undefined ? undefined : buildGeoKeys(new Map<number, GeoKeyValue>([
    [KEY.modelType, USER_DEFINED],
    [KEY.rasterType, RASTER_TYPE.pixelIsArea],
    [KEY.projectedCitation, `ESRI PE String = ${onOneLine(wkt)}`],
  ]), new Set());
}

/** Without the spaces between the parts of a WKT; those in names stay. */
function onOneLine(wkt: string): string {
  return wkt.split('"').map((part, i) => (i % 2 === 0 ? part.replaceAll(/\s+/g, '') : part)).join('"');
}
