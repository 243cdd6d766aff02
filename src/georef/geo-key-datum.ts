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

/** Other ellipsoids of EPSG: semi-major axis in metres, and 1/f (0: a sphere). */
const AXES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [7005, [6377492.018, 299.1528128]], [7006, [6377483.865, 299.1528128]], [7007, [6378293.645208759, 294.26067636926064]],
  [7009, [6378450.047548896, 294.97869716467716]], [7010, [6378300.789, 293.4663155389811]],
  [7011, [6378249.2, 293.4660212936269]], [7013, [6378249.145, 293.4663077]], [7014, [6378249.2, 293.46598]],
  [7016, [6377298.556, 300.8017]], [7021, [6378160, 298.247]], [7025, [6378145, 298.25]], [7027, [6376523, 308.64]],
  [7028, [6378298.3, 294.73]], [7029, [6378300, 296]], [7031, [6378137, 298.257223563]], [7032, [6378136.2, 298.257223563]],
  [7033, [6378136.3, 298.257223563]], [7034, [6378249.144808011, 293.46630765563646]], [7035, [6371000, 0]],
  [7041, [6378135, 298.257]], [7042, [6377299.36559538, 300.8017255433549]], [7044, [6377301.243, 300.8017255]],
  [7045, [6377299.151, 300.8017255]], [7046, [6377483.865280419, 299.1528128]], [7047, [6370997, 0]], [7048, [6371007, 0]],
  [7049, [6378140, 298.257]], [7051, [6377019.27, 300]], [7052, [6370997, 0]], [7053, [6378270, 297]],
  [7054, [6378136, 298.257839303]], [7055, [6378306.3696, 293.4663076556355]], [7056, [6377295.664, 300.8017]],
  [7057, [6371228, 0]], [7058, [6378273, 298.279411123064]], [7059, [6378137, 0]],
] as const);

/** Prime meridians of EPSG, in degrees east of Greenwich. */
const MERIDIANS: ReadonlyMap<number, number> = new Map([
  [1026, 12.57775], [8902, -9.13190611111111], [8903, 2.33722917], [8904, -74.0809166666667], [8905, -3.687375], [8906, 12.4523333333333],
  [8907, 7.43958333333333], [8908, 106.807719444444], [8909, -17.6666666666667], [8910, 4.367975], [8911, 18.0582777777778],
  [8912, 23.7163375], [8913, 10.7229166666667], [8914, 2.33720833333333],
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
  const axes = AXES.get(number(values, KEY.ellipsoid) ?? 0);
  if (axes !== undefined) return `+a=${axes[0]} ${axes[1] === 0 ? `+b=${axes[0]}` : `+rf=${axes[1]}`}`;
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
  const known = MERIDIANS.get(code ?? 0);
  if (known !== undefined) return `+pm=${known}`;
  if (longitude === undefined || longitude === 0) return '';
  const degrees = DEGREES_PER_UNIT.get(number(values, KEY.geogAngularUnits) ?? 9102) ?? 1;
  return `+pm=${longitude * degrees}`;
}

function number(values: ReadonlyMap<number, GeoKeyValue>, key: number): number | undefined {
  const value = values.get(key);
  return typeof value === 'number' && Number.isFinite(value) && value !== USER_DEFINED ? value : undefined;
}
