import { chain } from './approximate.js';
import { fromLonLat, toLonLat } from './lon-lat.js';
import type { PointTransform } from './lon-lat.js';
import { invertTransform, isInvertible, pixelToCrs } from './transform.js';
import type { Crs, Transform } from './types.js';

/** Pixels with a place on Earth. */
export interface PlacedGrid {
  readonly width: number;
  readonly height: number;
  readonly transform: Transform;
  readonly crs: Crs;
}

export type Point = readonly [number, number];

/** From coordinates of one CRS to those of another, by way of WGS 84. `undefined` if one of them is not known well enough. */
export function crsToCrs(from: Crs, to: Crs): PointTransform<Point> | undefined {
  if (isSameCrs(from, to)) return (x, y) => [x, y];
  const lonLat = toLonLat(from);
  const target = fromLonLat(to);
  return lonLat === undefined || target === undefined ? undefined : chain(lonLat, target);
}

/** From pixel positions of one grid to those of another. `undefined` if a CRS is not known well enough or a transform is none. */
export function gridToGrid(from: Pick<PlacedGrid, 'transform' | 'crs'>, to: Pick<PlacedGrid, 'transform' | 'crs'>): PointTransform<Point> | undefined {
  const between = crsToCrs(from.crs, to.crs);
  if (between === undefined || !isInvertible(to.transform)) return undefined;
  const inverse = invertTransform(to.transform);
  return (column, row) => {
    const point = between(...pixelToCrs(from.transform, column, row));
    return point === undefined ? undefined : pixelToCrs(inverse, point[0], point[1]);
  };
}

export function isSameCrs(a: Crs, b: Crs): boolean {
  if (a === b) return true;
  if (a.epsg !== undefined && b.epsg !== undefined) return a.epsg === b.epsg && (a.degreesPerUnit ?? 1) === (b.degreesPerUnit ?? 1);
  return a.proj4 !== undefined && a.proj4 === b.proj4 && (a.degreesPerUnit ?? 1) === (b.degreesPerUnit ?? 1);
}

/** Points per edge that tell the extent. */
const PROBES = 21;

/** The smallest rectangle `[left, bottom, right, top]` around points. */
export type Extent = readonly [left: number, bottom: number, right: number, top: number];

/**
 * A north-up grid in another CRS (or the same) for the pixels of a grid. Without `resolution`, square pixels with as many along the
 * diagonal as before, as GDAL suggests; the origin is the upper left corner of the extent. `undefined` where the CRSs give no
 * answer, or none of the pixels has a place in the other one.
 */
export function suggestGrid(source: PlacedGrid, crs: Crs, resolution?: number): PlacedGrid | undefined {
  const between = crsToCrs(source.crs, crs);
  if (between === undefined) return undefined;
  const extent = extentOf(source, between);
  if (extent === undefined) return undefined;
  const [left, bottom, right, top] = extent;
  const size = resolution ?? diagonal(source, between, extent) / Math.hypot(source.width, source.height);
  if (!(size > 0)) return undefined;
  // As GDAL does it, a suggested grid may lack half a pixel; one that was asked for holds everything but a thousandth of one.
  const count = (length: number): number => Math.max(1, resolution === undefined ? Math.floor(length / size + 0.5) : Math.ceil(length / size - 1e-3));
  return { width: count(right - left), height: count(top - bottom), transform: [left, size, 0, top, 0, -size], crs };
}

/** Where a grid lies in another CRS. */
export function extentOf(source: Pick<PlacedGrid, 'width' | 'height' | 'transform'>, between: PointTransform<Point>): Extent | undefined {
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < PROBES; i++) {
    for (let k = 0; k < PROBES; k++) {
      const point = between(...pixelToCrs(source.transform, (source.width * i) / (PROBES - 1), (source.height * k) / (PROBES - 1)));
      if (point === undefined) continue;
      left = Math.min(left, point[0]);
      right = Math.max(right, point[0]);
      bottom = Math.min(bottom, point[1]);
      top = Math.max(top, point[1]);
    }
  }
  return right > left && top > bottom ? [left, bottom, right, top] : undefined;
}

function diagonal(source: PlacedGrid, between: PointTransform<Point>, [left, bottom, right, top]: Extent): number {
  const a = between(...pixelToCrs(source.transform, 0, 0));
  const b = between(...pixelToCrs(source.transform, source.width, source.height));
  return a === undefined || b === undefined ? Math.hypot(right - left, top - bottom) : Math.hypot(a[0] - b[0], a[1] - b[1]);
}
