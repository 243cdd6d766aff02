import { resolve } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import { displayBands } from '../../picture/index.js';
import { pixelSize, placedExtent, suggestGrid, toLonLat, type Extent } from '../../georef/index.js';
import { bytesPerSample, fullWindow, type Scene } from '../../raster/index.js';
import { memoryPlan, type Json, type MemoryPlan } from '../../run/index.js';
import type { Resampling } from '../rows/resample.js';
import type { RowSource } from '../rows/row-source.js';
import { createWarpedRows } from '../rows/warped-rows.js';
import type { XyzOptions } from './options.js';
import { pyramidMemory } from './pyramid.js';
import { crossesAntimeridian, DEEPEST_ZOOM, fromWithin, gridOf, nearestZoom, overviewZoom, TILE_EDGE, tilesAbove, tilesOf, webMercator, zoomResolution, type ZoomTiles } from './web-mercator.js';

/** What a cut into web map tiles will do. */
export interface XyzPlan {
  readonly folder: string;
  readonly source: RowSource;
  /** The deepest first. */
  readonly levels: readonly ZoomTiles[];
  readonly tiles: number;
  readonly bands: readonly number[];
  readonly categorical: boolean;
  readonly resampling: Resampling;
  /** West, south, east, north in degrees. */
  readonly bounds: readonly [number, number, number, number];
  readonly memory: MemoryPlan;
  readonly identity: Readonly<Record<string, Json>>;
}

/** What Node, the libraries and the compiled code take before any pixel, measured on Linux with Node 20. */
const BASE_BYTES = 90 << 20;
/** Tiles being packed at the same time. */
export const TILES_IN_FLIGHT = 16;
/** Reductions beyond this are made by averaging what is covered. */
const AVERAGE_FROM = 1.5;

/** @throws {InvalidOptionError} if options do not fit the scene, or it has no place. */
export function planXyz(scene: Scene, options: XyzOptions): XyzPlan {
  const { profile } = scene;
  const { transform, crs, width, height } = profile;
  const target = webMercator();
  const placed = transform === undefined || crs === undefined ? undefined : placedExtent({ width, height, transform, crs }, target);
  const extent = placed && fromWithin(placed.extent);
  const suggested = transform === undefined || crs === undefined ? undefined : suggestGrid({ width, height, transform, crs }, target);
  if (extent === undefined || suggested === undefined) {
    throw new InvalidOptionError('--xyz', `${profile.source} has no place in Web Mercator`, { advice: 'give the scene a CRS and a transform, such as by a world file and a .prj' });
  }
  const own = pixelSize(suggested.transform).width;
  const [least, most] = chooseZooms(options.zoom, own, extent);
  const deepest = tilesOf(extent, most);
  if (deepest === undefined) throw new InvalidOptionError('--xyz', `${profile.source} lies outside of Web Mercator, which ends at 85 degrees`);
  checkTileCount(deepest, own, most);
  const levels = [deepest];
  while (levels.at(-1)!.zoom > least) levels.push(tilesAbove(levels.at(-1)!));
  const bands = chooseBands(options.bands, scene);
  const categorical = bands.length === 1 && (profile.palette !== undefined || profile.classNames !== undefined);
  const grid = gridOf(deepest);
  const resampling = categorical ? 'nearest' : grid.transform[1] / own > AVERAGE_FROM ? 'average' : 'bilinear';
  const source = createWarpedRows(scene, { window: fullWindow(profile), bands, grid, resampling });
  if (source === undefined) throw new InvalidOptionError('--xyz', `no way is known from ${crs?.name ?? 'no CRS'} to Web Mercator`);
  const pixelBytes = bands.length * bytesPerSample(profile.dtype);
  return {
    folder: resolve(options.folder), source, levels, bands, categorical, resampling,
    tiles: levels.reduce((sum, { left, right, top, bottom }) => sum + (right - left + 1) * (bottom - top + 1), 0),
    bounds: boundsOf(extent),
    memory: memoryPlan([
      { name: 'node and libraries', bytes: BASE_BYTES },
      { name: 'blocks of the scene and new rows', bytes: source.memory },
      { name: 'rows of tiles', bytes: pyramidMemory(levels, pixelBytes) },
      { name: 'tiles being packed', bytes: TILES_IN_FLIGHT * TILE_EDGE ** 2 * (pixelBytes + 10) },
    ]),
    identity: {
      task: 'xyz/4', scene: profile.fingerprint, zoom: [least, most], format: options.format ?? 'png', bands: [...bands],
      ...(options.quality === undefined ? {} : { quality: options.quality }),
    },
  };
}

function chooseZooms(asked: readonly [number, number] | undefined, resolution: number, extent: Extent): readonly [least: number, most: number] {
  if (asked === undefined) {
    const most = nearestZoom(resolution);
    return [Math.min(most, Math.max(overviewZoom(extent), leastZoom(extent))), most];
  }
  const [least, most] = asked;
  if (![least, most].every(Number.isInteger) || least < 0 || most > DEEPEST_ZOOM || least > most) {
    throw new InvalidOptionError('--zoom', `expected two levels from 0 to ${DEEPEST_ZOOM}, the smaller one first, got ${least}-${most}`);
  }
  const deepest = nearestZoom(resolution) + MAX_ENLARGED;
  if (most > deepest) {
    throw new InvalidOptionError('--zoom', `at level ${most} a pixel of the scene would be ${Math.round(resolution / zoomResolution(most))} pixels wide`, {
      advice: `its own size is level ${nearestZoom(resolution)}; take ${deepest} at most`,
    });
  }
  if (least < leastZoom(extent)) {
    throw new InvalidOptionError('--zoom', `the scene crosses the antimeridian, whose two sides are one tile at level ${least}`, { advice: `begin at ${leastZoom(extent)}` });
  }
  return asked;
}

/** Levels beyond the one of a scene's own pixel size: at the last of them a pixel is 16 wide. */
const MAX_ENLARGED = 4;
/** Tiles of the deepest level: more files than these no file system likes. */
const MAX_TILES = 20_000_000;

function checkTileCount({ left, right, top, bottom }: ZoomTiles, resolution: number, zoom: number): void {
  const count = (right - left + 1) * (bottom - top + 1);
  if (count > MAX_TILES) {
    throw new InvalidOptionError('--zoom', `level ${zoom} would have ${count} tiles, more than ${MAX_TILES}`, {
      advice: `end at a smaller level (the scene's own size is ${nearestZoom(resolution)}), or cut the scene first, with convert --window or --aoi`,
    });
  }
}

/** The level from which on no tile has both sides of the antimeridian. */
function leastZoom(extent: Extent): number {
  if (!crossesAntimeridian(extent)) return 0;
  for (let zoom = 1; zoom <= DEEPEST_ZOOM; zoom++) {
    const tiles = tilesOf(extent, zoom);
    if (tiles === undefined || tiles.right - tiles.left < 2 ** zoom) return zoom;
  }
  return DEEPEST_ZOOM;
}

function chooseBands(asked: readonly number[] | undefined, { profile }: Scene): readonly number[] {
  const bands = asked ?? displayBands(profile);
  if (bands.length !== 1 && bands.length !== 3) throw new InvalidOptionError('--bands', `expected 1 or 3 bands for a map, got ${bands.length}`);
  const wrong = bands.find((band) => band < 0 || band >= profile.bands);
  if (wrong !== undefined) throw new InvalidOptionError('--bands', `the scene has bands 1 to ${profile.bands}, got ${wrong + 1}`);
  return bands;
}

/** TileJSON has no bounds that go over the antimeridian: a scene that does gets the whole width. */
function boundsOf([left, bottom, right, top]: Extent): readonly [number, number, number, number] {
  const lonLat = toLonLat(webMercator())!;
  const [west, south] = lonLat(left, bottom) ?? [-180, -85.05112878];
  const [east, north] = lonLat(right, top) ?? [180, 85.05112878];
  if (crossesAntimeridian([left, bottom, right, top])) return [-180, south, 180, north];
  return [west, south, east, north];
}
