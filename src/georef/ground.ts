import { determinant, pixelToCrs } from './transform.js';
import { metresPerUnit } from './proj4-text.js';
import { toLonLat } from './lon-lat.js';
import type { LonLat, PointTransform } from './lon-lat.js';
import type { Crs, Transform } from './types.js';

/** WGS 84. */
const SEMI_MAJOR = 6378137;
const ECCENTRICITY_SQUARED = 0.0066943799901413165;

/** Half the side in metres of the square that measures a projection's scale: large against rounding, small against its bend. */
const PROBE = 500;

/** Metres east and north per CRS unit along x and y, at one place: `[east/x, north/x, east/y, north/y]`. */
type Jacobian = readonly [number, number, number, number];

/** How large a pixel is on the ground. */
export interface GroundSize {
  /** Metres along the pixel's row and column. */
  readonly width: number;
  readonly height: number;
}

/**
 * Length of a pixel's edges on the ground in metres at a pixel position, measured on the WGS 84 ellipsoid; so also right
 * for degrees and for projections that stretch (Web Mercator). `undefined` where the CRS gives no longitude and latitude.
 */
export function groundSize(transform: Transform, crs: Crs | undefined, column: number, row: number): GroundSize | undefined {
  const probe = groundProbe(crs);
  const jacobian = probe?.(...pixelToCrs(transform, column, row));
  if (jacobian === undefined) return undefined;
  const [ex, nx, ey, ny] = jacobian;
  const [, dx, rx, , ry, dy] = transform;
  return {
    width: Math.hypot(ex * dx + ey * ry, nx * dx + ny * ry),
    height: Math.hypot(ex * rx + ey * dy, nx * rx + ny * dy),
  };
}

/** Offsets and weights of Gauss–Legendre quadrature with three points on 0 … 1. */
const GAUSS: readonly (readonly [number, number])[] = [
  [0.5 - Math.sqrt(0.15), 5 / 18], [0.5, 8 / 18], [0.5 + Math.sqrt(0.15), 5 / 18],
];

/**
 * Mean ground area in m² of the pixels of one row of a scene `width` pixels wide, on the WGS 84 ellipsoid (the pixel's
 * area in CRS units divided by the projection's area scale there, which is measured). `undefined` where the CRS gives no
 * longitude and latitude.
 */
export function pixelAreaM2(transform: Transform, crs: Crs | undefined, row: number, width: number): number | undefined {
  return pixelAreas(transform, crs, width)?.(row);
}

/** {@link pixelAreaM2} for many rows: the CRS is looked up once. */
export function pixelAreas(transform: Transform, crs: Crs | undefined, width: number): ((row: number) => number | undefined) | undefined {
  const probe = groundProbe(crs);
  if (probe === undefined) return undefined;
  const units = Math.abs(determinant(transform));
  return (row) => {
    let mean = 0;
    for (const [offset, weight] of GAUSS) {
      const jacobian = probe(...pixelToCrs(transform, offset * width, row + 0.5));
      if (jacobian === undefined) return undefined;
      mean += weight * Math.abs(jacobian[0] * jacobian[3] - jacobian[1] * jacobian[2]);
    }
    return mean * units;
  };
}

function groundProbe(crs: Crs | undefined): ((x: number, y: number) => Jacobian | undefined) | undefined {
  const lonLat = toLonLat(crs);
  if (crs?.proj4 === undefined || lonLat === undefined) return undefined;
  const scale = crs.degreesPerUnit ?? 1;
  if (crs.kind === 'geographic') {
    return (_x, y) => {
      if (Math.abs(y * scale) > 90) return undefined;
      const [east, north] = metresPerDegree(y * scale);
      return [east * scale, 0, 0, north * scale];
    };
  }
  const step = PROBE / metresPerUnit(crs.proj4);
  return (x, y) => measure(lonLat, x, y, step);
}

/** Central differences of longitude and latitude, turned into metres. */
function measure(lonLat: PointTransform<LonLat>, x: number, y: number, step: number): Jacobian | undefined {
  const centre = lonLat(x, y);
  const right = lonLat(x + step, y);
  const left = lonLat(x - step, y);
  const up = lonLat(x, y + step);
  const down = lonLat(x, y - step);
  if (centre === undefined || right === undefined || left === undefined || up === undefined || down === undefined) return undefined;
  const [east, north] = metresPerDegree(centre[1]);
  const per = 1 / (2 * step);
  return [
    wrap(right[0] - left[0]) * east * per, (right[1] - left[1]) * north * per,
    wrap(up[0] - down[0]) * east * per, (up[1] - down[1]) * north * per,
  ];
}

/** Metres of one degree of longitude and of latitude, from the two radii of curvature of the ellipsoid. */
function metresPerDegree(latitude: number): readonly [east: number, north: number] {
  const phi = latitude * (Math.PI / 180);
  const w = 1 - ECCENTRICITY_SQUARED * Math.sin(phi) ** 2;
  const prime = SEMI_MAJOR / Math.sqrt(w);
  const meridian = SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED) / w ** 1.5;
  return [prime * Math.cos(phi) * (Math.PI / 180), meridian * (Math.PI / 180)];
}

/** A difference of longitudes across the antimeridian. */
function wrap(degrees: number): number {
  return degrees > 180 ? degrees - 360 : degrees < -180 ? degrees + 360 : degrees;
}
