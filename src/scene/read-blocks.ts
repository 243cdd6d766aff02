import { throwIfAborted } from '../errors.js';
import { bytesPerSample, dataTypeOf, viewAs } from '../raster/index.js';
import type { DataType, TypedArray, Window } from '../raster/index.js';
import { blockCounts, samplesPerBlockPixel } from './block-raster.js';
import type { BlockRaster } from './block-raster.js';
import type { Block, BlockStore } from './block-cache.js';
import { BufferPool } from './buffer-pool.js';
import { copyBlock, fillBlock } from './copy-block.js';
import type { BlockCopy } from './copy-block.js';

/** Runs of blocks that are read and decoded at the same time; libuv's pool has four threads. */
export const RUNS_IN_FLIGHT = 6;

/** Decoded bytes of blocks on their way; where blocks are large, fewer of them are at the same time. */
const BYTES_IN_FLIGHT = 2 ** 28;

/** How many runs of blocks may be on their way: a block takes its bytes twice while it is decoded. */
export function runsInFlight(blockBytes: number): number {
  return Math.max(1, Math.min(RUNS_IN_FLIGHT, Math.floor(BYTES_IN_FLIGHT / (2 * blockBytes))));
}

/** Pixels that may be read for one that is wanted, before blocks are worth keeping. */
const DIRECT_EXCESS = 4;
/** Smaller blocks are better read together, up to a megabyte at once. */
const DIRECT_LEAST_BYTES = 2 ** 16;
/** Rows that are read at once. */
const DIRECT_MOST_BYTES = 2 ** 22;

/**
 * Reads a window that lies inside the raster, pixel-interleaved, `bands` in the order given. Every block is decoded at
 * most once, and copied as soon as it is there: its memory may be used again when it leaves the cache. Every sample is written, so `into` may hold anything.
 */
export async function readBlocks(raster: BlockRaster, cache: BlockStore, window: Window, bands: readonly number[], signal?: AbortSignal, into?: TypedArray): Promise<TypedArray> {
  const length = window.width * window.height * bands.length;
  const data = into !== undefined && into.length === length && dataTypeOf(into) === raster.dtype ? into : unfilled(raster.dtype, length);
  const needed = blocksOf(raster, window, bands);
  if (raster.readRows !== undefined && isCheap(raster, window)) {
    await readDirectly(raster, raster.readRows, needed, window, bands, data, signal);
    throwIfAborted(signal);
    return data;
  }
  const place = blockPlacer(raster, data, window, bands);
  const known: number[] = [];
  const missing: number[] = [];
  for (const key of needed) (cache.has(key) ? known : missing).push(key);
  // What has to be waited for is begun before anything is copied.
  const own = forEachInFlight(raster.runs(missing), async (run) => {
    throwIfAborted(signal);
    await readRun(raster, cache, run, place);
  }, runsInFlight(raster.blockHeight * bytesPerRow(raster)));
  const others = settled(known.map((key) => cache.use(key, (block) => place(key, block))));
  await settled([own, others]);
  throwIfAborted(signal);
  return data;
}

/** Samples that may hold anything: filling them takes as long as copying. */
function unfilled(dtype: DataType, length: number): TypedArray {
  return viewAs(dtype, Buffer.allocUnsafeSlow(length * bytesPerSample(dtype)).buffer);
}

/** Memory for rows on their way; all scenes share it. */
const ROWS = new BufferPool(RUNS_IN_FLIGHT * DIRECT_MOST_BYTES);

/**
 * Whether rows are best read straight from the file: the window costs little more than its own pixels (narrow windows of wide blocks are
 * better kept), and blocks are large enough to be worth a read each.
 */
function isCheap(raster: BlockRaster, window: Window): boolean {
  const columns = Math.floor((window.x + window.width - 1) / raster.blockWidth) - Math.floor(window.x / raster.blockWidth) + 1;
  return columns * raster.blockWidth <= DIRECT_EXCESS * window.width && raster.blockHeight * bytesPerRow(raster) >= DIRECT_LEAST_BYTES;
}

function bytesPerRow(raster: BlockRaster): number {
  return raster.blockWidth * samplesPerBlockPixel(raster) * bytesPerSample(raster.dtype);
}

async function readDirectly(
  raster: BlockRaster, readRows: NonNullable<BlockRaster['readRows']>, blocks: readonly number[], window: Window, bands: readonly number[], data: TypedArray,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { down, across } = blockCounts(raster);
  const rowBytes = bytesPerRow(raster);
  const most = Math.max(1, Math.floor(DIRECT_MOST_BYTES / rowBytes));
  const place = blockPlacer(raster, data, window, bands);
  await forEachInFlight(blocks, async (key) => {
    const top = (Math.floor(key / across) % down) * raster.blockHeight;
    const end = Math.min(window.y + window.height, top + raster.blockHeight, raster.height);
    for (let y = Math.max(window.y, top); y < end; y += most) {
      throwIfAborted(signal);
      const rows = Math.min(most, end - y);
      const memory = ROWS.take(rows * rowBytes);
      place(key, await readRows(key, y - top, rows, memory), { y, height: rows });
      ROWS.give(memory);
    }
  });
}

/**
 * Does something with every item, several at a time. After the first error no more are begun; it is thrown when those under way have
 * ended, so that nothing is written afterwards.
 */
async function forEachInFlight<T>(items: readonly T[], work: (item: T) => Promise<void>, most = RUNS_IN_FLIGHT): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++]!;
      await work(item).catch((error: unknown) => { next = items.length; throw error; });
    }
  };
  await settled(Array.from({ length: Math.min(most, items.length) }, worker));
}

/** Waits for all; then throws the first error in their order. */
async function settled(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const failed = (await Promise.allSettled(new Set(promises.filter((promise) => promise !== undefined)))).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Reads the blocks of a run that no other read has asked for meanwhile; waits for the rest. */
async function readRun(raster: BlockRaster, cache: BlockStore, run: readonly number[], place: (key: number, block: Block) => void): Promise<void> {
  const others = run.map((key) => cache.use(key, (block) => place(key, block)));
  const own = run.filter((_, i) => others[i] === undefined);
  await settled([...others, own.length === 0 ? undefined : cache.load(own, raster.decode(own), place)]);
}

/** The blocks that a window touches, in rising order. */
export function blocksOf(raster: BlockRaster, window: Window, bands: readonly number[]): number[] {
  const { across, down } = blockCounts(raster);
  const planes = raster.planes === 1 ? [0] : [...new Set(bands)].sort((a, b) => a - b);
  const firstColumn = Math.floor(window.x / raster.blockWidth);
  const lastColumn = Math.floor((window.x + window.width - 1) / raster.blockWidth);
  const firstRow = Math.floor(window.y / raster.blockHeight);
  const lastRow = Math.floor((window.y + window.height - 1) / raster.blockHeight);
  const keys: number[] = [];
  for (const plane of planes) {
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) keys.push((plane * down + row) * across + column);
    }
  }
  return keys;
}

/** Copies what a window has of a block; or, with `part`, rows of the window that are all that the block has. */
type PlaceBlock = (key: number, block: Block, part?: Pick<Window, 'y' | 'height'>) => void;

function blockPlacer(raster: BlockRaster, data: TypedArray, window: Window, bands: readonly number[]): PlaceBlock {
  const { across, down } = blockCounts(raster);
  const all = bands.map((band, to) => ({ from: raster.planes === 1 ? band : 0, to }));
  const samplesOf = Array.from({ length: raster.planes }, (_, plane) => (raster.planes === 1 ? all : all.filter(({ to }) => bands[to] === plane)));
  const fromSamples = samplesPerBlockPixel(raster);
  return (key, block, part) => {
    const blockX = (key % across) * raster.blockWidth;
    const blockY = (Math.floor(key / across) % down) * raster.blockHeight;
    const x = Math.max(window.x, blockX);
    const y = part?.y ?? Math.max(window.y, blockY);
    const copy: BlockCopy = {
      width: Math.min(window.x + window.width, blockX + raster.blockWidth) - x,
      height: part?.height ?? Math.min(window.y + window.height, blockY + raster.blockHeight) - y,
      fromX: x - blockX,
      fromY: part === undefined ? y - blockY : 0,
      fromStride: raster.blockWidth,
      fromSamples,
      toX: x - window.x,
      toY: y - window.y,
      toStride: window.width,
      toSamples: bands.length,
      samples: samplesOf[Math.floor(key / (across * down))]!,
    };
    if (block === undefined) fillBlock(raster.fill, data, copy);
    else copyBlock(block, data, copy);
  };
}
