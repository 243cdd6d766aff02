import { Interrupted, throwIfAborted } from '../errors.js';
import { allocate, contains, dataTypeOf, fullWindow, intersect } from '../raster/index.js';
import type { Raster, ReadOptions, Scene, SceneProfile, TypedArray, Window } from '../raster/index.js';
import type { BlockRaster } from './block-raster.js';
import { BlockCache } from './block-cache.js';
import type { BlockStore } from './block-cache.js';
import { VALID, maskFromAlpha, maskFromBand, maskFromNodata } from './masks.js';
import { readBlocks } from './read-blocks.js';
import { reflectIndices } from './reflect.js';

/** Caches of a scene's pixels and of its mask, where they are not its own. */
export interface SceneCaches {
  readonly pixels: BlockStore;
  readonly mask: BlockStore;
}

export interface SceneParts {
  readonly profile: SceneProfile;
  /** The pixels; asked for once, at the first read, so that opening stays cheap. */
  readonly pixels: () => Promise<BlockRaster>;
  /** A mask of the same size with one band: 0 is nodata. */
  readonly mask?: BlockRaster;
  /** Bytes of decoded blocks that are kept. */
  readonly cacheBytes: number;
  /** Decoded blocks are kept here instead, where several scenes share one cache. */
  readonly caches?: SceneCaches;
  /** Frees what the scene holds open. */
  readonly close: () => Promise<void>;
}

/** A scene that also tells how often it decoded. */
export interface BlockScene extends Scene {
  /** Blocks decoded since it was opened, masks included. */
  decodedBlocks(): number;
  /** Bytes of decoded blocks held now. */
  heldBytes(): number;
}

/** Brings samples of windows that lie inside the scene, pixel-interleaved, bands in the order given. */
export interface WindowReader {
  read(window: Window, bands: readonly number[], signal?: AbortSignal): Promise<TypedArray>;
}

export interface WindowSceneParts extends Pick<BlockScene, 'decodedBlocks' | 'heldBytes'> {
  readonly profile: SceneProfile;
  /** Asked for once, at the first read. */
  readonly pixels: () => Promise<WindowReader>;
  /** One band: 0 is nodata. */
  readonly mask?: WindowReader;
  /** Frees what the scene holds open. */
  readonly close: () => Promise<void>;
}

/** Makes a scene of pixels in blocks. Format readers only bring blocks. */
export function createScene(parts: SceneParts): BlockScene {
  const maskShare = parts.mask === undefined ? 0 : 1 / (parts.profile.bands + 1);
  const cache = new BlockCache(Math.floor(parts.cacheBytes * (1 - maskShare)));
  const maskCache = new BlockCache(Math.ceil(parts.cacheBytes * maskShare));
  return createWindowScene({
    profile: parts.profile,
    pixels: async () => blockReader(await parts.pixels(), parts.caches?.pixels ?? cache),
    ...(parts.mask === undefined ? {} : { mask: blockReader(parts.mask, parts.caches?.mask ?? maskCache) }),
    decodedBlocks: () => cache.decoded + maskCache.decoded,
    heldBytes: () => cache.bytes + maskCache.bytes,
    close: async () => {
      cache.clear();
      maskCache.clear();
      await parts.close();
    },
  });
}

function blockReader(raster: BlockRaster, cache: BlockStore): WindowReader {
  return { read: (window, bands, signal) => readBlocks(raster, cache, window, bands, signal) };
}

/** Makes a scene of a reader of windows: edges, masks. */
export function createWindowScene(parts: WindowSceneParts): BlockScene {
  const { profile } = parts;
  let pixels: Promise<WindowReader> | undefined;
  let closed = false;

  const readInside = async (window: Window, bands: readonly number[], signal: AbortSignal | undefined): Promise<{ data: TypedArray; mask?: Uint8Array }> => {
    pixels ??= parts.pixels();
    const reader = await untilAborted(pixels, signal);
    if (profile.maskSource === 'none') return { data: await reader.read(window, bands, signal) };
    const mask = new Uint8Array(window.width * window.height);
    if (parts.mask !== undefined) {
      const [data, stored] = await Promise.all([
        reader.read(window, bands, signal),
        parts.mask.read(window, [0], signal),
      ]);
      maskFromBand(stored, mask);
      return { data, mask };
    }
    // What is nodata must not depend on the bands that are read, so those that tell it are read too.
    const wanted = withMaskBands(profile, bands);
    const all = await reader.read(window, wanted, signal);
    if (profile.maskSource === 'alpha') maskFromAlpha(all, wanted.length, wanted.indexOf(profile.alphaBand!), mask);
    else maskFromNodata(all, wanted.length, profile.nodata!, profile.alphaBand === undefined ? -1 : wanted.indexOf(profile.alphaBand), mask);
    return { data: wanted === bands ? all : firstBands(all, wanted.length, bands.length), mask };
  };

  const read = async (window: Window, options: ReadOptions = {}): Promise<Raster> => {
    if (closed) throw new Error(`${profile.source} was read after it was closed`);
    checkWindow(window);
    const bands = checkBands(options.bands, profile.bands);
    const shape = { width: window.width, height: window.height, bands: bands.length, layout: 'pixel' as const };
    const scene = fullWindow(profile);
    if (contains(scene, window)) return { ...shape, ...await readInside(window, bands, options.signal) };
    if (options.edge === 'reflect') {
      const columns = reflectIndices(window.x, window.width, profile.width);
      const rows = reflectIndices(window.y, window.height, profile.height);
      const source = boundsOf(columns, rows);
      const inner = await readInside(source, bands, options.signal);
      const data = gather(inner.data, bands.length, source, columns, rows);
      const mask = inner.mask === undefined
        ? new Uint8Array(window.width * window.height).fill(VALID)
        : gather(inner.mask, 1, source, columns, rows) as Uint8Array;
      return { ...shape, data, mask };
    }
    const data = allocate(profile.dtype, window.width * window.height * bands.length);
    if (profile.nodata !== undefined && profile.nodata !== 0) data.fill(profile.nodata);
    const mask = new Uint8Array(window.width * window.height);
    const part = intersect(window, scene);
    if (part !== undefined) {
      const inner = await readInside(part, bands, options.signal);
      paste(inner.data, data, part, window, bands.length);
      paste(inner.mask ?? new Uint8Array(part.width * part.height).fill(VALID), mask, part, window, 1);
    }
    return { ...shape, data, mask };
  };

  return {
    profile,
    read,
    close: async () => {
      if (closed) return;
      closed = true;
      await parts.close();
    },
    decodedBlocks: parts.decodedBlocks,
    heldBytes: parts.heldBytes,
  };
}

/** Stops waiting when the signal says so; what was waited for goes on. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal);
  if (signal === undefined) return promise;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Interrupted());
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The bands to read, and behind them those that tell nodata, if they are not among them. */
function withMaskBands(profile: SceneProfile, bands: readonly number[]): readonly number[] {
  const telling = profile.maskSource === 'alpha'
    ? [profile.alphaBand!]
    : Array.from({ length: profile.bands }, (_, band) => band).filter((band) => band !== profile.alphaBand);
  const more = telling.filter((band) => !bands.includes(band));
  return more.length === 0 ? bands : [...bands, ...more];
}

function firstBands(data: TypedArray, from: number, to: number): TypedArray {
  const pixels = data.length / from;
  const out = data.slice(0, pixels * to);
  for (let pixel = 1; pixel < pixels; pixel++) {
    for (let s = 0; s < to; s++) out[pixel * to + s] = data[pixel * from + s]!;
  }
  return out;
}

function checkWindow(window: Window): void {
  const { x, y, width, height } = window;
  if (![x, y, width, height].every(Number.isSafeInteger) || width < 1 || height < 1) {
    throw new RangeError(`expected a window of whole pixels, at least 1 × 1, got x ${x}, y ${y}, ${width} × ${height}`);
  }
}

function checkBands(bands: readonly number[] | undefined, count: number): readonly number[] {
  if (bands === undefined) return Array.from({ length: count }, (_, band) => band);
  if (bands.length === 0 || bands.some((band) => !Number.isInteger(band) || band < 0 || band >= count)) {
    throw new RangeError(`expected bands from 0 to ${count - 1}, got [${bands.join(', ')}]`);
  }
  return bands;
}

function boundsOf(columns: Int32Array, rows: Int32Array): Window {
  const x = columns.reduce((a, b) => Math.min(a, b));
  const y = rows.reduce((a, b) => Math.min(a, b));
  return { x, y, width: columns.reduce((a, b) => Math.max(a, b)) - x + 1, height: rows.reduce((a, b) => Math.max(a, b)) - y + 1 };
}

/** The samples at `columns` × `rows`, which lie inside `source`. */
function gather(data: TypedArray, samples: number, source: Window, columns: Int32Array, rows: Int32Array): TypedArray {
  const out = allocate(dataTypeOf(data), columns.length * rows.length * samples);
  let to = 0;
  for (const row of rows) {
    const start = (row - source.y) * source.width;
    for (const column of columns) {
      const from = (start + column - source.x) * samples;
      for (let s = 0; s < samples; s++) out[to++] = data[from + s]!;
    }
  }
  return out;
}

function paste(part: TypedArray, whole: TypedArray, from: Window, to: Window, samples: number): void {
  const rowSamples = from.width * samples;
  for (let row = 0; row < from.height; row++) {
    const at = ((from.y - to.y + row) * to.width + from.x - to.x) * samples;
    whole.set(part.subarray(row * rowSamples, (row + 1) * rowSamples), at);
  }
}

