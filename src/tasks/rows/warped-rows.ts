import { approximateGrid, gridToGrid, worldWidth, type PlacedGrid, type Point, type PointTransform } from '../../georef/index.js';
import { allocate, bytesPerSample, intersect, type Scene, type SceneProfile, type Window } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import { readingMemory, stripCacheBytes } from '../../scene/index.js';
import { addCovered, createMean, putMean, rangeOf, resampleAverage, resampleBilinear, resampleNearest, type Resampling, type PixelMean, type SourcePart, type TargetBlock } from './resample.js';
import type { Rows, RowSource } from './row-source.js';
import { MOST_READ, READ_EDGE, windowParts } from './window-parts.js';

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
/** Points per edge of the grid at which its scale is looked at. */
const SCALE_PROBES = 9;
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
  const corners = options.resampling === 'average';
  const pixelBytes = bands.length * bytesPerSample(profile.dtype) + 1;
  return {
    width: grid.width,
    height: grid.height,
    bands: bands.length,
    dtype: profile.dtype,
    memory: warpCacheBytes(profile, edge) + readingMemory(profile) + (AHEAD + 1) * (MOST_READ * pixelBytes + 16 * (edge + 1) ** 2) + 2 * grid.width * edge * pixelBytes,
    async* rows(top, signal) {
      for (let y = top; y < grid.height;) {
        const count = Math.min(edge - (y % edge), grid.height - y);
        const top = y;
        const pieces = divided(piecesOf(toScene, options.window, { x: 0, y: top, width: grid.width, height: count }, edge, corners), profile);
        const data = allocate(profile.dtype, grid.width * count * bands.length);
        if (profile.nodata !== undefined && profile.nodata !== 0) data.fill(profile.nodata);
        const mask = new Uint8Array(grid.width * count);
        const range = rangeOf(profile.dtype);
        let mean: PixelMean | undefined;
        for await (const { block, positions, part, share } of ordered(pieces, AHEAD, (piece) => readPiece(scene, options, piece, signal), signal)) {
          const target: TargetBlock = { width: block.width, height: block.height, data, mask, at: (block.y - top) * grid.width + block.x, stride: grid.width, ...range };
          if (share === undefined) {
            RESAMPLERS[options.resampling](part, target, positions.xs, positions.ys);
            continue;
          }
          mean ??= createMean(bands.length);
          addCovered(part, mean, positions.xs, positions.ys);
          if (share === 'some') continue;
          putMean(part, target, mean);
          mean = undefined;
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

/** Some pixels of the new grid, where they lie in the scene, and what of it they need. */
interface Piece {
  readonly block: Window;
  readonly positions: Positions;
  readonly window: Window;
  /** Only where it is one pixel, the mean of several windows: whether this is the last of them. */
  readonly share?: 'some' | 'last';
}

/**
 * The blocks of some rows that show something of the scene. Where a block needs much of it (near a pole, or where it reaches
 * over the edge of the world), it comes in parts that need less.
 */
function* piecesOf(toScene: PointTransform<Point>, allowed: Window, rows: Window, edge: number, corners: boolean): Generator<Piece> {
  for (let x = 0; x < rows.width; x += edge) {
    yield* partsOf(toScene, allowed, { x, y: rows.y, width: Math.min(edge, rows.width - x), height: rows.height }, corners);
  }
}

function* partsOf(toScene: PointTransform<Point>, allowed: Window, block: Window, corners: boolean): Generator<Piece> {
  const positions = positionsOf(toScene, block, corners);
  const window = windowOf(positions, allowed);
  if (window === undefined) return;
  const { x, y, width, height } = block;
  if (window.width * window.height <= MOST_READ || width * height === 1) {
    yield { block, positions, window };
  } else if (width >= height) {
    const half = width >> 1;
    yield* partsOf(toScene, allowed, { x, y, width: half, height }, corners);
    yield* partsOf(toScene, allowed, { x: x + half, y, width: width - half, height }, corners);
  } else {
    const half = height >> 1;
    yield* partsOf(toScene, allowed, { x, y, width, height: half }, corners);
    yield* partsOf(toScene, allowed, { x, y: y + half, width, height: height - half }, corners);
  }
}

/** Pieces, where single pixels need so much of the scene that it comes in several windows. */
function* divided(pieces: Iterable<Piece>, profile: SceneProfile): Generator<Piece> {
  for (const piece of pieces) {
    if (piece.window.width * piece.window.height <= MOST_READ) {
      yield piece;
      continue;
    }
    const windows = [...windowParts(piece.window, profile)];
    for (const [i, window] of windows.entries()) yield { ...piece, window, share: i === windows.length - 1 ? 'last' : 'some' };
  }
}

async function readPiece(scene: Scene, options: WarpOptions, piece: Piece, signal: AbortSignal | undefined): Promise<Piece & { readonly part: SourcePart }> {
  const { window } = piece;
  const raster = await scene.read(window, { bands: options.bands, ...(signal ? { signal } : {}) });
  const { alphaBand, bandNodata } = scene.profile;
  // Where the bands' values differ, the mask alone says what is missing.
  const nodata = bandNodata === undefined ? scene.profile.nodata : undefined;
  return { ...piece, part: { raster, x: window.x, y: window.y, nodata, alpha: alphaBand === undefined ? -1 : options.bands.indexOf(alphaBand), world: columnsAround(scene.profile) } };
}

/** Columns of an upright scene once around the world, where its CRS repeats. */
function columnsAround({ transform, crs }: SceneProfile): number | undefined {
  if (transform === undefined || crs === undefined || transform[2] !== 0 || transform[4] !== 0) return undefined;
  const width = worldWidth(crs);
  return width === undefined ? undefined : Math.abs(width / transform[1]);
}

/** Where the pixels of a block lie in the scene: their middles, or their corners. */
export function positionsOf(toScene: PointTransform<Point>, block: Window, corners: boolean): Positions {
  const columns = block.width + (corners ? 1 : 0);
  const rows = block.height + (corners ? 1 : 0);
  const half = corners ? 0 : 0.5;
  const xs = new Float64Array(columns * rows);
  const ys = new Float64Array(columns * rows);
  approximateGrid((column, row) => toScene(block.x + column + half, block.y + row + half), columns, rows, MAX_ERROR, xs, ys);
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

/** So many pixels that what is read for a block has about {@link READ_EDGE} pixels along its edges, by the scale that most of the grid has. */
function blockEdge(grid: PlacedGrid, toScene: PointTransform<Point>): number {
  const scales: number[] = [];
  for (let i = 0; i < SCALE_PROBES ** 2; i++) {
    const x = ((i % SCALE_PROBES) + 0.5) * (grid.width / SCALE_PROBES);
    const y = (Math.floor(i / SCALE_PROBES) + 0.5) * (grid.height / SCALE_PROBES);
    const [a, b, c] = [toScene(x, y), toScene(x + 1, y), toScene(x, y + 1)];
    if (a === undefined || b === undefined || c === undefined) continue;
    scales.push(Math.max(Math.hypot(b[0] - a[0], b[1] - a[1]), Math.hypot(c[0] - a[0], c[1] - a[1])));
  }
  if (scales.length === 0) return LARGEST_BLOCK;
  const scale = scales.sort((a, b) => a - b)[scales.length >> 1]!;
  return Math.max(1, Math.min(LARGEST_BLOCK, Math.floor(READ_EDGE / scale)));
}
