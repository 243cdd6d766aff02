import { crsToPixel, determinant, fromLonLat, pixelToCrs, toLonLat } from '../georef/index.js';
import type { Crs, LonLat, PointTransform, Transform } from '../georef/index.js';
import type { Coordinates } from './feature.js';
import type { ClassPolygon, Ring } from './types.js';

/** Where a map lies. */
export interface MapPlace {
  readonly width: number;
  readonly height: number;
  readonly transform: Transform;
  readonly crs?: Crs;
}

/** Turns polygons of pixel corners into polygons of coordinates: closed rings, outlines counter-clockwise. */
export type Placement = (polygon: ClassPolygon) => Coordinates[][];

/** How far from its true place a border may lie because it is straight in longitude and latitude, in pixels. */
const BEND = 0.05;

/** Coordinates in the map's own CRS. */
export function placeInCrs({ transform }: MapPlace): Placement {
  const [x0, dx, rx, y0, ry, dy] = transform;
  const turned = determinant(transform) > 0;
  return ({ rings }) => [rings.map((ring) => {
    const points = new Float64Array(ring.length + 2);
    for (let i = 0; i < points.length; i += 2) {
      const from = (turned ? points.length - 2 - i : i) % ring.length;
      points[i] = x0 + ring[from]! * dx + ring[from + 1]! * rx;
      points[i + 1] = y0 + ring[from]! * ry + ring[from + 1]! * dy;
    }
    return points;
  })];
}

/** What stands in the way of longitudes and latitudes. */
export type NoLonLat = 'unknown CRS' | 'pole';

export interface LonLatPlacement {
  readonly place: Placement;
  /** Decimals of a degree that tell a fortieth of a pixel; 7 (a centimetre) at least. */
  readonly decimals: number;
  /** Whether longitudes run on beyond ±180. */
  readonly crossesAntimeridian: boolean;
}

/**
 * Longitude and latitude, WGS 84. Straight borders that would bend by more than a twentieth of a pixel get corners between;
 * the same for both sides, since they depend on the border's ends only. Beyond the antimeridian longitudes run on.
 */
export function placeInLonLat(map: MapPlace): LonLatPlacement | NoLonLat {
  const { width, height, transform } = map;
  const lonLat = toLonLat(map.crs);
  const back = fromLonLat(map.crs);
  if (lonLat === undefined || back === undefined) return 'unknown CRS';
  const centre = lonLat(...pixelToCrs(transform, width / 2, height / 2));
  if (centre === undefined || holdsPole(map, lonLat, back)) return centre === undefined ? 'unknown CRS' : 'pole';
  const at = (x: number, y: number): LonLat => {
    const [lon, lat] = lonLat(...pixelToCrs(transform, x, y)) ?? [Number.NaN, Number.NaN];
    return [lon - 360 * Math.round((lon - centre[0]) / 360), lat];
  };
  const step = longestStraight(map, at, back);
  if (step === undefined) return 'unknown CRS';
  const corners = [[0, 0], [width, 0], [0, height], [width, height]].map(([x, y]) => at(x!, y!));
  const [here, next] = [at(width / 2, height / 2), at(width / 2 + 1, height / 2 + 1)];
  const degrees = Math.min(Math.abs(next[0] - here[0]), Math.abs(next[1] - here[1])) || Math.hypot(next[0] - here[0], next[1] - here[1]);
  return {
    place: ({ rings }) => {
      const placed = rings.map((ring) => alongRing(ring, step, at));
      if (signedArea(placed[0]!) < 0) placed.forEach(reverse);
      return [placed];
    },
    decimals: Math.max(7, Math.ceil(1.6 - Math.log10(degrees))),
    crossesAntimeridian: corners.some(([lon]) => Math.abs(lon) > 180),
  };
}

function holdsPole({ width, height, transform, crs }: MapPlace, lonLat: PointTransform<LonLat>, back: PointTransform<readonly [number, number]>): boolean {
  if (crs?.kind === 'geographic') return false;
  return [-90, 90].some((pole) => {
    const point = back(0, pole);
    const found = point === undefined ? undefined : lonLat(...point);
    if (point === undefined || found === undefined || Math.abs(found[1] - pole) > 1e-6) return false;
    const [x, y] = crsToPixel(transform, ...point);
    return x >= 0 && x <= width && y >= 0 && y <= height;
  });
}

/** The longest line in pixels that bends by no more than {@link BEND}, measured along and across the map; the bend grows with the square. */
function longestStraight({ width, height, transform }: MapPlace, at: (x: number, y: number) => LonLat, back: PointTransform<readonly [number, number]>): number | undefined {
  let longest = Number.POSITIVE_INFINITY;
  const lines = [0, 0.5, 1].flatMap((t) => [[0, t * height, width, t * height], [t * width, 0, t * width, height]]).concat([[0, 0, width, height], [0, height, width, 0]]);
  for (const [x0, y0, x1, y1] of lines as [number, number, number, number][]) {
    const [a, b] = [at(x0, y0), at(x1, y1)];
    const middle = back((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
    if (middle === undefined) return undefined;
    const [x, y] = crsToPixel(transform, ...middle);
    const bend = Math.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2);
    if (!Number.isFinite(bend)) return undefined;
    longest = Math.min(longest, Math.max(width, height) * Math.sqrt(BEND / Math.max(bend, 1e-9)));
  }
  return Math.max(1, Math.floor(longest));
}

function alongRing(ring: Ring, step: number, at: (x: number, y: number) => LonLat): number[] {
  const points: number[] = [];
  for (let i = 0; i < ring.length; i += 2) {
    const next = (i + 2) % ring.length;
    const [x0, y0, x1, y1] = [ring[i]!, ring[i + 1]!, ring[next]!, ring[next + 1]!];
    points.push(...at(x0, y0));
    const pieces = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)) / step);
    // Counted from the same end on both sides, so that the places are the same doubles.
    const forward = x0 < x1 || (x0 === x1 && y0 < y1);
    for (let piece = 1; piece < pieces; piece++) {
      const t = (forward ? piece : pieces - piece) / pieces;
      points.push(...(forward ? at(x0 + t * (x1 - x0), y0 + t * (y1 - y0)) : at(x1 + t * (x0 - x1), y1 + t * (y0 - y1))));
    }
  }
  points.push(points[0]!, points[1]!);
  return points;
}

function signedArea(points: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 3 < points.length; i += 2) sum += points[i]! * points[i + 3]! - points[i + 2]! * points[i + 1]!;
  return sum / 2;
}

function reverse(points: number[]): void {
  points.reverse();
  for (let i = 0; i < points.length; i += 2) [points[i], points[i + 1]] = [points[i + 1]!, points[i]!];
}
