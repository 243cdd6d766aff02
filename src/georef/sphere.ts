import { datumPart } from './proj4-text.js';
import { proj4Library } from './proj4-library.js';

/** Projections of spheres, for which PROJ takes the sphere that has the ellipsoid's area and leaves latitudes as they are. */
const OF_SPHERES: ReadonlySet<string> = new Set(['mill', 'vandg']);

/** PROJ's word for a projection of the sphere that has the ellipsoid's area. proj4 knows it, but keeps the ellipsoid's radius. */
const SAME_AREA = /\s*\+R_A\b/;

/**
 * The datum parameters to use with a projection: those given, or, for projections of spheres, a sphere without a shift of the
 * datum.
 * @param projection proj4's parameters from `+proj=` on
 */
export function datumFor(projection: string, datum: string): string {
  const name = /\+proj=(\w+)/.exec(projection)?.[1] ?? '';
  return OF_SPHERES.has(name) ? sphereOf(datum) : datum;
}

/**
 * A projection with `+R_A` (EPSG's method 1027, Lambert Azimuthal Equal Area (Spherical)) in two steps that proj4 can do: the projection of
 * the sphere that has the ellipsoid's area, and the longitudes and latitudes of the ellipsoid, which are taken for the sphere's.
 * `undefined` for all other definitions.
 */
export function sphereSteps(definition: string): { readonly projection: string; readonly geographic: string } | undefined {
  if (!SAME_AREA.test(definition)) return undefined;
  const datum = datumPart(definition);
  const projection = definition.replace(SAME_AREA, '').replace(/\s*\+(datum|ellps|a|b|rf|R|towgs84|nadgrids)=\S+/g, '');
  return { projection: `${projection} ${sphereOf(datum)}`, geographic: `+proj=longlat ${datum} +no_defs` };
}

/** The sphere of an ellipsoid's area (J. P. Snyder, "Map projections: a working manual", 1987, equation 3-13), without a shift. */
function sphereOf(datum: string): string {
  const { a, b } = new (proj4Library().Proj)(`+proj=longlat ${datum}`) as unknown as { a: number; b: number };
  const e = Math.sqrt(1 - (b / a) ** 2);
  const radius = e === 0 ? a : a * Math.sqrt(0.5 * (1 + ((1 - e * e) / (2 * e)) * Math.log((1 + e) / (1 - e))));
  const meridian = /\+pm=\S+/.exec(datum)?.[0] ?? '';
  return `+a=${radius} +b=${radius} +nadgrids=@null ${meridian}`.trim();
}
