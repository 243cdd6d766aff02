import { readFile } from 'node:fs/promises';
import { InvalidFileError } from '../../errors.js';
import { crsToPixel, fromLonLat, worldWidth, type PlacedGrid } from '../../georef/index.js';
import { fullWindow, intersect, type Window } from '../../raster/index.js';
import { ringNotes } from './ring-notes.js';

type Position = readonly [number, number];

/** A polygon: its rings; what an even number of them holds is outside. */
export type Rings = readonly (readonly Position[])[];

/** The polygons of a file. */
export interface AreaFile {
  readonly path: string;
  readonly polygons: readonly Rings[];
  /** What is odd about them. */
  readonly notes: readonly string[];
}

/** An area of interest on a grid of pixels. */
export interface Area {
  /** The pixels that its polygons touch; may reach over the grid. */
  readonly bounds: Window;
  /** Sets the pixels whose middles lie outside to 0. Rows go from top to bottom, of a window that starts at `x`. */
  clip(mask: Uint8Array, rows: { readonly x: number; readonly y: number; readonly width: number; readonly count: number }): void;
}

/** Straight edges in longitude and latitude bend on a grid: they are cut until they are this close to straight, in pixels. */
const MAX_BEND = 0.125;
const MAX_CUTS = 12;

/**
 * Reads polygons from a GeoJSON file (RFC 7946: longitudes and latitudes).
 * @throws {InvalidFileError} if it is none, or has no polygons
 */
export async function readAreaFile(path: string): Promise<AreaFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InvalidFileError(path, error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code ?? 'unknown reason'})`, { cause: error });
  });
  const polygons = polygonsInText(text, path);
  return { path, polygons, notes: ringNotes(JSON.parse(text), path) };
}

/** The polygons in the text of a GeoJSON file; `path` is for messages. @throws {InvalidFileError} as {@link readAreaFile} */
export function polygonsInText(text: string, path: string): readonly Rings[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InvalidFileError(path, 'expected GeoJSON, found no JSON', { cause: error });
  }
  const name = crsName(json);
  if (name !== undefined && !/CRS84|EPSG::?4326/i.test(name)) {
    throw new InvalidFileError(path, `expected longitudes and latitudes (RFC 7946), found ${name}`, { advice: 'convert it to EPSG:4326 first' });
  }
  const polygons = polygonsOf(json);
  if (!polygons.every(isPolygon)) throw new InvalidFileError(path, 'expected the coordinates of polygons (rings of positions), found others');
  if (polygons.length === 0) throw new InvalidFileError(path, 'expected at least one polygon, found none');
  for (const [lon, lat] of polygons.flat(2)) {
    if (!Number.isFinite(lon) || !Number.isFinite(lat) || Math.abs(lat) > 90 || Math.abs(lon) > 540) {
      throw new InvalidFileError(path, `expected longitudes and latitudes in degrees, found ${lon}, ${lat}`, Math.abs(lon) <= 90 && Math.abs(lat) <= 360 ? { advice: 'the longitude comes first (RFC 7946): the two may be exchanged' } : {});
    }
  }
  return polygons;
}

function isPolygon(rings: unknown): boolean {
  return Array.isArray(rings) && rings.every((ring) => Array.isArray(ring) && ring.every((point) => Array.isArray(point) && typeof point[0] === 'number' && typeof point[1] === 'number'));
}

interface GeoJsonLike {
  readonly type?: unknown;
  readonly coordinates?: unknown;
  readonly geometry?: unknown;
  readonly geometries?: readonly unknown[];
  readonly features?: readonly unknown[];
  readonly crs?: { readonly properties?: { readonly name?: unknown } };
}

/** The name of a member `crs`, which older files have. */
function crsName(json: unknown): string | undefined {
  const name = (json as GeoJsonLike | null)?.crs?.properties?.name;
  return typeof name === 'string' ? name : undefined;
}

function polygonsOf(json: unknown): Rings[] {
  if (typeof json !== 'object' || json === null) return [];
  const { type, coordinates, geometry, geometries, features } = json as GeoJsonLike;
  if (type === 'Polygon' && Array.isArray(coordinates)) return [coordinates as Rings];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates as Rings[];
  if (type === 'Feature') return polygonsOf(geometry);
  if (type === 'FeatureCollection' && Array.isArray(features)) return features.flatMap(polygonsOf);
  return type === 'GeometryCollection' && Array.isArray(geometries) ? geometries.flatMap(polygonsOf) : [];
}

/** Whole worlds that a polygon may be moved by to lie on a grid: longitudes are given from -540 to 540, and grids may run on beyond 180. */
const WORLDS = [0, -1, 1, -2, 2, -3, 3];

/**
 * Puts polygons onto a grid. Where the CRS repeats around the world (degrees, Mercator), a polygon is put wherever on the grid its longitudes
 * lie, and may lie there twice. `undefined` where the grid's CRS is not known well enough, or has no place for a corner.
 */
export function placeArea(polygons: readonly Rings[], grid: PlacedGrid): Area | undefined {
  const toCrs = fromLonLat(grid.crs);
  if (toCrs === undefined) return undefined;
  const width = worldWidth(grid.crs);
  const atZero = toCrs(0, 0)?.[0] ?? 0;
  const toPixel = ([lon, lat]: Position): Position => {
    const point = toCrs(lon, lat);
    if (point === undefined) return [Number.NaN, Number.NaN];
    // A polygon that runs on beyond the edge of the world stays in one piece.
    const x = width === undefined ? point[0] : point[0] + width * Math.round((atZero + (lon / 360) * width - point[0]) / width);
    return crsToPixel(grid.transform, x, point[1]);
  };
  const placed = polygons.map((rings) => rings.map((ring) => placeRing(ring, toPixel)));
  if (placed.flat(2).some(([x, y]) => !Number.isFinite(x) || !Number.isFinite(y))) return undefined;
  if (width === undefined) return createArea(placed);
  const [originX, originY] = crsToPixel(grid.transform, 0, 0);
  const [worldX, worldY] = crsToPixel(grid.transform, width, 0);
  const [dx, dy] = [worldX - originX, worldY - originY];
  const touching = placed.flatMap((rings) => WORLDS.map((k) => rings.map((ring) => ring.map(([x, y]): Position => [x + k * dx, y + k * dy]))).filter((moved) => touches(moved, grid)));
  return createArea(touching.length === 0 ? placed : touching);
}

/** Whether the rectangle around a polygon has a part of a grid. */
function touches(rings: Rings, { width, height }: Pick<PlacedGrid, 'width' | 'height'>): boolean {
  const xs = rings.flat().map(([x]) => x);
  const ys = rings.flat().map(([, y]) => y);
  const [least, most] = [(values: number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity), (values: number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity)];
  return least(xs) < width && most(xs) > 0 && least(ys) < height && most(ys) > 0;
}

/** Whether polygons lie on a grid if latitude came first. */
export function liesExchanged(polygons: readonly Rings[], grid: PlacedGrid): boolean {
  const turned = polygons.map((rings) => rings.map((ring) => ring.map(([lon, lat]) => [lat, lon] as const)));
  if (turned.flat(2).some(([, lat]) => Math.abs(lat) > 90)) return false;
  const area = placeArea(turned, grid);
  return area !== undefined && intersect(area.bounds, fullWindow(grid)) !== undefined;
}

function placeRing(ring: readonly Position[], toPixel: (point: Position) => Position): Position[] {
  const out: Position[] = [];
  const add = (a: Position, pa: Position, b: Position, pb: Position, cuts: number): void => {
    const middle = between(a, b, 0.5);
    const placed = toPixel(middle);
    // An edge that turns in its middle, as one across the equator may, lies on the straight line there.
    const bend = Math.max(distance(placed, between(pa, pb, 0.5)), ...[0.25, 0.75].map((share) => distance(toPixel(between(a, b, share)), between(pa, pb, share))));
    if (cuts === 0 || !(bend > MAX_BEND)) {
      out.push(pb);
      return;
    }
    add(a, pa, middle, placed, cuts - 1);
    add(middle, placed, b, pb, cuts - 1);
  };
  const first = ring[0];
  if (first === undefined) return out;
  const closed = [...ring, first];
  for (let i = 1; i < closed.length; i++) add(closed[i - 1]!, toPixel(closed[i - 1]!), closed[i]!, toPixel(closed[i]!), MAX_CUTS);
  return out;
}

function between(a: Position, b: Position, share: number): Position {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

function distance(a: Position, b: Position): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

interface Edge {
  readonly top: number;
  readonly bottom: number;
  /** At `top`, and per row. */
  readonly x: number;
  readonly slope: number;
}

/** An area of polygons in pixels; each is filled by the even-odd rule, and what any of them holds is inside. */
export function createArea(polygons: readonly (readonly (readonly Position[])[])[]): Area {
  const points = polygons.flat(2);
  const extreme = (index: 0 | 1, pick: (...values: number[]) => number): number => points.reduce((best, point) => pick(best, point[index]), points[0]?.[index] ?? 0);
  const [left, top] = [Math.floor(extreme(0, Math.min)), Math.floor(extreme(1, Math.min))];
  const sweeps = polygons.map((rings) => createSweep(rings.flatMap(edgesOf)));
  return {
    bounds: { x: left, y: top, width: Math.max(1, Math.ceil(extreme(0, Math.max)) - left), height: Math.max(1, Math.ceil(extreme(1, Math.max)) - top) },
    clip(mask, { x, y, width, count }) {
      const inside = new Uint8Array(width);
      for (let row = 0; row < count; row++) {
        inside.fill(0);
        for (const crossings of sweeps) fillSpans(crossings(y + row + 0.5), x, inside);
        for (let i = 0, at = row * width; i < width; i++, at++) if (inside[i] === 0) mask[at] = 0;
      }
    },
  };
}

function edgesOf(ring: readonly Position[]): Edge[] {
  return ring.flatMap(([x1, y1], i) => {
    const [x0, y0] = ring.at(i - 1)!;
    if (y0 === y1) return [];
    const [xt, yt, xb, yb] = y0 < y1 ? [x0, y0, x1, y1] : [x1, y1, x0, y0];
    return [{ top: yt, bottom: yb, x: xt, slope: (xb - xt) / (yb - yt) }];
  });
}

/** Where a horizontal line crosses the edges, from left to right; lines are asked for from top to bottom. */
function createSweep(edges: Edge[]): (y: number) => number[] {
  edges.sort((a, b) => a.top - b.top);
  let next = 0;
  let active: Edge[] = [];
  let last = Number.NEGATIVE_INFINITY;
  return (y) => {
    if (y < last) [next, active] = [0, []];
    last = y;
    while (next < edges.length && edges[next]!.top <= y) active.push(edges[next++]!);
    active = active.filter((edge) => edge.bottom > y);
    return active.map((edge) => edge.x + (y - edge.top) * edge.slope).sort((a, b) => a - b);
  };
}

/** Marks the pixels whose middles lie between crossings 0 and 1, 2 and 3 … */
function fillSpans(crossings: readonly number[], x: number, inside: Uint8Array): void {
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    const from = Math.max(0, Math.ceil(crossings[i]! - 0.5) - x);
    const to = Math.min(inside.length, Math.ceil(crossings[i + 1]! - 0.5) - x);
    if (to > from) inside.fill(1, from, to);
  }
}
