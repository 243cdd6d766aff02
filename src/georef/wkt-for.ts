import { datumOfEpsg } from './datum-names.js';
import type { DatumNames } from './datum-names.js';
import { epsgName } from './epsg-names.js';
import { parseProj4, proj4Number } from './proj4-text.js';
import { PROJ4_UNITS } from './units.js';
import type { Crs } from './types.js';

type Parameters = ReadonlyMap<string, string | true>;

interface Ellipsoid { readonly name: string; readonly a: number; readonly rf: number }

/** Ellipsoids by proj4's names: name, semi-major axis, inverse flattening. */
const ELLIPSOIDS: Readonly<Record<string, Ellipsoid>> = {
  WGS84: { name: 'WGS 84', a: 6378137, rf: 298.257223563 },
  GRS80: { name: 'GRS 1980', a: 6378137, rf: 298.257222101 },
  bessel: { name: 'Bessel 1841', a: 6377397.155, rf: 299.1528128 },
  intl: { name: 'International 1924', a: 6378388, rf: 297 },
  clrk66: { name: 'Clarke 1866', a: 6378206.4, rf: 294.978698213898 },
  krass: { name: 'Krassowsky 1940', a: 6378245, rf: 298.3 },
  airy: { name: 'Airy 1830', a: 6377563.396, rf: 299.3249646 },
  aust_SA: { name: 'Australian National Spheroid', a: 6378160, rf: 298.25 },
};

/** Datums by proj4's names. */
const DATUMS: Readonly<Record<string, DatumNames>> = {
  WGS84: { datum: 'WGS_1984', ellipsoid: 'WGS84', geographic: 'WGS 84' },
  NAD83: { datum: 'North_American_Datum_1983', ellipsoid: 'GRS80', geographic: 'NAD83' },
  NAD27: { datum: 'North_American_Datum_1927', ellipsoid: 'clrk66', geographic: 'NAD27' },
  OSGB36: { datum: 'OSGB_1936', ellipsoid: 'airy', geographic: 'OSGB36' },
  hermannskogel: { datum: 'Militar-Geographische_Institut', ellipsoid: 'bessel', geographic: 'MGI' },
  potsdam: { datum: 'Deutsches_Hauptdreiecksnetz', ellipsoid: 'bessel', geographic: 'DHDN' },
};

/** Web Mercator is no ellipsoidal Mercator; GDAL marks it with its proj4 string. */
const WEB_MERCATOR = 'EXTENSION["PROJ4","+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs"]';

/**
 * Well-known text (OGC WKT 1) for a `.prj`: the one the scene brought, else made from its definition, with the EPSG code
 * as authority. `undefined` where the projection has no WKT name here.
 */
export function wktFor(crs: Crs | undefined): string | undefined {
  if (crs === undefined) return undefined;
  if (crs.wkt !== undefined) return crs.wkt;
  if (crs.proj4 === undefined || crs.kind === 'other' || crs.degreesPerUnit !== undefined) return undefined;
  const p = parseProj4(crs.proj4);
  // WKT 1 has no name of its own for projections of the sphere of an ellipsoid's area: only the code says it.
  if (p.has('R_A') && crs.epsg === undefined) return undefined;
  const authority = crs.epsg === undefined ? '' : `,AUTHORITY["EPSG","${crs.epsg}"]`;
  const name = (crs.epsg === undefined ? crs.name : epsgName(crs.epsg)).replaceAll('"', "'");
  const webMercator = p.get('proj') === 'merc' && p.get('nadgrids') === '@null';
  const geographic = geographicWkt(webMercator ? new Map([['datum', 'WGS84']]) : p, datumOfEpsg(crs.epsg), crs.kind === 'geographic' ? { name, authority } : undefined);
  if (geographic === undefined || crs.kind === 'geographic') return geographic;
  const projection = projectionOf(p);
  if (projection === undefined) return undefined;
  const [method, parameters] = projection;
  const metre = proj4Number(p, 'to_meter', PROJ4_UNITS.get(String(p.get('units') ?? 'm')) ?? 1);
  const offsets: [string, number][] = [['false_easting', offset(p, 'x_0') / metre], ['false_northing', offset(p, 'y_0') / metre]];
  const list = [...parameters, ...offsets].map(([key, value]) => `PARAMETER["${key}",${value}]`).join(',');
  const unit = metre === 1 ? 'UNIT["metre",1]' : `UNIT["${metre === 0.3048 ? 'foot' : metre === 1200 / 3937 ? 'US survey foot' : 'unit'}",${metre}]`;
  return `PROJCS["${name}",${geographic},PROJECTION["${method}"],${list},${unit}${webMercator ? `,${WEB_MERCATOR}` : ''}${authority}]`;
}

function geographicWkt(p: Parameters, known: DatumNames | undefined, own: { readonly name: string; readonly authority: string } | undefined): string | undefined {
  const datum = known ?? DATUMS[String(p.get('datum'))];
  const ellipsoid = ellipsoidOf(p, datum?.ellipsoid);
  if (ellipsoid === undefined) return undefined;
  const name = own?.name ?? datum?.geographic ?? `based on ${ellipsoid.name}`;
  const shift = p.get('towgs84');
  const toWgs84 = typeof shift === 'string' ? `,TOWGS84[${[...shift.split(','), 0, 0, 0, 0].slice(0, 7).join(',')}]` : '';
  const meridian = p.has('pm') ? Number(MERIDIANS[String(p.get('pm'))] ?? p.get('pm')) : 0;
  if (!Number.isFinite(meridian)) return undefined;
  return `GEOGCS["${name}",DATUM["${datum?.datum ?? `based_on_${ellipsoid.name.replaceAll(' ', '_')}`}",SPHEROID["${ellipsoid.name}",${ellipsoid.a},${ellipsoid.rf}]${toWgs84}],`
    + `PRIMEM["${meridian === 0 ? 'Greenwich' : String(p.get('pm'))}",${meridian}],UNIT["degree",0.0174532925199433]${own?.authority ?? ''}]`;
}

const MERIDIANS: Readonly<Record<string, number>> = { greenwich: 0, paris: 2.33722917, lisbon: -9.131906111111, bogota: -74.080916666667, madrid: -3.687938888889, rome: 12.452333333333, bern: 7.439583333333, jakarta: 106.807719444444, ferro: -17.666666666667, brussels: 4.367975, stockholm: 18.058277777778, athens: 23.7163375, oslo: 10.722916666667 };

function ellipsoidOf(p: Parameters, ofDatum: string | undefined): Ellipsoid | undefined {
  const name = p.get('ellps') ?? ofDatum;
  if (typeof name === 'string') return ELLIPSOIDS[name];
  const radius = proj4Number(p, 'R', Number.NaN);
  const a = proj4Number(p, 'a', radius);
  if (!(a > 0)) return undefined;
  const b = proj4Number(p, 'b', a);
  return { name: 'custom', a, rf: proj4Number(p, 'rf', b === a ? 0 : a / (a - b)) };
}

/** WKT's name of a projection and its parameters but the offsets, after GDAL's list of projections. */
function projectionOf(p: Parameters): [method: string, parameters: [string, number][]] | undefined {
  const n = (name: string, fallback = 0): number => proj4Number(p, name, fallback);
  const lat: [string, number] = ['latitude_of_origin', n('lat_0')];
  const lon: [string, number] = ['central_meridian', n('lon_0')];
  const k: [string, number] = ['scale_factor', n('k', n('k_0', 1))];
  const parallels: [string, number][] = [['standard_parallel_1', n('lat_1')], ['standard_parallel_2', n('lat_2', n('lat_1'))]];
  const center: [string, number][] = [['latitude_of_center', n('lat_0')], ['longitude_of_center', n('lon_0')]];
  switch (p.get('proj')) {
    case 'utm': return ['Transverse_Mercator', [['latitude_of_origin', 0], ['central_meridian', n('zone') * 6 - 183], ['scale_factor', 0.9996]]];
    case 'tmerc': return p.has('axis') ? undefined : ['Transverse_Mercator', [lat, lon, k]];
    case 'merc': return p.has('lat_ts') && n('lat_ts') !== 0
      ? ['Mercator_2SP', [['standard_parallel_1', n('lat_ts')], lon]]
      : ['Mercator_1SP', [lon, k]];
    case 'lcc': return p.has('lat_2') && n('lat_2') !== n('lat_1')
      ? ['Lambert_Conformal_Conic_2SP', [lat, lon, ...parallels]]
      : ['Lambert_Conformal_Conic_1SP', [['latitude_of_origin', n('lat_1')], lon, k]];
    case 'aea': return ['Albers_Conic_Equal_Area', [...center, ...parallels]];
    case 'laea': return ['Lambert_Azimuthal_Equal_Area', center];
    case 'sterea': return ['Oblique_Stereographic', [lat, lon, k]];
    case 'stere': return Math.abs(n('lat_0')) === 90
      ? ['Polar_Stereographic', [['latitude_of_origin', n('lat_ts', n('lat_0'))], lon, ['scale_factor', p.has('lat_ts') ? 1 : n('k', n('k_0', 1))]]]
      : undefined;
    case 'cass': return ['Cassini_Soldner', [lat, lon]];
    case 'poly': return ['Polyconic', [lat, lon]];
    case 'cea': return ['Cylindrical_Equal_Area', [['standard_parallel_1', n('lat_ts')], lon]];
    case 'somerc': return ['Hotine_Oblique_Mercator_Azimuth_Center', [...center, ['azimuth', 90], ['rectified_grid_angle', 90], k]];
    default: return undefined;
  }
}

function offset(p: Parameters, name: 'x_0' | 'y_0'): number {
  if (p.get('proj') !== 'utm') return proj4Number(p, name, 0);
  return name === 'x_0' ? 500_000 : p.has('south') ? 10_000_000 : 0;
}
