import { determinant, pixelToCrs } from './transform.js';
import { metresPerUnit } from './proj4-text.js';
import { worldWidth } from './around-the-world.js';
import { fromLonLat, toLonLat } from './lon-lat.js';
import type { LonLat, PointTransform } from './lon-lat.js';
import { groundEllipsoid } from './ground-ellipsoid.js';
import type { Ellipsoid } from './ground-ellipsoid.js';
import type { Crs, Transform } from './types.js';

/** Half the side in metres of the square that measures a projection's scale: large against rounding, small against its bend. */
const PROBE = 500;

/**
 * How long steps along x and y are on the ground at one place, and how they lie to each other: `[x·x, x·y, y·y]` of the two vectors in m² per
 * CRS unit squared (the first fundamental form).
 */
type Metric = readonly [xx: number, xy: number, yy: number];

/** A position in metres from the ellipsoid's centre. */
type Position = readonly [number, number, number];

/** How large a pixel is on the ground. */
export interface GroundSize {
  /** Metres along the pixel's row and column. */
  readonly width: number;
  readonly height: number;
}

/**
 * Length of a pixel's edges on the ground in metres at a pixel position, measured on the WGS 84 ellipsoid (on its own one for other bodies than
 * the earth); so also right for degrees, for projections that stretch (Web Mercator), and around poles. `undefined` where the CRS gives no
 * longitude and latitude.
 */
export function groundSize(transform: Transform, crs: Crs | undefined, column: number, row: number): GroundSize | undefined {
  const metric = groundProbe(crs)?.(...pixelToCrs(transform, column, row));
  if (metric === undefined) return undefined;
  const [, dx, rx, , ry, dy] = transform;
  return { width: lengthOf(metric, dx, ry), height: lengthOf(metric, rx, dy) };
}

function lengthOf([xx, xy, yy]: Metric, x: number, y: number): number {
  return Math.sqrt(xx * x * x + 2 * xy * x * y + yy * y * y);
}

/** Offsets and weights of Gauss–Legendre quadrature with three points on 0 … 1. */
const GAUSS: readonly (readonly [number, number])[] = [
  [0.5 - Math.sqrt(0.15), 5 / 18], [0.5, 8 / 18], [0.5 + Math.sqrt(0.15), 5 / 18],
];
const MIDDLE: typeof GAUSS = [[0.5, 1]];

/** Pieces along either edge of a scene, and three places along each, that its area is measured at; rows have as many at most. */
const PIECES = 12;

/** Pixels from this height on in metres are measured at three places of their height: at one, rows of them would be off by a millionth and more. */
const TALL = 5000;
/** Metres of a row that are measured at three places. */
const WIDE = 2_000_000;

/**
 * Mean ground area in m² of the pixels of one row of a scene `width` pixels wide, as {@link groundSize} measures (the pixel's area in CRS units
 * divided by the projection's area scale there), of places on the ellipsoid; 0 for rows that lie beside it. `undefined` where the CRS gives no
 * longitudes and latitudes.
 */
export function pixelAreaM2(transform: Transform, crs: Crs | undefined, row: number, width: number): number | undefined {
  return pixelAreas(transform, crs, width)?.(row);
}

/** {@link pixelAreaM2} for many rows: the CRS is looked up once. */
export function pixelAreas(transform: Transform, crs: Crs | undefined, width: number): ((row: number) => number | undefined) | undefined {
  const areaAt = areaProbe(transform, crs);
  if (areaAt === undefined) return undefined;
  const metres = metresOfUnit(crs!);
  const heights = Math.hypot(transform[2], transform[5]) * metres > TALL ? GAUSS : MIDDLE;
  const pieces = Math.min(PIECES, Math.ceil((Math.hypot(transform[1], transform[4]) * width * metres) / WIDE));
  return (row) => {
    let sum = 0;
    let known = 0;
    for (const [down, share] of heights) {
      for (let piece = 0; piece < pieces; piece++) {
        for (const [across, weight] of GAUSS) {
          const area = areaAt(((piece + across) / pieces) * width, row + down);
          if (area === undefined) continue;
          sum += share * weight * area;
          known += share * weight;
        }
      }
    }
    return known === 0 ? 0 : sum / known;
  };
}

/**
 * Ground area in m² of a scene, as {@link groundSize} measures. The area of a pixel is a smooth function of its place: taken at 36 × 36 places, the
 * sum is right to a millionth for scenes of any size; to a few hundredths where the edge of the world runs through the scene, beside which there is
 * no ground. `undefined` where the CRS gives no longitudes and latitudes, or all of the scene lies beside the world.
 */
export function sceneAreaM2(transform: Transform, crs: Crs | undefined, size: { readonly width: number; readonly height: number }): number | undefined {
  const areaAt = areaProbe(transform, crs);
  if (areaAt === undefined) return undefined;
  const isGround = groundTest(crs!);
  let mean = 0;
  let any = false;
  for (let i = 0; i < PIECES; i++) {
    for (let j = 0; j < PIECES; j++) {
      for (const [down, share] of GAUSS) {
        for (const [across, weight] of GAUSS) {
          const [column, row] = [((j + across) / PIECES) * size.width, ((i + down) / PIECES) * size.height];
          const area = areaAt(column, row);
          if (area === undefined || !isGround(...pixelToCrs(transform, column, row))) continue;
          mean += share * weight * area;
          any = true;
        }
      }
    }
  }
  return any ? (mean / PIECES ** 2) * size.width * size.height : undefined;
}

/** How far in metres a place may lie from where its longitude and latitude lead back to. */
const ASTRAY = 100;

/** Whether a position is one of the world's: beside it some projections answer with places that lie elsewhere. Where the world repeats, all are. */
function groundTest(crs: Crs): (x: number, y: number) => boolean {
  if (crs.kind === 'geographic' || worldWidth(crs) !== undefined) return () => true;
  const [lonLat, back] = [toLonLat(crs)!, fromLonLat(crs)!];
  const most = ASTRAY / metresPerUnit(crs.proj4!);
  return (x, y) => {
    const place = lonLat(x, y);
    const again = place && back(...place);
    return again !== undefined && Math.hypot(again[0] - x, again[1] - y) <= most;
  };
}

/** Of degrees, along a meridian and about. */
function metresOfUnit(crs: Crs): number {
  return crs.kind === 'geographic' ? (crs.degreesPerUnit ?? 1) * 111_320 : metresPerUnit(crs.proj4!);
}

/** Ground area in m² of a pixel at a pixel position. */
function areaProbe(transform: Transform, crs: Crs | undefined): ((column: number, row: number) => number | undefined) | undefined {
  const probe = groundProbe(crs);
  if (probe === undefined) return undefined;
  const units = Math.abs(determinant(transform));
  return (column, row) => {
    const metric = probe(...pixelToCrs(transform, column, row));
    return metric === undefined ? undefined : units * Math.sqrt(Math.max(0, metric[0] * metric[2] - metric[1] ** 2));
  };
}

function groundProbe(crs: Crs | undefined): ((x: number, y: number) => Metric | undefined) | undefined {
  const lonLat = toLonLat(crs);
  if (crs?.proj4 === undefined || lonLat === undefined) return undefined;
  const ellipsoid = groundEllipsoid(crs.proj4);
  const scale = crs.degreesPerUnit ?? 1;
  if (crs.kind === 'geographic') {
    return (_x, y) => {
      if (Math.abs(y * scale) > 90) return undefined;
      const [east, north] = metresPerDegree(y * scale, ellipsoid);
      return [(east * scale) ** 2, 0, (north * scale) ** 2];
    };
  }
  const step = PROBE / metresPerUnit(crs.proj4);
  return (x, y) => measure(lonLat, ellipsoid, x, y, step);
}

/** Central differences of places in space, so that neither poles nor the antimeridian are special. */
function measure(lonLat: PointTransform<LonLat>, ellipsoid: Ellipsoid, x: number, y: number, step: number): Metric | undefined {
  const centre = lonLat(x, y);
  const right = lonLat(x + step, y);
  const left = lonLat(x - step, y);
  const up = lonLat(x, y + step);
  const down = lonLat(x, y - step);
  if (centre === undefined || right === undefined || left === undefined || up === undefined || down === undefined) return undefined;
  const per = 1 / (2 * step);
  const [rightX, rightY, rightZ] = inSpace(right, ellipsoid);
  const [leftX, leftY, leftZ] = inSpace(left, ellipsoid);
  const [upX, upY, upZ] = inSpace(up, ellipsoid);
  const [downX, downY, downZ] = inSpace(down, ellipsoid);
  const [a, b, c] = [(rightX - leftX) * per, (rightY - leftY) * per, (rightZ - leftZ) * per];
  const [d, e, f] = [(upX - downX) * per, (upY - downY) * per, (upZ - downZ) * per];
  return [a * a + b * b + c * c, a * d + b * e + c * f, d * d + e * e + f * f];
}

const RADIANS = Math.PI / 180;

function inSpace([lon, lat]: LonLat, { semiMajor, eccentricitySquared }: Ellipsoid): Position {
  const sin = Math.sin(lat * RADIANS);
  const prime = semiMajor / Math.sqrt(1 - eccentricitySquared * sin * sin);
  const fromAxis = prime * Math.cos(lat * RADIANS);
  return [fromAxis * Math.cos(lon * RADIANS), fromAxis * Math.sin(lon * RADIANS), prime * (1 - eccentricitySquared) * sin];
}

/** Metres of one degree of longitude and of latitude, from the two radii of curvature of the ellipsoid. */
function metresPerDegree(latitude: number, { semiMajor, eccentricitySquared }: Ellipsoid): readonly [east: number, north: number] {
  const phi = latitude * RADIANS;
  const w = 1 - eccentricitySquared * Math.sin(phi) ** 2;
  const prime = semiMajor / Math.sqrt(w);
  const meridian = semiMajor * (1 - eccentricitySquared) / w ** 1.5;
  return [prime * Math.cos(phi) * RADIANS, meridian * RADIANS];
}
