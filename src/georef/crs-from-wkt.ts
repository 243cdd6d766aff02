import { crsFromEpsg, kindOfProj4, proj4OfEpsg } from './crs-from-epsg.js';
import { geographicCodeOfDatum } from './datum-names.js';
import { epsgOfProj4 } from './epsg-of-proj4.js';
import { datumPart } from './proj4-text.js';
import { child, epsgOf, nameOf, parseWkt } from './wkt-tree.js';
import type { WktNode } from './wkt-tree.js';
import type { Crs } from './types.js';
import { proj4Library } from './proj4-library.js';

const PROJECTED = ['PROJCS', 'PROJCRS', 'PROJECTEDCRS'];
const GEOGRAPHIC = ['GEOGCS', 'GEOGCRS', 'GEOGRAPHICCRS', 'GEODCRS', 'GEODETICCRS'];

/**
 * The CRS of a `.prj` or of GDAL metadata, WKT 1 (OGC or ESRI) or 2: by its EPSG code where it carries one, else from its
 * parameters; then the code is looked up by them. `undefined` if the text is no WKT of a CRS.
 */
export function crsFromWkt(text: string): Crs | undefined {
  const wkt = text.replace(/^\uFEFF/, '').trim();
  const root = parseWkt(wkt);
  const node = root === undefined ? undefined : horizontal(root);
  if (node === undefined) return undefined;
  const name = nameOf(node).replaceAll('_', ' ') || 'unnamed';
  const code = epsgOf(node);
  const listed = code === undefined ? undefined : crsFromEpsg(code);
  if (listed !== undefined) return { ...listed, name: listed.name.startsWith('EPSG:') ? name : listed.name, wkt };
  if (isWebMercator(node)) return { ...crsFromEpsg(3857)!, wkt };
  const kind = PROJECTED.includes(node.keyword) ? 'projected' : GEOGRAPHIC.includes(node.keyword) ? 'geographic' : 'other';
  const definition = kind === 'other' ? undefined : proj4OfWkt(wkt, datumOf(node), degreesPerUnit(node));
  if (definition === undefined || kindOfProj4(definition) !== kind) {
    return { ...(code === undefined ? {} : { epsg: code }), name, kind, wkt };
  }
  const epsg = code ?? epsgOfProj4(definition);
  return { ...(epsg === undefined ? {} : { epsg }), name, kind, proj4: definition, wkt };
}

/** The proj4 parameters of the datum that the WKT names, if it is a known one: its shift to WGS 84 stands nowhere in the WKT. */
function datumOf(node: WktNode): string | undefined {
  const geographic = GEOGRAPHIC.includes(node.keyword) ? node : child(node, ...GEOGRAPHIC, 'BASEGEOGCRS', 'BASEGEODCRS');
  const datum = geographic === undefined ? undefined : child(geographic, 'DATUM', 'GEODETICDATUM', 'ENSEMBLE');
  const code = datum === undefined ? undefined : geographicCodeOfDatum(nameOf(datum));
  const listed = code === undefined ? undefined : proj4OfEpsg(code);
  return listed === undefined ? undefined : datumPart(listed);
}

/** Degrees per unit of the angles of a projection's parameters (WKT 1: the unit of its geographic CRS); proj4 takes them for degrees. */
function degreesPerUnit(node: WktNode): number {
  const geographic = child(node, 'GEOGCS');
  const radians = Number((geographic === undefined ? undefined : child(geographic, 'UNIT'))?.items[1]);
  const degrees = radians * (180 / Math.PI);
  return Number.isFinite(degrees) && degrees > 0 && Math.abs(degrees - 1) > 1e-6 ? degrees : 1;
}

/** ESRI's and PROJ's names of the Mercator of web maps, which takes WGS 84 latitudes as if they were on a sphere. */
const WEB_MERCATOR = new Set(['Mercator_Auxiliary_Sphere', 'Popular Visualisation Pseudo Mercator']);

function isWebMercator(node: WktNode): boolean {
  const method = child(node, 'PROJECTION') ?? child(child(node, 'CONVERSION') ?? node, 'METHOD');
  const shifted = node.items.some((item) => typeof item === 'object' && item.keyword === 'PARAMETER' && nameOf(item) !== 'scale_factor' && Number(item.items[1]) !== 0);
  const extension = child(node, 'EXTENSION')?.items[1];
  const marked = typeof extension === 'string' && /\+proj=merc\b.*\+nadgrids=@null/.test(extension);
  return !shifted && (marked || (method !== undefined && WEB_MERCATOR.has(nameOf(method))));
}

/** The horizontal part of a compound, bound or plain CRS. */
function horizontal(node: WktNode): WktNode | undefined {
  if ([...PROJECTED, ...GEOGRAPHIC].includes(node.keyword)) return node;
  const inner = child(node, ...PROJECTED, ...GEOGRAPHIC, 'SOURCECRS', 'COMPD_CS', 'COMPOUNDCRS');
  if (inner !== undefined) return horizontal(inner);
  return /CRS$|_CS$|CS$/.test(node.keyword) ? node : undefined;
}

/** What proj4's WKT reader understood, as far as it is typed here; angles in radians, lengths in metres. */
interface ParsedProjection {
  readonly names?: readonly string[];
  readonly a?: number;
  readonly b?: number;
  readonly rf?: number;
  readonly lat0?: number;
  readonly lat1?: number;
  readonly lat2?: number;
  readonly lat_ts?: number;
  readonly long0?: number;
  readonly longc?: number;
  readonly alpha?: number;
  readonly rectified_grid_angle?: number;
  readonly k0?: number;
  readonly x0?: number;
  readonly y0?: number;
  readonly to_meter?: number;
  readonly from_greenwich?: number;
  readonly datum_params?: readonly (string | number)[];
  readonly no_off?: boolean;
}

/** proj4's own short names, which end its lists of aliases. */
const SHORT_NAMES = new Set([
  'tmerc', 'utm', 'sterea', 'stere', 'somerc', 'omerc', 'lcc', 'krovak', 'cass', 'laea', 'aea', 'gnom', 'cea', 'eqc', 'poly',
  'nzmg', 'mill', 'sinu', 'moll', 'eqdc', 'vandg', 'aeqd', 'ortho', 'robin', 'eqearth', 'merc', 'longlat',
]);

/** Projections with standard parallels; proj4 sets them for others too, where they mean nothing. */
const CONIC = new Set(['lcc', 'aea', 'eqdc']);

/** Names of projections in ESRI's WKT that proj4 has under its own names only. */
const ESRI_NAMES: ReadonlyMap<string, string> = new Map([
  ['Stereographic', 'stere'], ['Orthographic', 'ortho'], ['Gnomonic', 'gnom'], ['Cylindrical_Equal_Area', 'cea'], 
  ['Plate_Carree', 'eqc'],
]);

function withKnownProjection(wkt: string): string {
  return wkt.replace(/(PROJECTION\s*\[\s*")([^"]+)"/, (whole, before: string, name: string) => {
    const known = ESRI_NAMES.get(name);
    return known === undefined ? whole : `${before}${known}"`;
  });
}

/** A proj4 definition with the meaning of a WKT, or `undefined` where proj4 does not know its projection. */
function proj4OfWkt(wkt: string, datum: string | undefined, degrees: number): string | undefined {
  let parsed: ParsedProjection;
  try {
    parsed = new (proj4Library().Proj)(withKnownProjection(wkt));
  } catch {
    return undefined;
  }
  const projection = parsed.names?.find((alias) => SHORT_NAMES.has(alias));
  if (projection === undefined || parsed.a === undefined) return undefined;
  const parts = [`+proj=${projection}`];
  const angle = (name: string, value: number | undefined): void => {
    if (value !== undefined && Number.isFinite(value)) parts.push(`+${name}=${tidy(value * (180 / Math.PI) * (name === 'pm' ? 1 : degrees))}`);
  };
  if (projection !== 'longlat') {
    angle('lat_0', parsed.lat0);
    if (CONIC.has(projection)) angle('lat_1', parsed.lat1);
    if (CONIC.has(projection)) angle('lat_2', parsed.lat2);
    angle('lat_ts', parsed.lat_ts ?? (projection === 'cea' ? parsed.lat1 : undefined));
    angle('lon_0', parsed.long0);
    angle('lonc', parsed.longc);
    angle('alpha', parsed.alpha);
    angle('gamma', parsed.rectified_grid_angle);
    if (parsed.no_off === true) parts.push('+no_uoff');
    // A parallel of true scale says the same as a scale at the pole, which proj4 has computed from it.
    parts.push(`+k_0=${parsed.lat_ts === undefined ? parsed.k0 ?? 1 : 1}`, `+x_0=${tidy(parsed.x0 ?? 0)}`, `+y_0=${tidy(parsed.y0 ?? 0)}`);
  }
  if (datum !== undefined) {
    parts.push(datum);
  } else {
    parts.push(`+a=${parsed.a}`, parsed.rf !== undefined && parsed.rf > 0 ? `+rf=${parsed.rf}` : `+b=${parsed.b ?? parsed.a}`);
    if (parsed.datum_params !== undefined) parts.push(`+towgs84=${parsed.datum_params.join(',')}`);
  }
  if (datum?.includes('+pm=') !== true) angle('pm', parsed.from_greenwich === 0 ? undefined : parsed.from_greenwich);
  if (projection !== 'longlat') parts.push(parsed.to_meter === undefined || parsed.to_meter === 1 ? '+units=m' : `+to_meter=${parsed.to_meter}`);
  return `${parts.join(' ')} +no_defs`;
}

/** Takes the rounding of degrees → radians → degrees out of a number. */
function tidy(value: number): number {
  return Number(value.toPrecision(15));
}
