import { crsFromEpsg } from './crs-from-epsg.js';
import { KEY, USER_DEFINED } from './geo-key-ids.js';
import type { GeoKeyValue } from './geo-keys.js';
import { datumPart } from './proj4-text.js';
import { DEGREES_PER_UNIT } from './units.js';

/** proj4's names of the ellipsoids of EPSG that GeoTIFFs name by code. */
const ELLIPSOIDS: ReadonlyMap<number, string> = new Map([
  [7001, 'airy'], [7002, 'mod_airy'], [7003, 'aust_SA'], [7004, 'bessel'], [7008, 'clrk66'], [7012, 'clrk80'], [7015, 'evrst30'],
  [7018, 'evrstSS'], [7019, 'GRS80'], [7020, 'helmert'], [7022, 'intl'], [7024, 'krass'], [7030, 'WGS84'], [7043, 'WGS72'],
  [7036, 'GRS67'], [7050, 'aust_SA'],
]);

/** Geographic codes lie 2000 below those of their datums (6326 → 4326), for datums of EPSG's first years. */
const DATUM_MINUS_GEOGRAPHIC = 2000;

/**
 * The datum of user-defined keys as proj4 parameters (`+ellps=… +towgs84=… +pm=…`), or `undefined` if not even the
 * ellipsoid is known.
 */
export function geographicPart(values: ReadonlyMap<number, GeoKeyValue>): string | undefined {
  const coded = [number(values, KEY.geographicType), minus(number(values, KEY.geodeticDatum))]
    .map((code) => (code === undefined ? undefined : crsFromEpsg(code)?.proj4))
    .find((definition) => definition !== undefined);
  const parts = coded === undefined ? ellipsoid(values) : datumPart(coded);
  if (parts === undefined) return undefined;
  return [parts, shift(values, parts), meridian(values, parts)].filter((part) => part !== '').join(' ');
}

function minus(datum: number | undefined): number | undefined {
  return datum === undefined || datum < 6000 || datum > 6999 ? undefined : datum - DATUM_MINUS_GEOGRAPHIC;
}

function ellipsoid(values: ReadonlyMap<number, GeoKeyValue>): string | undefined {
  const name = ELLIPSOIDS.get(number(values, KEY.ellipsoid) ?? 0);
  if (name !== undefined) return `+ellps=${name}`;
  const a = number(values, KEY.semiMajorAxis);
  if (a === undefined || !(a > 0)) return undefined;
  const inverse = number(values, KEY.inverseFlattening);
  if (inverse !== undefined && inverse > 0) return `+a=${a} +rf=${inverse}`;
  return `+a=${a} +b=${number(values, KEY.semiMinorAxis) ?? a}`;
}

function shift(values: ReadonlyMap<number, GeoKeyValue>, parts: string): string {
  const list = values.get(KEY.toWgs84);
  return Array.isArray(list) && list.length >= 3 && !parts.includes('+towgs84') ? `+towgs84=${list.join(',')}` : '';
}

function meridian(values: ReadonlyMap<number, GeoKeyValue>, parts: string): string {
  if (parts.includes('+pm=')) return '';
  const code = number(values, KEY.primeMeridian);
  const longitude = number(values, KEY.primeMeridianLongitude);
  if (code === 8903) return '+pm=paris';
  if (longitude === undefined || longitude === 0) return '';
  const degrees = DEGREES_PER_UNIT.get(number(values, KEY.geogAngularUnits) ?? 9102) ?? 1;
  return `+pm=${longitude * degrees}`;
}

function number(values: ReadonlyMap<number, GeoKeyValue>, key: number): number | undefined {
  const value = values.get(key);
  return typeof value === 'number' && Number.isFinite(value) && value !== USER_DEFINED ? value : undefined;
}
