import { parseProj4, proj4Number } from './proj4-text.js';
import type { PointTransform } from './lon-lat.js';
import type { Crs } from './types.js';

/** Projections whose x is longitude times a constant; the world repeats along it. */
const CYLINDRICAL = new Set(['merc', 'webmerc', 'eqc', 'cea', 'mill']);
/** Radii in metres of the ellipsoids and spheres that such definitions name. */
const RADII: ReadonlyMap<string, number> = new Map([['WGS84', 6378137], ['GRS80', 6378137], ['sphere', 6370997]]);

/**
 * After how many units of x a CRS has come around the world: 360 degrees, or the length of the parallel that is true to scale.
 * `undefined` for projections that do not repeat, or whose radius is not known here.
 */
export function worldWidth(crs: Crs): number | undefined {
  if (crs.kind === 'geographic') return 360 / (crs.degreesPerUnit ?? 1);
  if (crs.proj4 === undefined) return undefined;
  const parameters = new Map([...parseProj4(crs.proj4)].map(([key, value]) => [key, String(value)]));
  if (!CYLINDRICAL.has(parameters.get('proj') ?? '') || Number(parameters.get('to_meter') ?? 1) !== 1 || (parameters.get('units') ?? 'm') !== 'm') return undefined;
  // With a parallel that is true to scale the length is another one.
  if (Number(parameters.get('lat_ts') ?? 0) !== 0 || Number(parameters.get('k') ?? parameters.get('k_0') ?? 1) !== 1) return undefined;
  const named = RADII.get(parameters.get('ellps') ?? '') ?? RADII.get(parameters.get('datum') ?? '');
  const radius = Number(parameters.get('a') ?? parameters.get('R') ?? named ?? Number.NaN);
  return radius > 0 ? 2 * Math.PI * radius : undefined;
}

/** The x of both edges of the world of a CRS that repeats around it. `undefined` as for {@link worldWidth}. */
export function worldEdges(crs: Crs): readonly [left: number, right: number] | undefined {
  const width = worldWidth(crs);
  if (width === undefined) return undefined;
  const middle = crs.kind === 'geographic' || crs.proj4 === undefined ? 0 : proj4Number(parseProj4(crs.proj4), 'x_0', 0);
  return [middle - width / 2, middle + width / 2];
}

/** Half the world, and a little more, so that both edges of a map of the world stay where they are. */
const HALF = 0.5 * (1 + 1e-9);

/** Moves positions by whole worlds so that they are no farther than half a world from `x`. */
export function nearTo(x: number, crs: Crs, to: PointTransform<readonly [number, number]>): PointTransform<readonly [number, number]> {
  const width = worldWidth(crs);
  if (width === undefined || !Number.isFinite(x)) return to;
  return (a, b) => {
    const point = to(a, b);
    return point === undefined || Math.abs(point[0] - x) <= HALF * width ? point : [point[0] - width * Math.round((point[0] - x) / width), point[1]];
  };
}
