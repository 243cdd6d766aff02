import { parseProj4, proj4Number } from './proj4-text.js';

/** What sizes are measured on. */
export interface Ellipsoid {
  /** Equatorial radius in metres. */
  readonly semiMajor: number;
  readonly eccentricitySquared: number;
}

const WGS84: Ellipsoid = { semiMajor: 6378137, eccentricitySquared: 0.0066943799901413165 };

/** Ellipsoids and spheres of the earth differ by a thousandth at most (6370997 to 6378388 m); no other body comes near (Venus: 5 %). */
const EARTH = 0.01;

/**
 * The ellipsoid to measure sizes on: WGS 84 for all of the earth, whatever a CRS calculates with (longitudes and latitudes of its sphere are
 * taken for those of WGS 84, so that its metres are not the ground's), and the CRS's own for other bodies.
 * @param definition proj4's
 */
export function groundEllipsoid(definition: string): Ellipsoid {
  return otherBody(definition) ?? WGS84;
}

/** The ellipsoid of another body than the earth; `undefined` for the earth's. */
export function otherBody(definition: string): Ellipsoid | undefined {
  const p = parseProj4(definition);
  const a = proj4Number(p, 'R', proj4Number(p, 'a', Number.NaN));
  // Definitions without numbers name an ellipsoid or a datum: proj4 has the earth's only.
  if (!(a > 0) || Math.abs(a / WGS84.semiMajor - 1) < EARTH) return undefined;
  const rf = proj4Number(p, 'rf', 0);
  const b = p.has('R') ? a : proj4Number(p, 'b', rf === 0 ? a : a * (1 - 1 / rf));
  return { semiMajor: a, eccentricitySquared: 1 - (b / a) ** 2 };
}

/** Whether a CRS calculates with a sphere of the earth, for which no shift to WGS 84 is asked: latitudes are taken as they are, as by PROJ. */
export function isEarthSphere(definition: string): boolean {
  const p = parseProj4(definition);
  const a = proj4Number(p, 'a', Number.NaN);
  const isSphere = p.has('R') || p.get('ellps') === 'sphere' || proj4Number(p, 'b', Number.NaN) === a || proj4Number(p, 'rf', Number.NaN) === 0;
  return isSphere && otherBody(definition) === undefined;
}
