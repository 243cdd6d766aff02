import { crsFromEpsg, type Crs, type Extent, type PlacedGrid } from '../../georef/index.js';

/** Edge of a tile in pixels. */
export const TILE_EDGE = 256;
/** Half the side of Web Mercator's square, in its metres: π × 6378137. */
const HALF = Math.PI * 6378137;
export const DEEPEST_ZOOM = 30;

/** The tiles of a zoom level that a scene touches; ends are included. Tile (0, 0) is the upper left one of the world. */
export interface ZoomTiles {
  readonly zoom: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function webMercator(): Crs {
  return crsFromEpsg(3857)!;
}

/** Web Mercator's metres per pixel. */
export function zoomResolution(zoom: number): number {
  return (2 * HALF) / TILE_EDGE / 2 ** zoom;
}

/** The zoom level whose pixels are nearest in size, by ratio. */
export function nearestZoom(resolution: number): number {
  return Math.min(DEEPEST_ZOOM, Math.max(0, Math.round(Math.log2(zoomResolution(0) / resolution))));
}

/** The deepest zoom level at which an extent is no larger than a tile. */
export function overviewZoom([left, bottom, right, top]: Extent): number {
  return Math.min(DEEPEST_ZOOM, Math.max(0, Math.floor(Math.log2((2 * HALF) / Math.max(right - left, top - bottom)))));
}

/** From here on an extent is the world, and its edges are the world's. */
const WORLD = 2 * HALF * 0.999;

/** An extent that begins within the world; one that crosses the antimeridian ends beyond it. */
export function fromWithin([left, bottom, right, top]: Extent): Extent {
  if (right - left >= WORLD) return [left, bottom, right, top];
  const shift = -2 * HALF * Math.floor((left + HALF) / (2 * HALF) + 1e-9);
  return [left + shift, bottom, right + shift, top];
}

/** Whether an extent ends beyond the antimeridian. */
export function crossesAntimeridian([left, , right]: Extent): boolean {
  return left < HALF && right > HALF * (1 + 1e-9) && right - left < WORLD;
}

/**
 * `undefined` where an extent lies outside of the world. Beyond the antimeridian columns are counted on: there column 2 ** zoom is
 * column 0.
 */
export function tilesOf(extent: Extent, zoom: number): ZoomTiles | undefined {
  const [left, bottom, right, top] = extent;
  const size = (2 * HALF) / 2 ** zoom;
  const across = 2 ** zoom;
  const last = across - 1;
  const first = (distance: number): number => Math.max(0, Math.floor(distance / size + 1e-9));
  const final = (distance: number): number => Math.min(last, Math.ceil(distance / size - 1e-9) - 1);
  const tiles = { zoom, left: first(left + HALF), right: crossesAntimeridian(extent) ? Math.ceil((right + HALF) / size - 1e-9) - 1 : final(right + HALF), top: first(HALF - top), bottom: final(HALF - bottom) };
  return tiles.right >= tiles.left && tiles.bottom >= tiles.top ? tiles : undefined;
}

/** The tiles one level above. */
export function tilesAbove({ zoom, left, right, top, bottom }: ZoomTiles): ZoomTiles {
  const half = (value: number): number => Math.floor(value / 2);
  return { zoom: zoom - 1, left: half(left), right: half(right), top: half(top), bottom: half(bottom) };
}

/** The pixels of the tiles of a level. */
export function gridOf({ zoom, left, right, top, bottom }: ZoomTiles): PlacedGrid {
  const resolution = zoomResolution(zoom);
  return {
    width: (right - left + 1) * TILE_EDGE,
    height: (bottom - top + 1) * TILE_EDGE,
    transform: [left * TILE_EDGE * resolution - HALF, resolution, 0, HALF - top * TILE_EDGE * resolution, 0, -resolution],
    crs: webMercator(),
  };
}
