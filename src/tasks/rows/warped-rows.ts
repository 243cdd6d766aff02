import { approximateLine, gridToGrid, type PlacedGrid, type Point, type PointTransform } from '../../georef/index.js';
import { allocate, bytesPerSample, intersect, type Scene, type Window } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import { stripCacheBytes } from '../../scene/index.js';
import { rangeOf, resampleAverage, resampleBilinear, resampleNearest, type Resampling, type SourcePart, type TargetBlock } from './resample.js';
import type { Rows, RowSource } from './row-source.js';

export interface WarpOptions {
  /** Part of the scene that is used. */
  readonly window: Window;
  readonly bands: readonly number[];
  /** The grid to fill. */
  readonly grid: PlacedGrid;
  readonly resampling: Resampling;
}

/** Positions in the scene are at most this far from the exact ones, in pixels of the scene. GDAL's warper allows 0.125. */
export const MAX_ERROR = 0.01;
/** Rows and columns of the new grid that are made at once, at most. */
const LARGEST_BLOCK = 256;
/** Edge in scene pixels of what is read for a block, about. */
const READ_EDGE = 1024;
/** Blocks of the scene being read while one is resampled. */
const AHEAD = 3;

/**
 * A scene in another grid, block by block: for each block the part of the scene that it shows is read and resampled. Pixels
 * that the scene does not cover are missing. `undefined` where scene or grid have no place that can be related.
 */
export function createWarpedRows(scene: Scene, options: WarpOptions): RowSource | undefined {
  const { profile } = scene;
  const { grid, bands } = options;
  if (profile.transform === undefined || profile.crs === undefined) return undefined;
  const toScene = gridToGrid(grid, { width: profile.width, height: profile.height, transform: profile.transform, crs: profile.crs });
  if (toScene === undefined) return undefined;
  const edge = blockEdge(grid, toScene);
  const pixelBytes = bands.length * bytesPerSample(profile.dtype) + 1;
  return {
    width: grid.width,
    height: grid.height,
    bands: bands.length,
    dtype: profile.dtype,
    memory: warpCacheBytes(profile, edge) + (AHEAD + 1) * ((2 * READ_EDGE) ** 2 * pixelBytes + 16 * (edge + 1) ** 2) + 2 * grid.width * edge * pixelBytes,
    async* rows(top, signal) {
      for (let y = top; y < grid.height;) {
        const count = Math.min(edge - (y % edge), grid.height - y);
        const columns = Array.from({ length: Math.ceil(grid.width / edge) }, (_, i) => ({ x: i * edge, y, width: Math.min(edge, grid.width - i * edge), height: count }));
        const data = allocate(profile.dtype, grid.width * count * bands.length);
        if (profile.nodata !== undefined && profile.nodata !== 0) data.fill(profile.nodata);
        const mask = new Uint8Array(grid.width * count);
        const range = rangeOf(profile.dtype);
        for await (const { block, positions, part } of ordered(columns, AHEAD, (window) => readBlock(scene, options, toScene, window, signal), signal)) {
          if (part === undefined) continue;
          const target: TargetBlock = { width: block.width, height: block.height, data, mask, at: block.x, stride: grid.width, ...range };
          RESAMPLERS[options.resampling](part, target, positions.xs, positions.ys);
        }
        yield { top: y, count, data, mask } satisfies Rows;
        y += count;
      }
    },
  };
}

/** Bytes of decoded blocks that a scene should keep for {@link createWarpedRows}. */
export function warpCacheBytes(profile: Parameters<typeof stripCacheBytes>[0], rows = READ_EDGE): number {
  return Math.min(512 << 20, stripCacheBytes(profile, Math.max(rows, READ_EDGE)));
}

const RESAMPLERS = { nearest: resampleNearest, bilinear: resampleBilinear, average: resampleAverage } as const;

interface Positions {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

async function readBlock(scene: Scene, options: WarpOptions, toScene: PointTransform<Point>, block: Window, signal: AbortSignal | undefined): Promise<{
  block: Window; positions: Positions; part: SourcePart | undefined;
}> {
  const positions = positionsOf(toScene, block, options.resampling === 'average');
  const window = windowOf(positions, options.window);
  if (window === undefined) return { block, positions, part: undefined };
  const raster = await scene.read(window, { bands: options.bands, ...(signal ? { signal } : {}) });
  const { alphaBand, bandNodata } = scene.profile;
  // Where the bands' values differ, the mask alone says what is missing.
  const nodata = bandNodata === undefined ? scene.profile.nodata : undefined;
  return { block, positions, part: { raster, x: window.x, y: window.y, nodata, alpha: alphaBand === undefined ? -1 : options.bands.indexOf(alphaBand) } };
}

/** Where the pixels of a block lie in the scene: their middles, or their corners. */
export function positionsOf(toScene: PointTransform<Point>, block: Window, corners: boolean): Positions {
  const columns = block.width + (corners ? 1 : 0);
  const rows = block.height + (corners ? 1 : 0);
  const half = corners ? 0 : 0.5;
  const xs = new Float64Array(columns * rows);
  const ys = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    approximateLine((step) => toScene(block.x + step + half, block.y + row + half), columns, MAX_ERROR, xs, ys, row * columns);
  }
  return { xs, ys };
}

/** The part of the scene that positions need: they, and a pixel around them. */
function windowOf({ xs, ys }: Positions, allowed: Window): Window | undefined {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]!;
    const y = ys[i]!;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  if (!(right >= left && bottom >= top)) return undefined;
  const [x, y] = [Math.floor(left) - 1, Math.floor(top) - 1];
  return intersect({ x, y, width: Math.ceil(right) + 1 - x, height: Math.ceil(bottom) + 1 - y }, allowed);
}

/** So many pixels that what is read for a block has about {@link READ_EDGE} pixels along its edges. */
function blockEdge(grid: PlacedGrid, toScene: PointTransform<Point>): number {
  const [x, y] = [grid.width / 2, grid.height / 2];
  const [a, b, c] = [toScene(x, y), toScene(x + 1, y), toScene(x, y + 1)];
  if (a === undefined || b === undefined || c === undefined) return LARGEST_BLOCK;
  const scale = Math.max(Math.hypot(b[0] - a[0], b[1] - a[1]), Math.hypot(c[0] - a[0], c[1] - a[1]));
  return Math.max(1, Math.min(LARGEST_BLOCK, Math.floor(READ_EDGE / scale)));
}
