import { Interrupted, throwIfAborted } from '../errors.js';
import { allocate, contains, dataTypeOf, fullWindow, intersect, readReducedFrom } from '../raster/index.js';
import type { Raster, ReadOptions, ReducedReadOptions, ReducibleSource, Scene, SceneProfile, Size, TypedArray, Window } from '../raster/index.js';
import type { BlockRaster } from './block-raster.js';
import { BlockCache } from './block-cache.js';
import type { BlockStore } from './block-cache.js';
import { createLevel } from './level.js';
import type { OpenLevel, SceneLevel } from './level.js';
import { blockReader, checkBands, readMasked } from './masked-read.js';
import type { SampleReader, Samples } from './masked-read.js';
import { VALID } from './masks.js';
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
  /** A mask of the same size: 0 is nodata. */
  readonly mask?: BlockRaster;
  /** Reduced copies of the pixels, with the scene's bands and type, and of the mask where there is one. */
  readonly levels?: readonly SceneLevel[];
  /** Bytes of decoded blocks that are kept. */
  readonly cacheBytes: number;
  /** Decoded blocks are kept here instead, where several scenes share one cache. */
  readonly caches?: SceneCaches;
  /** Frees what the scene holds open. */
  readonly close: () => Promise<void>;
}

/** A scene that also tells how often it decoded. */
export interface BlockScene extends Scene {
  /** Blocks decoded since it was opened, masks included, reduced copies not. */
  decodedBlocks(): number;
  /** Bytes of decoded blocks held now. */
  heldBytes(): number;
}

export interface ReaderSceneParts extends Pick<BlockScene, 'decodedBlocks' | 'heldBytes'> {
  readonly profile: SceneProfile;
  /** Asked for once, at the first read. */
  readonly pixels: () => Promise<SampleReader>;
  /** 0 is nodata. */
  readonly mask?: SampleReader;
  readonly levels?: readonly OpenLevel[];
  /** Frees what the scene holds open. */
  readonly close: () => Promise<void>;
}

/** Makes a scene of pixels in blocks. Format readers only bring blocks. */
export function createScene(parts: SceneParts): BlockScene {
  const { profile } = parts;
  const maskShare = parts.mask === undefined ? 0 : 1 / (profile.bands + 1);
  const cache = new BlockCache(Math.floor(parts.cacheBytes * (1 - maskShare)));
  const maskCache = new BlockCache(Math.ceil(parts.cacheBytes * maskShare));
  const levels = (parts.levels ?? []).map((level) => createLevel(profile, level, { among: parts.caches === undefined ? 'one' : 'many' }));
  return createReaderScene({
    profile,
    levels,
    pixels: async () => blockReader(await parts.pixels(), parts.caches?.pixels ?? cache),
    ...(parts.mask === undefined ? {} : { mask: blockReader(parts.mask, parts.caches?.mask ?? maskCache) }),
    decodedBlocks: () => cache.decoded + maskCache.decoded,
    heldBytes: () => cache.bytes + maskCache.bytes + levels.reduce((sum, level) => sum + level.heldBytes(), 0),
    close: async () => {
      cache.clear();
      maskCache.clear();
      for (const level of levels) level.clear();
      await parts.close();
    },
  });
}

/** Makes a scene of a reader of samples: windows, edges, masks, reduced copies. */
export function createReaderScene(parts: ReaderSceneParts): BlockScene {
  const { profile, levels = [] } = parts;
  let pixels: Promise<SampleReader> | undefined;
  let closed = false;

  const readInside = async (window: Window, bands: readonly number[], signal: AbortSignal | undefined, into?: TypedArray): Promise<Samples> => {
    pixels ??= parts.pixels();
    return readMasked(profile, await untilAborted(pixels, signal), parts.mask, window, bands, signal, into)
      .catch((error: unknown) => { throw closed ? new Error(`${profile.source} was closed while it was read`, { cause: error }) : error; });
  };

  const checkOpen = (): void => {
    if (closed) throw new Error(`${profile.source} was read after it was closed`);
  };

  const read = async (window: Window, options: ReadOptions = {}): Promise<Raster> => {
    checkOpen();
    checkWindow(window);
    const bands = checkBands(options.bands, profile.bands);
    const shape = { width: window.width, height: window.height, bands: bands.length, layout: 'pixel' as const };
    const scene = fullWindow(profile);
    if (contains(scene, window)) return { ...shape, ...await readInside(window, bands, options.signal, options.into) };
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

  const readReduced = async (window: Window, size: Size, options: ReducedReadOptions = {}): Promise<Raster> => {
    checkOpen();
    checkWindow(window);
    const bands = checkBands(options.bands, profile.bands);
    const { width, height, blockWidth, blockHeight } = profile;
    const usable = await Promise.all(levels.map(async (level) => (await level.usable() ? [level.source] : [])));
    const sources: ReducibleSource[] = [{ width, height, blockWidth, blockHeight, read: (part, wanted) => read(part, wanted) }, ...usable.flat()];
    return readReducedFrom(sources, profile, window, size, { ...options, bands });
  };

  return {
    profile,
    read,
    readReduced,
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

function checkWindow(window: Window): void {
  const { x, y, width, height } = window;
  if (![x, y, width, height].every(Number.isSafeInteger) || width < 1 || height < 1) {
    throw new RangeError(`expected a window of whole pixels, at least 1 × 1, got x ${x}, y ${y}, ${width} × ${height}`);
  }
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

