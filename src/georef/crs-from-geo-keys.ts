import { crsFromEpsg, kindOfProj4 } from './crs-from-epsg.js';
import { epsgName } from './epsg-names.js';
import { epsgOfProj4 } from './epsg-of-proj4.js';
import { crsFromWkt } from './crs-from-wkt.js';
import { geographicPart } from './geo-key-datum.js';
import { projectionPart } from './geo-key-projection.js';
import { KEY, MODEL, USER_DEFINED } from './geo-key-ids.js';
import { parseGeoKeys } from './geo-keys.js';
import type { GeoKeyValue } from './geo-keys.js';
import { datumFor } from './sphere.js';
import { metresPerUnit } from './proj4-text.js';
import { DEGREES_PER_UNIT, METRES_PER_UNIT } from './units.js';
import type { Crs, GeoKeys } from './types.js';

const ESRI_PE_STRING = /^ESRI PE String = (.+)$/s;

/**
 * The CRS that GeoKeys describe: by EPSG code where there is one, else from its parameters, as far as proj4 has the
 * projection. `undefined` if the keys name no model. The keys themselves are kept, to be written again unchanged.
 */
export function crsFromGeoKeys(geoKeys: GeoKeys): Crs | undefined {
  const values = parseGeoKeys(geoKeys);
  const model = values.get(KEY.modelType) ?? (values.has(KEY.projectedType) ? MODEL.projected
    : values.has(KEY.geographicType) ? MODEL.geographic : undefined);
  if (model === undefined) return undefined;
  if (model === MODEL.projected) return { ...projected(values), geoKeys };
  if (model === MODEL.geographic) return { ...geographic(values), geoKeys };
  const esri = esriCrs(values, [KEY.citation, KEY.projectedCitation, KEY.geogCitation]);
  if (esri !== undefined) return { ...esri, geoKeys };
  return { name: text(values, KEY.citation) ?? 'unknown coordinates', kind: 'other', geoKeys };
}

function projected(values: ReadonlyMap<number, GeoKeyValue>): Crs {
  const fromCitation = esriCrs(values, [KEY.citation, KEY.projectedCitation]);
  if (fromCitation !== undefined) return fromCitation;
  const code = codeOf(values, KEY.projectedType);
  const listed = code === undefined ? undefined : crsFromEpsg(code);
  const citation = text(values, KEY.projectedCitation) ?? text(values, KEY.citation);
  const unit = linearUnit(values);
  if (listed?.proj4 !== undefined) {
    const name = listed.name.startsWith('EPSG:') && citation !== undefined ? citation : listed.name;
    if (unit === undefined || Math.abs(unit / metresPerUnit(listed.proj4) - 1) < 1e-5) return { ...listed, name };
    // A file that overrides the unit of its code no longer means that code.
    return { name: citation ?? listed.name, kind: 'projected', proj4: withUnit(listed.proj4, unit) };
  }
  const name = citation ?? text(values, KEY.geogCitation) ?? (code === undefined ? 'user-defined projection' : `EPSG:${code}`);
  const projection = projectionPart(values, unit ?? 1);
  const geographicDefinition = geographicPart(values);
  const proj4 = projection === undefined || geographicDefinition === undefined
    ? undefined
    : withUnit(`${projection} ${datumFor(projection, geographicDefinition)} +no_defs`, unit ?? 1);
  const epsg = code ?? (proj4 === undefined ? undefined : epsgOfProj4(proj4));
  return {
    ...(epsg === undefined ? {} : { epsg }),
    name: code === undefined && epsg !== undefined && /^un(known|named)/i.test(name) ? epsgName(epsg) : name,
    kind: 'projected',
    ...(proj4 === undefined ? {} : { proj4 }),
  };
}

function geographic(values: ReadonlyMap<number, GeoKeyValue>): Crs {
  const fromCitation = esriCrs(values, [KEY.geogCitation, KEY.citation]);
  if (fromCitation !== undefined) return fromCitation;
  const code = codeOf(values, KEY.geographicType);
  const listed = code === undefined ? undefined : crsFromEpsg(code);
  const degrees = angularUnit(values);
  const unit = degrees === undefined || Math.abs(degrees - 1) < 1e-9 ? {} : { degreesPerUnit: degrees };
  const citation = text(values, KEY.geogCitation) ?? text(values, KEY.citation);
  if (listed !== undefined) {
    const name = listed.name.startsWith('EPSG:') && citation !== undefined ? citation : listed.name;
    return 'degreesPerUnit' in unit ? { name, kind: 'geographic', proj4: listed.proj4, ...unit } : { ...listed, name };
  }
  const definition = geographicPart(values);
  return {
    ...(code === undefined ? {} : { epsg: code }),
    name: citation ?? (code === undefined ? 'user-defined geographic coordinates' : `EPSG:${code}`),
    kind: 'geographic',
    ...(definition === undefined ? {} : { proj4: `+proj=longlat ${definition} +no_defs` }),
    ...unit,
  };
}

/** ArcGIS puts WKT into a citation where GeoTIFF has no keys for what it means. */
function esriCrs(values: ReadonlyMap<number, GeoKeyValue>, keys: readonly number[]): Crs | undefined {
  for (const key of keys) {
    const wkt = ESRI_PE_STRING.exec(text(values, key) ?? '')?.[1];
    const crs = wkt === undefined ? undefined : crsFromWkt(wkt);
    if (crs?.proj4 !== undefined && kindOfProj4(crs.proj4) === crs.kind) return crs;
  }
  return undefined;
}

/** A code that is defined by EPSG. */
function codeOf(values: ReadonlyMap<number, GeoKeyValue>, key: number): number | undefined {
  const value = values.get(key);
  return typeof value === 'number' && value > 0 && value !== USER_DEFINED ? value : undefined;
}

function text(values: ReadonlyMap<number, GeoKeyValue>, key: number): string | undefined {
  const value = values.get(key);
  if (typeof value !== 'string' || value === '') return undefined;
  // GDAL packs several names into one citation: "PCS Name = x|PRJ = y".
  const packed = /(?:PCS|GCS) Name = ([^|]+)/.exec(value)?.[1];
  return packed ?? value;
}

function linearUnit(values: ReadonlyMap<number, GeoKeyValue>): number | undefined {
  const code = values.get(KEY.projLinearUnits);
  const size = values.get(KEY.projLinearUnitSize);
  if (code === USER_DEFINED || code === undefined) return typeof size === 'number' && size > 0 ? size : undefined;
  return typeof code === 'number' ? METRES_PER_UNIT.get(code) : undefined;
}

function angularUnit(values: ReadonlyMap<number, GeoKeyValue>): number | undefined {
  const code = values.get(KEY.geogAngularUnits);
  const size = values.get(KEY.geogAngularUnitSize);
  if (code === USER_DEFINED) return typeof size === 'number' && size > 0 ? size * (180 / Math.PI) : undefined;
  return typeof code === 'number' ? DEGREES_PER_UNIT.get(code) : undefined;
}

function withUnit(definition: string, metres: number): string {
  const bare = definition.replace(/\+(units|to_meter)=\S+\s*/g, '').replace(/\s*\+no_defs\b/, '').trim();
  return `${bare} ${metres === 1 ? '+units=m' : `+to_meter=${metres}`} +no_defs`;
}
