import { nearTo, worldWidth } from './around-the-world.js';
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
export function gridToGrid(from: Pick<PlacedGrid, 'transform' | 'crs'>, to: Pick<PlacedGrid, 'transform' | 'crs'> & Partial<PlacedGrid>): PointTransform<Point> | undefined {
  const direct = crsToCrs(from.crs, to.crs);
  if (direct === undefined || !isInvertible(to.transform)) return undefined;
  const { width, height } = to;
  // Of all places around the world that a longitude means, the one on the grid.
  const between = width === undefined || height === undefined ? direct : nearTo(pixelToCrs(to.transform, width / 2, height / 2)[0], to.crs, direct);
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
  const placed = placedExtent(source, crs);
  if (placed === undefined) return undefined;
  const { extent, between } = placed;
  const [left, bottom, right, top] = extent;
  const size = resolution ?? diagonal(source, between, extent) / Math.hypot(source.width, source.height);
  if (!(size > 0)) return undefined;
  // As GDAL does it, a suggested grid may lack half a pixel; one that was asked for holds everything but a thousandth of one.
  const count = (length: number): number => Math.max(1, resolution === undefined ? Math.floor(length / size + 0.5) : Math.ceil(length / size - 1e-3));
  return { width: count(right - left), height: count(top - bottom), transform: [left, size, 0, top, 0, -size], crs };
}

/** Shares of a world's width that make an extent that runs on beyond its edge worth it: any less, and it is the world. */
const NARROWER = 0.9;

/**
 * Where a grid lies in another CRS. One that crosses the edge of the world there (the antimeridian, mostly) gets an extent in one piece
 * that runs on beyond that edge. `undefined` where the CRSs give no answer.
 */
export function placedExtent(source: PlacedGrid, crs: Crs): { readonly extent: Extent; readonly between: PointTransform<Point> } | undefined {
  const between = crsToCrs(source.crs, crs);
  const extent = between && extentOf(source, between);
  if (between === undefined || extent === undefined) return undefined;
  const middle = between(...pixelToCrs(source.transform, source.width / 2, source.height / 2));
  if (middle === undefined) return { extent, between };
  const around = nearTo(middle[0], crs, between);
  const onward = extentOf(source, around);
  const isNarrower = onward !== undefined && onward[2] - onward[0] < NARROWER * (extent[2] - extent[0]);
  if (!isNarrower) return { extent, between };
  // It begins within the world, and ends beyond it.
  const width = worldWidth(crs)!;
  const shift = -width * Math.floor(onward[0] / width + 0.5);
  return {
    extent: [onward[0] + shift, onward[1], onward[2] + shift, onward[3]],
    between: chain(around, (x, y): Point => [x + shift, y]),
  };
}

/** The smallest rectangle around a grid's pixels as a transform places them. */
function extentOf(source: Pick<PlacedGrid, 'width' | 'height' | 'transform'>, between: PointTransform<Point>): Extent | undefined {
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
