import { KEY } from './geo-key-ids.js';
import type { GeoKeyValue } from './geo-keys.js';
import { DEGREES_PER_UNIT } from './units.js';

/** The parameters of a user-defined projection, angles in degrees, lengths in metres. */
interface Parameters {
  readonly lon: number;
  readonly lat: number;
  readonly parallel1: number;
  readonly parallel2: number | undefined;
  readonly k: number | undefined;
  readonly azimuth: number;
  readonly gridAngle: number | undefined;
  readonly poleLon: number;
}

/** Codes of UTM among the projections of GeoTIFF (annex C, 16001–16060 north, 16101–16160 south). */
const UTM_NORTH = 16000;
const UTM_SOUTH = 16100;

/**
 * A user-defined projection as proj4 parameters without units and datum, after the table of GeoTIFF's coordinate
 * transformations (OGC 19-008r4, annex C.5). `undefined` if proj4 lacks the projection.
 * @param unit metres per linear unit of the keys
 */
export function projectionPart(values: ReadonlyMap<number, GeoKeyValue>, unit: number): string | undefined {
  const utm = utmPart(number(values, KEY.projection));
  if (utm !== undefined) return utm;
  const degrees = DEGREES_PER_UNIT.get(number(values, KEY.geogAngularUnits) ?? 9102) ?? 1;
  const angle = (...keys: number[]): number | undefined => {
    const value = first(values, keys);
    return value === undefined ? undefined : value * degrees;
  };
  const parameters: Parameters = {
    lon: angle(KEY.natOriginLong, KEY.falseOriginLong, KEY.centerLong, KEY.straightVertPoleLong) ?? 0,
    lat: angle(KEY.natOriginLat, KEY.falseOriginLat, KEY.centerLat) ?? 0,
    parallel1: angle(KEY.stdParallel1) ?? 0,
    parallel2: angle(KEY.stdParallel2),
    k: first(values, [KEY.scaleAtNatOrigin, KEY.scaleAtCenter]),
    azimuth: angle(KEY.azimuthAngle) ?? 0,
    gridAngle: angle(KEY.rectifiedGridAngle),
    poleLon: angle(KEY.straightVertPoleLong, KEY.natOriginLong) ?? 0,
  };
  const shape = shapeOf(number(values, KEY.coordTrans), parameters, values.has(KEY.stdParallel1));
  if (shape === undefined) return undefined;
  const easting = first(values, [KEY.falseEasting, KEY.falseOriginEasting, KEY.centerEasting]) ?? 0;
  const northing = first(values, [KEY.falseNorthing, KEY.falseOriginNorthing, KEY.centerNorthing]) ?? 0;
  return `${shape} +x_0=${easting * unit} +y_0=${northing * unit}`;
}

function shapeOf(method: number | undefined, p: Parameters, hasParallel: boolean): string | undefined {
  const origin = `+lat_0=${p.lat} +lon_0=${p.lon}`;
  const scale = `+k_0=${p.k ?? 1}`;
  switch (method) {
    case 1: return `+proj=tmerc ${origin} ${scale}`;
    case 27: return `+proj=tmerc +axis=wsu ${origin} ${scale}`;
    case 3: return `+proj=omerc +no_uoff +lat_0=${p.lat} +lonc=${p.lon} +alpha=${p.azimuth}${gamma(p)} ${scale}`;
    case 9815: return `+proj=omerc +lat_0=${p.lat} +lonc=${p.lon} +alpha=${p.azimuth}${gamma(p)} ${scale}`;
    case 7: return mercator(p, hasParallel);
    case 8: return `+proj=lcc +lat_1=${p.parallel1} +lat_2=${p.parallel2 ?? p.parallel1} ${origin}`;
    case 9: return `+proj=lcc +lat_1=${p.lat} ${origin} ${scale}`;
    case 10: return `+proj=laea ${origin}`;
    case 11: return `+proj=aea +lat_1=${p.parallel1} +lat_2=${p.parallel2 ?? p.parallel1} ${origin}`;
    case 12: return `+proj=aeqd ${origin}`;
    case 13: return `+proj=eqdc +lat_1=${p.parallel1} +lat_2=${p.parallel2 ?? p.parallel1} ${origin}`;
    case 14: return `+proj=stere ${origin} ${scale}`;
    case 16: return `+proj=sterea ${origin} ${scale}`;
    case 15: return polar(p);
    case 17: return `+proj=eqc +lat_ts=${p.parallel1} +lat_0=${p.lat} +lon_0=${p.lon}`;
    case 18: return `+proj=cass ${origin}`;
    case 19: return `+proj=gnom ${origin}`;
    case 20: return `+proj=mill ${origin}`;
    case 21: return `+proj=ortho ${origin}`;
    case 22: return `+proj=poly ${origin}`;
    case 23: return `+proj=robin +lon_0=${p.lon}`;
    case 24: return `+proj=sinu +lon_0=${p.lon}`;
    case 25: return `+proj=vandg +lon_0=${p.lon}`;
    case 26: return `+proj=nzmg ${origin}`;
    case 28: return `+proj=cea +lat_ts=${p.parallel1} +lon_0=${p.lon}`;
    default: return undefined;
  }
}

/** True to scale along a parallel, or by a factor at the equator; a latitude of origin alone is taken for the parallel, as by GDAL. */
function mercator(p: Parameters, hasParallel: boolean): string {
  if (hasParallel) return `+proj=merc +lat_ts=${p.parallel1} +lon_0=${p.lon}`;
  if (p.lat !== 0 && (p.k ?? 1) === 1) return `+proj=merc +lat_ts=${p.lat} +lon_0=${p.lon}`;
  return `+proj=merc +lon_0=${p.lon} +k_0=${p.k ?? 1}`;
}

function gamma(p: Parameters): string {
  return p.gridAngle === undefined ? '' : ` +gamma=${p.gridAngle}`;
}

/** Polar stereographic: the latitude is either the pole (with a scale) or the parallel of true scale. */
function polar(p: Parameters): string {
  const pole = p.lat < 0 ? -90 : 90;
  const trueScale = Math.abs(p.lat) === 90 ? `+k_0=${p.k ?? 1}` : `+lat_ts=${p.lat}`;
  return `+proj=stere +lat_0=${pole} ${trueScale} +lon_0=${p.poleLon}`;
}

function utmPart(code: number | undefined): string | undefined {
  if (code === undefined) return undefined;
  if (code > UTM_NORTH && code <= UTM_NORTH + 60) return `+proj=utm +zone=${code - UTM_NORTH}`;
  if (code > UTM_SOUTH && code <= UTM_SOUTH + 60) return `+proj=utm +zone=${code - UTM_SOUTH} +south`;
  return undefined;
}

function first(values: ReadonlyMap<number, GeoKeyValue>, keys: readonly number[]): number | undefined {
  for (const key of keys) {
    const value = number(values, key);
    if (value !== undefined) return value;
  }
  return undefined;
}

function number(values: ReadonlyMap<number, GeoKeyValue>, key: number): number | undefined {
  const value = values.get(key);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
