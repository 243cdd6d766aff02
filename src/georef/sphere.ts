import { proj4Library } from './proj4-library.js';

/** Projections of spheres, for which PROJ takes the sphere that has the ellipsoid's area and leaves latitudes as they are. */
const OF_SPHERES: ReadonlySet<string> = new Set(['mill', 'vandg']);

/**
 * The datum parameters to use with a projection: those given, or, for projections of spheres, a sphere without a shift of the
 * datum (J. P. Snyder, "Map projections: a working manual", 1987, equation 3-13, for its radius).
 * @param projection proj4's parameters from `+proj=` on
 */
export function datumFor(projection: string, datum: string): string {
  const name = /\+proj=(\w+)/.exec(projection)?.[1] ?? '';
  if (!OF_SPHERES.has(name)) return datum;
  const { a, b } = new (proj4Library().Proj)(`+proj=longlat ${datum}`) as unknown as { a: number; b: number };
  const e = Math.sqrt(1 - (b / a) ** 2);
  const radius = e === 0 ? a : a * Math.sqrt(0.5 * (1 + ((1 - e * e) / (2 * e)) * Math.log((1 + e) / (1 - e))));
  const meridian = /\+pm=\S+/.exec(datum)?.[0] ?? '';
  return `+a=${radius} +b=${radius} +nadgrids=@null ${meridian}`.trim();
}
