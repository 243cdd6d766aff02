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

/** {@link footprint} for many windows of one scene. */
export function footprintOf(transform: Transform, lonLat: PointTransform<LonLat>, window: Window, options: FootprintOptions = {}): LonLat[] | undefined {
  const pieces = options.piecesPerEdge ?? 1;
  const ring: LonLat[] = [];
  for (let edge = 0; edge < 4; edge++) {
    const [x0, y0] = CORNERS[edge]!;
    const [x1, y1] = CORNERS[(edge + 1) % 4]!;
    for (let piece = 0; piece < pieces; piece++) {
      const t = piece / pieces;
      const column = window.x + (x0 + (x1 - x0) * t) * window.width;
      const row = window.y + (y0 + (y1 - y0) * t) * window.height;
      const point = lonLat(...pixelToCrs(transform, column, row));
      if (point === undefined) return undefined;
      const before = ring.at(-1)?.[0] ?? point[0];
      ring.push([point[0] - Math.round((point[0] - before) / 360) * 360, point[1]]);
    }
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
