import { nearTo, worldEdges, worldWidth } from './around-the-world.js';
import { chain } from './approximate.js';
import { groundEllipsoid } from './ground-ellipsoid.js';
import { fromLonLat, toLonLat } from './lon-lat.js';
import { metresPerUnit } from './proj4-text.js';
import type { PointTransform } from './lon-lat.js';
import { crsToPixel, invertTransform, isInvertible, pixelToCrs } from './transform.js';
import type { Crs, Transform } from './types.js';

/** Pixels with a place on Earth. */
export interface PlacedGrid {
  readonly width: number;
  readonly height: number;
  readonly transform: Transform;
  readonly crs: Crs;
}

export type Point = readonly [number, number];

/** From coordinates of one CRS to those of another, by way of WGS 84. `undefined` if one of them is not known well enough, or is another body's. */
export function crsToCrs(from: Crs, to: Crs): PointTransform<Point> | undefined {
  if (isSameCrs(from, to)) return (x, y) => [x, y];
  if (isSameBody(from, to) === false) return undefined;
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

/** Bodies whose radii differ by less are one. */
const SAME_BODY = 0.01;

/** Whether two CRSs are of one body; `undefined` where a definition is not known. */
function isSameBody(a: Crs, b: Crs): boolean | undefined {
  if (a.proj4 === undefined || b.proj4 === undefined) return undefined;
  return Math.abs(groundEllipsoid(a.proj4).semiMajor / groundEllipsoid(b.proj4).semiMajor - 1) < SAME_BODY;
}

export function isSameCrs(a: Crs, b: Crs): boolean {
  if (a === b) return true;
  if (a.epsg !== undefined && b.epsg !== undefined) return a.epsg === b.epsg && (a.degreesPerUnit ?? 1) === (b.degreesPerUnit ?? 1);
  return a.proj4 !== undefined && a.proj4 === b.proj4 && (a.degreesPerUnit ?? 1) === (b.degreesPerUnit ?? 1);
}

/** Corners that are so many times farther than the extent say nothing of the size of its pixels. */
const DISTANT = 2;

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
  const reach = between && reachesOf(crs).find((one) => extentOf(source, between, one) !== undefined);
  const extent = between && reach && extentOf(source, between, reach);
  if (between === undefined || reach === undefined || extent === undefined) return undefined;
  const edges = worldEdges(crs);
  const poles = edges === undefined ? [] : polesOn(source);
  // All longitudes meet at a pole, wherever on the grid it lies.
  if (edges !== undefined && poles.length > 0) {
    const ys = poles.map((latitude) => between(...fromLonLat(source.crs)!(0, latitude)!)?.[1]).filter((y) => y !== undefined && Math.abs(y) < edges[1] - edges[0]) as number[];
    return { extent: [edges[0], Math.min(extent[1], ...ys), edges[1], Math.max(extent[3], ...ys)], between };
  }
  const middle = between(...pixelToCrs(source.transform, source.width / 2, source.height / 2));
  if (middle === undefined) return { extent, between };
  const around = nearTo(middle[0], crs, between);
  const onward = extentOf(source, around, reach);
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

/** Latitudes of the poles that lie inside a grid, not at its edge. */
function polesOn({ transform, crs, width, height }: PlacedGrid): number[] {
  if (crs.kind === 'geographic' || worldWidth(crs) !== undefined || !isInvertible(transform)) return [];
  const toCrs = fromLonLat(crs);
  return [90, -90].filter((latitude) => {
    const pole = toCrs?.(0, latitude);
    if (pole === undefined) return false;
    const [column, row] = crsToPixel(transform, pole[0], pole[1]);
    return column > 0 && column < width && row > 0 && row < height;
  });
}

/** Metres from the origin that are farther than any place of use: once around the earth. Projections of one side of it run on without end. */
const FARTHEST_METRES = 4e7;

/** Units from the origin along both axes beyond which places do not count. */
type Reach = readonly [x: number, y: number];

/** What counts; a grid of which nothing does has the next. */
function reachesOf(crs: Crs): readonly Reach[] {
  if (crs.kind !== 'projected') return [[Infinity, Infinity]];
  const farthest = FARTHEST_METRES / metresPerUnit(crs.proj4 ?? '');
  const width = worldWidth(crs);
  // Mercator runs on towards the poles; where its world is a square, at 85.05 degrees, maps of the web end.
  return width !== undefined && /\+proj=(web)?merc\b/.test(crs.proj4 ?? '') ? [[farthest, width / 2], [farthest, farthest]] : [[farthest, farthest]];
}

/** Whether some of a grid's pixels get places in another CRS that are too far away to be of use, and are left out of its extent. */
export function reachesTooFar(source: PlacedGrid, crs: Crs): boolean {
  const between = crsToCrs(source.crs, crs);
  const [reach, further] = reachesOf(crs) as [Reach, Reach?];
  // Mercator has no places at the poles, other projections none on the far side: that goes without saying.
  return between !== undefined && probesOf(source, between).some((row) => row.some(({ place }) => (place === undefined ? further !== undefined : !isNear(place, reach))));
}

function isNear([x, y]: Point, [mostX, mostY]: Reach): boolean {
  return Math.abs(x) <= mostX && Math.abs(y) <= mostY;
}

interface Probe { readonly pixel: Point; readonly place: Point | undefined }

function probesOf(source: Pick<PlacedGrid, 'width' | 'height' | 'transform'>, between: PointTransform<Point>): Probe[][] {
  return Array.from({ length: PROBES }, (_, i) => Array.from({ length: PROBES }, (__, k) => probeAt(source, between, [(source.width * i) / (PROBES - 1), (source.height * k) / (PROBES - 1)])));
}

function probeAt({ transform }: Pick<PlacedGrid, 'transform'>, between: PointTransform<Point>, pixel: Point): Probe {
  return { pixel, place: between(...pixelToCrs(transform, ...pixel)) };
}

/** Steps of halving that find where places end or jump, to a millionth of the distance of two probes. */
const HALVINGS = 20;
/** Neighbouring probes, a twentieth of the grid from each other, that are so large a share of its extent apart have a jump between them. */
const JUMP = 0.4;

/**
 * The smallest rectangle around a grid's pixels as a transform places them, but for those that are too far away. Where places end between two
 * probes, or jump from one edge of the world to the other, it goes to where they do.
 */
function extentOf(source: Pick<PlacedGrid, 'width' | 'height' | 'transform'>, between: PointTransform<Point>, reach: Reach): Extent | undefined {
  const probes = probesOf(source, between);
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  const include = ({ place }: Probe): void => {
    if (place === undefined || !isNear(place, reach)) return;
    left = Math.min(left, place[0]);
    right = Math.max(right, place[0]);
    bottom = Math.min(bottom, place[1]);
    top = Math.max(top, place[1]);
  };
  probes.flat().forEach(include);
  const [wide, high] = [JUMP * (right - left), JUMP * (top - bottom)];
  const isBroken = ({ place: a }: Probe, { place: b }: Probe): boolean => {
    if (a === undefined || b === undefined || !isNear(a, reach) || !isNear(b, reach)) return (a !== undefined && isNear(a, reach)) || (b !== undefined && isNear(b, reach));
    return Math.abs(a[0] - b[0]) > wide || Math.abs(a[1] - b[1]) > high;
  };
  const search = (a: Probe, b: Probe): void => {
    for (let step = 0; step < HALVINGS && isBroken(a, b); step++) {
      const middle = probeAt(source, between, [(a.pixel[0] + b.pixel[0]) / 2, (a.pixel[1] + b.pixel[1]) / 2]);
      include(middle);
      if (isBroken(a, middle)) b = middle;
      else a = middle;
    }
  };
  for (let i = 0; i < PROBES; i++) {
    for (let k = 0; k < PROBES; k++) {
      if (i + 1 < PROBES) search(probes[i]![k]!, probes[i + 1]![k]!);
      if (k + 1 < PROBES) search(probes[i]![k]!, probes[i]![k + 1]!);
    }
  }
  return right > left && top > bottom ? [left, bottom, right, top] : undefined;
}

function diagonal(source: PlacedGrid, between: PointTransform<Point>, [left, bottom, right, top]: Extent): number {
  const a = between(...pixelToCrs(source.transform, 0, 0));
  const b = between(...pixelToCrs(source.transform, source.width, source.height));
  const isFar = [a, b].some((point) => point === undefined || !(Math.hypot(...point) < DISTANT * Math.hypot(left, right, top, bottom)));
  return isFar || a === undefined || b === undefined ? Math.hypot(right - left, top - bottom) : Math.hypot(a[0] - b[0], a[1] - b[1]);
}
