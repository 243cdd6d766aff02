import type { Window } from '../raster/types.js';
import { toLonLat } from './lon-lat.js';
import type { LonLat, PointTransform } from './lon-lat.js';
import { pixelToCrs } from './transform.js';
import type { Crs, Transform } from './types.js';

export interface FootprintOptions {
  /** Straight pieces per edge, for windows so large that their edges bend in longitude and latitude. Default 1. */
  readonly piecesPerEdge?: number;
}

/** Corners of a window, clockwise from the upper left one. */
const CORNERS: readonly (readonly [number, number])[] = [[0, 0], [1, 0], [1, 1], [0, 1]];

/**
 * Outline of a window in longitude and latitude: a closed ring, counter-clockwise as GeoJSON wants it (RFC 7946, 3.1.6).
 * Longitudes run on past ±180 where the window crosses the antimeridian. `undefined` where the CRS gives no answer.
 */
export function footprint(transform: Transform, crs: Crs | undefined, window: Window, options: FootprintOptions = {}): LonLat[] | undefined {
  const lonLat = toLonLat(crs);
  return lonLat === undefined ? undefined : footprintOf(transform, lonLat, window, options);
}

/** A window whose middle and a corner are more degrees apart reaches around a part of the world: its edges are followed in small steps. */
const WIDE_DEGREES = 60;
const WIDE_STEPS = 16;

/** {@link footprint} for many windows of one scene. A window with a pole inside reaches from its outline to that pole, at all longitudes. */
export function footprintOf(transform: Transform, lonLat: PointTransform<LonLat>, window: Window, options: FootprintOptions = {}): LonLat[] | undefined {
  const pieces = options.piecesPerEdge ?? 1;
  const at = (x: number, y: number): LonLat | undefined => lonLat(...pixelToCrs(transform, window.x + x * window.width, window.y + y * window.height));
  const [corner, middle] = [at(0, 0), at(0.5, 0.5)];
  const isWide = corner !== undefined && middle !== undefined && Math.abs(corner[0] - middle[0]) > WIDE_DEGREES;
  const steps = isWide ? WIDE_STEPS : 1;
  const ring: LonLat[] = [];
  let before = corner?.[0] ?? 0;
  for (let i = 0; i <= 4 * pieces * steps; i++) {
    const [edge, t] = [Math.floor(i / (pieces * steps)) % 4, (i % (pieces * steps)) / (pieces * steps)];
    const [x0, y0] = CORNERS[edge]!;
    const [x1, y1] = CORNERS[(edge + 1) % 4]!;
    const point = at(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t);
    if (point === undefined) return undefined;
    before = point[0] - Math.round((point[0] - before) / 360) * 360;
    if (i % steps === 0) ring.push([before, point[1]]);
  }
  // Once around the pole, and back by way of it.
  const [first, last] = [ring[0]!, ring.at(-1)!];
  if (Math.abs(last[0] - first[0]) > 180) {
    const pole = Math.sign(middle?.[1] ?? first[1]) * 90;
    ring.push([last[0], pole], [first[0], pole]);
  } else {
    ring.pop();
  }
  if (signedArea(ring) < 0) ring.reverse();
  return [...ring, ring[0]!];
}

function signedArea(ring: readonly LonLat[]): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i++) {
    const [x0, y0] = ring[i]!;
    const [x1, y1] = ring[(i + 1) % ring.length]!;
    sum += x0 * y1 - x1 * y0;
  }
  return sum / 2;
}
