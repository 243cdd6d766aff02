import { bytesPerSample } from '../raster/index.js';
import type { SceneProfile } from '../raster/index.js';
import { KEPT_BYTES } from './block-memory.js';
import { RUNS_IN_FLIGHT, runsInFlight } from './read-blocks.js';

/** What a scene's size and blocks say about memory; any profile has it. */
export type MemoryProfile = Pick<SceneProfile, 'width' | 'height' | 'bands' | 'dtype' | 'blockWidth' | 'blockHeight' | 'maskSource' | 'bytes'>;

/** Strips of this height can be read in pieces, left to right, without decoding a block twice, with the default cache. */
const DEFAULT_STRIP_HEIGHT = 1024;

/** The default cache is never larger than this; wider scenes are better read in columns, or with `cacheBytes` set. */
const LARGEST_DEFAULT = 256 * 2 ** 20;

/** One run of stored bytes, while it is decoded (see RUN_BYTES of the TIFF reader). */
const RUN_BYTES = 2 ** 20;

/**
 * Bytes of decoded blocks that reading strips of `stripHeight` rows needs at once, at any alignment: all blocks of the
 * rows of blocks that such a strip can touch. With `cacheBytes` of this size a scan of overlapping strips, patch by patch,
 * decodes every block once.
 */
export function stripCacheBytes(profile: MemoryProfile, stripHeight: number): number {
  const { width, height, blockWidth, blockHeight } = profile;
  const down = Math.ceil(height / blockHeight);
  const rows = Math.min(down, Math.floor((stripHeight + blockHeight - 2) / blockHeight) + 1);
  const samples = profile.bands + (profile.maskSource === 'internal' || profile.maskSource === 'external' ? 1 : 0);
  const entries = 64 * rows * Math.ceil(width / blockWidth) * samples;
  return rows * blockHeight * Math.ceil(width / blockWidth) * blockWidth * samples * bytesPerSample(profile.dtype) + entries;
}

/** Bytes of decoded blocks that a scene keeps if nothing else is asked for: strips of 1024 rows, at most 256 MB. */
export function defaultCacheBytes(profile: MemoryProfile): number {
  return Math.min(LARGEST_DEFAULT, stripCacheBytes(profile, DEFAULT_STRIP_HEIGHT));
}

/**
 * Bytes that a scene holds at most while strips of `stripHeight` rows are read from it, if it was opened with
 * `cacheBytes: stripCacheBytes(profile, stripHeight)`: that cache, and {@link readingMemory}. The
 * rasters that `read` returns come on top (`width × height × bands × bytes`, and a byte per pixel for the mask).
 */
export function readMemory(profile: MemoryProfile, stripHeight: number): number {
  return stripCacheBytes(profile, stripHeight) + readingMemory(profile);
}

/** Bytes that reading takes beside the cache: the blocks in flight with their stored bytes, and the memory of earlier blocks that is kept for those to come. */
export function readingMemory(profile: MemoryProfile): number {
  const block = profile.blockWidth * profile.blockHeight * profile.bands * bytesPerSample(profile.dtype);
  const blocks = Math.ceil(profile.width / profile.blockWidth) * Math.ceil(profile.height / profile.blockHeight);
  const stored = Math.min(profile.bytes, RUNS_IN_FLIGHT * RUN_BYTES);
  return stored + 2 * block * Math.min(runsInFlight(block), blocks) + Math.min(KEPT_BYTES, block * blocks);
}
