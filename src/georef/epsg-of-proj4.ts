import { epsgList } from './epsg-list.js';
import { isUsual } from './epsg-names.js';
import { datumPart, parseProj4, proj4Number } from './proj4-text.js';
import { PROJ4_UNITS } from './units.js';

/** Semi-major axis and inverse flattening of the ellipsoids that the list names. */
const ELLIPSOIDS: Readonly<Record<string, readonly [a: number, rf: number]>> = {
  WGS84: [6378137, 298.257223563], GRS80: [6378137, 298.257222101], bessel: [6377397.155, 299.1528128], intl: [6378388, 297],
  clrk66: [6378206.4, 294.978698214], krass: [6378245, 298.3], airy: [6377563.396, 299.3249646],
};

/** The ellipsoid behind a datum name. */
const DATUMS: Readonly<Record<string, string>> = {
  WGS84: 'WGS84', NAD83: 'GRS80', NAD27: 'clrk66', hermannskogel: 'bessel', potsdam: 'bessel', OSGB36: 'airy', ch1903: 'bessel',
};

/** How much parameters may differ: degrees and metres are written with 6 to 15 digits. */
const TOLERANCE = 1e-6;

type Signature = readonly (number | string)[];

/**
 * The EPSG code whose definition has these parameters, for WKT without codes, such as ESRI's `.prj`, and for user-defined
 * GeoKeys. Of several codes with the same datum, one of the most used is taken, else the lowest (higher ones are the same
 * system with heights, or with its axes exchanged); where only the ellipsoid agrees, the code must be the only one.
 */
export function epsgOfProj4(definition: string): number | undefined {
  const wanted = signature(definition);
  if (wanted === undefined) return undefined;
  const datum = datumPart(definition);
  const alike: number[] = [];
  const sameDatum: number[] = [];
  for (const [key, entry] of Object.entries(epsgList())) {
    const text = entry[1];
    if (text === undefined || !key.startsWith('EPSG:') || !isProjection(text, String(wanted[0]))) continue;
    const other = signature(text);
    if (other === undefined || !same(wanted, other) || !sameShift(definition, text)) continue;
    alike.push(Number(key.slice(5)));
    if (datumPart(text) === datum || (isShifted(definition) && isShifted(text))) sameDatum.push(Number(key.slice(5)));
  }
  const usual = sameDatum.filter(isUsual);
  if (sameDatum.length > 0) return Math.min(...(usual.length > 0 ? usual : sameDatum));
  return alike.length === 1 ? alike[0] : undefined;
}

function isProjection(definition: string, projection: string): boolean {
  return definition.includes(`+proj=${projection} `) || (projection === 'tmerc' && definition.includes('+proj=utm '));
}

/** Everything that places coordinates, in a fixed order; `undefined` where the ellipsoid is not in the tables above. */
function signature(definition: string): Signature | undefined {
  const p = parseProj4(definition);
  const earth = ellipsoid(p);
  let projection = String(p.get('proj'));
  if (earth === undefined) return undefined;
  const utm = projection === 'utm';
  if (utm) projection = 'tmerc';
  const lon = utm ? proj4Number(p, 'zone', 0) * 6 - 183 : proj4Number(p, 'lon_0', 0);
  const unit = typeof p.get('units') === 'string' ? PROJ4_UNITS.get(String(p.get('units'))) ?? 1 : 1;
  return [
    projection, ...earth, lon,
    proj4Number(p, 'lat_0', 0), proj4Number(p, 'lat_1', 0), proj4Number(p, 'lat_2', 0), proj4Number(p, 'lat_ts', 0),
    proj4Number(p, 'lonc', 0), proj4Number(p, 'alpha', 0),
    utm ? 0.9996 : proj4Number(p, 'k', proj4Number(p, 'k_0', 1)),
    utm ? 500000 : proj4Number(p, 'x_0', 0), utm ? (p.has('south') ? 1e7 : 0) : proj4Number(p, 'y_0', 0),
    p.has('pm') ? String(p.get('pm')) : '', proj4Number(p, 'to_meter', unit),
  ];
}

function ellipsoid(p: ReadonlyMap<string, string | true>): readonly [number, number] | undefined {
  const name = p.get('ellps') ?? DATUMS[String(p.get('datum'))];
  if (typeof name === 'string') return ELLIPSOIDS[name];
  const a = proj4Number(p, 'a', Number.NaN);
  const b = proj4Number(p, 'b', Number.NaN);
  const rf = proj4Number(p, 'rf', b === a ? 0 : a / (a - b));
  return Number.isFinite(a) && Number.isFinite(rf) ? [a, rf] : undefined;
}

function same(a: Signature, b: Signature): boolean {
  return a.every((value, i) => {
    const other = b[i];
    if (typeof value === 'string' || typeof other === 'string' || other === undefined) return value === other;
    // The flattenings of WGS 84 and GRS 80 differ by 1.5e-6; nothing else may differ by more than the tolerance.
    return Math.abs(value - other) <= TOLERANCE * Math.max(1, Math.min(1, Math.abs(value)));
  });
}

const NO_SHIFT = /^0?(,0)*$/;

/** Whether a definition states a shift that is not zero; {@link sameShift} has then compared two of them. */
function isShifted(definition: string): boolean {
  const shift = parseProj4(definition).get('towgs84');
  return typeof shift === 'string' && !NO_SHIFT.test(shift);
}

function sameShift(a: string, b: string): boolean {
  const shiftA = parseProj4(a).get('towgs84');
  const shiftB = parseProj4(b).get('towgs84');
  if (typeof shiftA !== 'string' || typeof shiftB !== 'string') return true;
  if (NO_SHIFT.test(shiftA) || NO_SHIFT.test(shiftB)) return NO_SHIFT.test(shiftA) && NO_SHIFT.test(shiftB);
  const numbersB = shiftB.split(',').map(Number);
  return shiftA.split(',').map(Number).every((value, i) => Math.abs(value - (numbersB[i] ?? 0)) < 0.1);
}
