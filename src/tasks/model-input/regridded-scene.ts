import { InvalidOptionError } from '../../errors.js';
import { groundSize, scaleTransform } from '../../georef/index.js';
import { allocate, contains, fullWindow, intersect, readReducedByReading } from '../../raster/index.js';
import type { Raster, ReadOptions, ReducedReadOptions, Scene, Size, Window } from '../../raster/index.js';
import { reflectIndices } from '../../scene/index.js';
import { addCovered, createMean, putMean, rangeOf, resampleAverage, resampleBilinear, resampleNearest } from '../rows/resample.js';
import type { Resampling, SourcePart, TargetBlock } from '../rows/resample.js';
import { MOST_READ, READ_EDGE, windowParts } from '../rows/window-parts.js';

/** Scenes whose ground sample distance is so near to the wanted one are left as they are. */
const SAME = 0.01;
/** Larger steps are averaged, smaller ones interpolated. */
const AVERAGED_FROM = 1.5;
/** Fewer pixels along an edge than this are a mistake in the unit, or in the number. */
const LEAST_EDGE = 8;

/**
 * A scene in another ground sample distance, in metres per pixel at its middle: same CRS, same corners, other pixels. Values are
 * averaged by area where pixels grow by half and more, else interpolated between the four nearest; palette ids are picked. What
 * is missing is left out of means.
 * @returns the scene itself where it has that distance already.
 * @throws {InvalidOptionError} if the scene does not know its ground sample distance, or hardly anything would be left of it.
 */
export function regridScene(scene: Scene, gsd: number): Scene {
  const { profile } = scene;
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  if (profile.transform === undefined || ground === undefined) {
    throw new InvalidOptionError('--gsd', `${profile.source} does not say how large its pixels are on the ground`);
  }
  if (Math.abs(ground.width / gsd - 1) < SAME && Math.abs(ground.height / gsd - 1) < SAME) return scene;
  const width = Math.max(1, Math.round((profile.width * ground.width) / gsd));
  const height = Math.max(1, Math.round((profile.height * ground.height) / gsd));
  if (Math.min(width, height) < LEAST_EDGE && Math.min(width, height) < Math.min(profile.width, profile.height)) {
    const most = gsd * Math.min(profile.width * ground.width, profile.height * ground.height) / (LEAST_EDGE * gsd);
    throw new InvalidOptionError('--gsd', `at ${gsd} m per pixel the scene would have ${width} × ${height} pixels, of its ${profile.width} × ${profile.height}`, {
      advice: `take at most ${most.toPrecision(2)} m, for ${LEAST_EDGE} pixels along the shorter edge`,
    });
  }
  // From the new pixels to the scene's: corners stay where they are.
  const stepX = profile.width / width;
  const stepY = profile.height / height;
  const resampling = profile.palette !== undefined ? 'nearest' : Math.max(stepX, stepY) > AVERAGED_FROM ? 'average' : 'bilinear';
  const view = {
    ...profile, width, height, transform: scaleTransform(profile.transform, stepX, stepY), overviews: [],
    blockWidth: Math.max(1, Math.round(profile.blockWidth / stepX)), blockHeight: Math.max(1, Math.round(profile.blockHeight / stepY)),
    fingerprint: `${profile.fingerprint} as ${width}x${height}`,
  };
  const grid: Regrid = { stepX, stepY, resampling };
  const read = (window: Window, options: ReadOptions = {}): Promise<Raster> => readRegridded(scene, view, grid, window, options);
  const regridded: Scene = {
    profile: view, read, close: () => scene.close(),
    readReduced: (window: Window, size: Size, options: ReducedReadOptions = {}) => readReducedByReading({ profile: view, read }, window, size, options),
  };
  return regridded;
}

interface Regrid {
  readonly stepX: number;
  readonly stepY: number;
  readonly resampling: Resampling;
}

async function readRegridded(scene: Scene, view: Size, grid: Regrid, window: Window, options: ReadOptions): Promise<Raster> {
  const { profile } = scene;
  const bands = options.bands ?? Array.from({ length: profile.bands }, (_, band) => band);
  const inside = intersect(window, fullWindow(view));
  if (inside !== undefined && !contains(fullWindow(view), window) && options.edge === 'reflect') return reflected(scene, view, grid, window, { ...options, bands });
  const data = allocate(profile.dtype, window.width * window.height * bands.length);
  if (profile.nodata !== undefined && profile.nodata !== 0) data.fill(profile.nodata);
  const mask = new Uint8Array(window.width * window.height);
  for (const block of inside === undefined ? [] : blocksOf(inside, grid)) {
    const source = sourceOf(block, grid, profile);
    const readPart = async (of: Window): Promise<SourcePart> => ({
      raster: await scene.read(of, { bands, ...(options.signal === undefined ? {} : { signal: options.signal }) }),
      x: of.x, y: of.y, nodata: profile.bandNodata === undefined ? profile.nodata : undefined, alpha: profile.alphaBand === undefined ? -1 : bands.indexOf(profile.alphaBand),
    });
    const at = (block.y - window.y) * window.width + block.x - window.x;
    const target: TargetBlock = { width: block.width, height: block.height, data, mask, at, stride: window.width, ...rangeOf(profile.dtype) };
    const { xs, ys } = positionsOf(block, grid);
    if (grid.resampling === 'average' && block.width * block.height === 1 && source.width * source.height > MOST_READ) {
      const mean = createMean(bands.length);
      let last: SourcePart | undefined;
      for (const window of windowParts(source, profile)) addCovered(last = await readPart(window), mean, xs, ys);
      putMean(last!, target, mean);
      continue;
    }
    const part = await readPart(source);
    if (grid.resampling === 'average') resampleAverage(part, target, xs, ys);
    else if (grid.resampling === 'bilinear') resampleBilinear(part, target, xs, ys);
    else resampleNearest(part, target, xs, ys);
  }
  const whole = profile.maskSource === 'none' && contains(fullWindow(view), window);
  return { data, width: window.width, height: window.height, bands: bands.length, layout: 'pixel', ...(whole ? {} : { mask }) };
}

/** A window that reaches over the edge, mirrored there without repeating the edge pixel, as NumPy's `reflect` does. */
async function reflected(scene: Scene, view: Size, grid: Regrid, window: Window, options: ReadOptions): Promise<Raster> {
  const columns = reflectIndices(window.x, window.width, view.width);
  const rows = reflectIndices(window.y, window.height, view.height);
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  const source = { x: left, y: top, width: Math.max(...columns) - left + 1, height: Math.max(...rows) - top + 1 };
  const inner = await readRegridded(scene, view, grid, source, options);
  const data = allocate(scene.profile.dtype, window.width * window.height * inner.bands);
  const mask = new Uint8Array(window.width * window.height);
  for (let row = 0, to = 0; row < window.height; row++) {
    for (let column = 0; column < window.width; column++, to++) {
      const from = (rows[row]! - top) * source.width + columns[column]! - left;
      mask[to] = inner.mask === undefined ? 255 : inner.mask[from]!;
      for (let band = 0; band < inner.bands; band++) data[to * inner.bands + band] = inner.data[from * inner.bands + band]!;
    }
  }
  return { data, width: window.width, height: window.height, bands: inner.bands, layout: 'pixel', mask };
}

/** Parts of a window for which about {@link READ_EDGE} pixels square are read. */
function* blocksOf(window: Window, { stepX, stepY }: Regrid): Generator<Window> {
  const across = Math.max(1, Math.floor(READ_EDGE / stepX));
  const down = Math.max(1, Math.floor(READ_EDGE / stepY));
  for (let y = window.y; y < window.y + window.height; y += down) {
    for (let x = window.x; x < window.x + window.width; x += across) {
      yield { x, y, width: Math.min(across, window.x + window.width - x), height: Math.min(down, window.y + window.height - y) };
    }
  }
}

/** What is needed of the scene for a block: what it covers, and a pixel around it. */
function sourceOf(block: Window, { stepX, stepY }: Regrid, size: Size): Window {
  const x = Math.max(0, Math.floor(block.x * stepX) - 1);
  const y = Math.max(0, Math.floor(block.y * stepY) - 1);
  return {
    x, y, width: Math.min(size.width, Math.ceil((block.x + block.width) * stepX) + 1) - x, height: Math.min(size.height, Math.ceil((block.y + block.height) * stepY) + 1) - y,
  };
}

/** Middles of a block's pixels in the scene; for averages their corners. */
function positionsOf(block: Window, { stepX, stepY, resampling }: Regrid): { readonly xs: Float64Array; readonly ys: Float64Array } {
  const more = resampling === 'average' ? 1 : 0;
  const half = resampling === 'average' ? 0 : 0.5;
  const columns = block.width + more;
  const rows = block.height + more;
  const xs = new Float64Array(columns * rows);
  const ys = new Float64Array(columns * rows);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      xs[i] = (block.x + column + half) * stepX;
      ys[i] = (block.y + row + half) * stepY;
    }
  }
  return { xs, ys };
}
