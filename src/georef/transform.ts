import type { Window } from '../raster/types.js';
import type { Transform } from './types.js';

/** CRS coordinates of a pixel position; whole numbers are pixel corners, halves are pixel centres. */
export function pixelToCrs(transform: Transform, column: number, row: number): [x: number, y: number] {
  const [x0, dx, rx, y0, ry, dy] = transform;
  return [x0 + column * dx + row * rx, y0 + column * ry + row * dy];
}

/** Signed area of one pixel in CRS units squared; negative where rows run down while Y runs up (the usual case). */
export function determinant(transform: Transform): number {
  return transform[1] * transform[5] - transform[2] * transform[4];
}

/** Whether the six numbers can be turned around: all finite, and pixels have an area. */
export function isInvertible(transform: Transform): boolean {
  return transform.every(Number.isFinite) && determinant(transform) !== 0;
}

/**
 * The transform from CRS coordinates to pixel positions.
 * @throws {RangeError} if the transform has no inverse; ask {@link isInvertible} first.
 */
export function invertTransform(transform: Transform): Transform {
  const det = determinant(transform);
  if (!isInvertible(transform)) throw new RangeError(`transform [${transform.join(', ')}] has no inverse`);
  const [x0, dx, rx, y0, ry, dy] = transform;
  return [
    (rx * y0 - dy * x0) / det, dy / det, -rx / det,
    (ry * x0 - dx * y0) / det, -ry / det, dx / det,
  ];
}

/** Pixel position (fractional) of CRS coordinates. */
export function crsToPixel(transform: Transform, x: number, y: number): [column: number, row: number] {
  return pixelToCrs(invertTransform(transform), x, y);
}

/**
 * The transform of a window. The origin is computed from the scene's, never from a neighbour's, so that it is the same
 * double however a scene is cut.
 */
export function windowTransform(transform: Transform, window: Pick<Window, 'x' | 'y'>): Transform {
  const [x0, y0] = pixelToCrs(transform, window.x, window.y);
  return [x0, transform[1], transform[2], y0, transform[4], transform[5]];
}

/** The transform of the same ground with pixels that are `factorX` by `factorY` times as large, such as an overview's. */
export function scaleTransform(transform: Transform, factorX: number, factorY: number): Transform {
  const [x0, dx, rx, y0, ry, dy] = transform;
  return [x0, dx * factorX, rx * factorY, y0, ry * factorX, dy * factorY];
}

/** Length of a pixel's two edges in CRS units, along its row and along its column; also for rotated transforms. */
export function pixelSize(transform: Transform): { readonly width: number; readonly height: number } {
  return { width: Math.hypot(transform[1], transform[4]), height: Math.hypot(transform[2], transform[5]) };
}

/**
 * Moves a transform whose origin is the centre of the upper left pixel (world files, GeoTIFF's PixelIsPoint) to that
 * pixel's outer corner.
 */
export function fromCentre(transform: Transform): Transform {
  return windowTransform(transform, { x: -0.5, y: -0.5 });
}
