import { open, rm } from 'node:fs/promises';
import { OutputError } from '../errors.js';
import { allocate, bytesPerSample, dataTypeOf, type TypedArray } from '../raster/index.js';
import { createBlockQueue } from './block-queue.js';
import { chooseCog, type CogChoices } from './choices.js';
import { createRowKeeper, restoreRows, type KeptRowsMark, type RowKeeper } from './kept-rows.js';
import { layOut, levelSizes, type CogLayout, type LevelSize } from './layout.js';
import { createLevel, fillBlocks, padBlocks, rowOfBlocks, type BlockFormat, type Level } from './level.js';
import { outputError, writingTo } from './output.js';
import { reduceRows, type Reduction } from './overview.js';
import { openSpool, writeAll, type Spool, type SpoolMark } from './spool.js';
import type { CogCheckpoint, CogOptions, CogWriter } from './types.js';

/** Rows that are reduced at a time on the way down the pyramid. */
const CHUNK_ROWS = 64;
/** Overviews go down to at most this size on both axes. */
const SMALLEST_OVERVIEW = 512;
/** Blocks that wait for compression or for the disk, beyond those being compressed: as many, up to this many bytes. */
const QUEUE_BLOCKS = 16;
const QUEUE_BYTES = 32 << 20;

/** What a checkpoint says. Plain JSON; a type, because interfaces are not assignable to index signatures. */
type CheckpointState = {
  /** The options on which the bytes depend. */
  readonly made: string;
  /** Rows taken by every level. */
  readonly rows: readonly number[];
  readonly spool: SpoolMark;
  readonly kept: KeptRowsMark;
};

/**
 * A cloud-optimised GeoTIFF that is written while its rows come in, in order, each once. In memory are one row of blocks per
 * level and a bounded queue ({@link cogMemory}); packed blocks wait in `options.scratch`. The bytes of the file depend on
 * the rows and options only, not on how many rows a call brings, on parallelism, or on interruptions.
 * @throws {InvalidOptionError} if options do not fit each other.
 * @throws {OutputError} if the scratch folder cannot be written.
 */
export async function createCog(options: CogOptions): Promise<CogWriter> {
  const choices = chooseCog(options);
  const levels = makeLevels(options, choices);
  const spool = await openSpool(options.scratch, levels.map((level) => level.across * level.down));
  return createWriter(options, choices, levels, spool, { file: 0, segments: [] });
}

/**
 * Goes on from a checkpoint of the same options: what was spooled after it is cut off. The final bytes are those of an
 * uninterrupted run.
 * @throws {OutputError} if the scratch folder does not fit the checkpoint, or was made with other options.
 */
export async function resumeCog(options: CogOptions, checkpoint: CogCheckpoint): Promise<CogWriter> {
  const choices = chooseCog(options);
  const state = checkpoint.state as unknown as CheckpointState;
  if (state.made !== madeWith(options, choices)) {
    throw new OutputError(options.scratch, 'it was begun with other options', { advice: 'use the same options, or --overwrite to start again' });
  }
  const levels = makeLevels(options, choices);
  const spool = await openSpool(options.scratch, levels.map((level) => level.across * level.down), state.spool);
  try {
    await writingTo(options.scratch, () => restoreLevels(levels, formatOf(options, choices), spool, state));
  } catch (error) {
    await spool.close();
    throw error;
  }
  return createWriter(options, choices, levels, spool, state.kept);
}

/** Bytes that a writer of these options holds at most, beside the rows that are handed to it. */
export function cogMemory(options: CogOptions): number {
  const choices = chooseCog(options);
  const format = formatOf(options, choices);
  const blockBytes = blockBytesOf(format);
  const rowBytes = (width: number): number => width * format.bands * bytesPerSample(format.dtype);
  const queue = queueLength(choices, blockBytes);
  const levels = levelsOf(options, choices);
  let bytes = 0;
  for (const size of levels) {
    const across = Math.ceil(size.width / format.size);
    bytes += across * blockBytes + rowBytes(size.width) * (1 + CHUNK_ROWS / 2) + across * Math.ceil(size.height / format.size) * 12;
  }
  // Every queued block and its packed form; zlib's own state for those being compressed; the copy buffer of the end.
  return bytes + queue * blockBytes + (queue + choices.concurrency) * blockBytes + choices.concurrency * (400 << 10) + (4 << 20);
}

function queueLength(choices: CogChoices, blockBytes: number): number {
  return Math.max(choices.concurrency + 1, Math.min(QUEUE_BLOCKS, Math.floor(QUEUE_BYTES / blockBytes)));
}

function blockBytesOf(format: BlockFormat): number {
  return format.size * format.size * format.bands * bytesPerSample(format.dtype);
}

function formatOf(options: CogOptions, choices: CogChoices): BlockFormat {
  return { size: choices.blockSize, bands: options.bands, dtype: options.dtype };
}

function levelsOf(options: CogOptions, choices: CogChoices): LevelSize[] {
  const sizes = levelSizes(options.width, options.height, SMALLEST_OVERVIEW);
  return choices.overviews === 'none' ? sizes.slice(0, 1) : sizes;
}

function makeLevels(options: CogOptions, choices: CogChoices): Level[] {
  return levelsOf(options, choices).map((size, number) => createLevel(number, size, formatOf(options, choices)));
}

function madeWith(options: CogOptions, choices: CogChoices): string {
  const { width, height, alphaBand } = options;
  const { packing, blockSize, overviews, nodata } = choices;
  return JSON.stringify([width, height, alphaBand ?? null, packing, blockSize, overviews, nodata === undefined ? null : String(nodata)]);
}

/** Puts the levels back to where they were. */
async function restoreLevels(levels: readonly Level[], format: BlockFormat, spool: Spool, state: CheckpointState): Promise<void> {
  await restoreRows(spool, levels, format, state.kept);
  levels.forEach((level, number) => {
    level.rows = state.rows[number]!;
    level.waits = number + 1 < levels.length && level.rows % 2 === 1 && level.rows < level.height;
    if (level.waits) rowOfBlocks(level, format, level.rows - 1, level.waiting);
  });
}

function createWriter(options: CogOptions, choices: CogChoices, levels: readonly Level[], spool: Spool, keptBefore: KeptRowsMark): CogWriter {
  const format = formatOf(options, choices);
  const base = levels[0]!;
  const reduction = reductionOf(options, choices);
  // One row more than half a chunk: a waiting row before it and an odd one at the end of the level make one each.
  const reduced = levels.map((level) => allocate(format.dtype, (CHUNK_ROWS / 2 + 1) * level.width * format.bands));
  const queue = createBlockQueue(spool, {
    format, packing: choices.packing, concurrency: choices.concurrency, longest: queueLength(choices, blockBytesOf(format)), scratch: options.scratch,
  });
  const keeper = createRowKeeper(spool, levels, format, keptBefore);
  let checkpoints: Promise<unknown> = Promise.resolve();

  /** Takes rows into a level, hands on full blocks, and passes the reduced rows down. */
  const put = async (level: Level, rows: TypedArray, rowCount: number): Promise<void> => {
    for (let done = 0; done < rowCount;) {
      const inBlock = level.rows % format.size;
      const count = Math.min(rowCount - done, CHUNK_ROWS, format.size - inBlock);
      while (level.blocks.length < level.across) level.blocks.push(queue.takeBuffer());
      fillBlocks(level, format, rows, done, count);
      level.rows += count;
      if (level.rows % format.size === 0 || level.rows === level.height) {
        padBlocks(level, format, inBlock + count);
        const first = Math.floor((level.rows - 1) / format.size) * level.across;
        const full = level.blocks;
        level.blocks = [];
        for (let column = 0; column < full.length; column++) await queue.submit(level.number, first + column, full[column]!);
      }
      const next = levels[level.number + 1];
      if (next !== undefined && reduction !== undefined) {
        const target = reduced[next.number]!;
        const made = halve(level, rows, { first: done, count }, target, next.width, reduction);
        if (made > 0) await put(next, target, made);
      }
      done += count;
    }
  };

  return {
    get rowsWritten() {
      return base.rows;
    },
    async write(rows, rowCount) {
      queue.check();
      if (base.rows + rowCount > base.height) throw new RangeError(`rows up to ${base.rows + rowCount} of ${base.height}`);
      if (rows.length < rowCount * base.width * format.bands) throw new RangeError(`${rows.length} samples for ${rowCount} rows of ${base.width * format.bands}`);
      if (dataTypeOf(rows) !== format.dtype) throw new TypeError(`samples of ${dataTypeOf(rows)} for a file of ${format.dtype}`);
      await put(base, rows, rowCount);
    },
    async checkpoint() {
      queue.check();
      // Everything that describes this moment is taken before the first await: rows may be written while the disk works.
      const rows = levels.map((level) => level.rows);
      const kept = keepNow(keeper, options.scratch);
      const marked = queue.whenAppended(() => spool.mark());
      const mine = checkpoints.then(async (): Promise<CogCheckpoint> => {
        const mark = await marked;
        queue.check();
        await writingTo(options.scratch, () => spool.sync(kept.file));
        const state: CheckpointState = { made: madeWith(options, choices), rows, spool: mark, kept };
        return { state, carry: new Uint8Array(0) };
      });
      checkpoints = mine.catch(() => undefined);
      return await mine;
    },
    async finish(path) {
      if (base.rows !== base.height) throw new RangeError(`${base.rows} of ${base.height} rows were written`);
      await queue.whenAppended(() => undefined);
      queue.check();
      const layout = layOut({
        shape: { width: options.width, height: options.height, bands: options.bands, dtype: options.dtype },
        packing: choices.packing,
        description: { ...options, nodata: choices.nodata },
        blockSize: choices.blockSize,
        levels,
        byteCounts: spool.byteCounts,
        bigTiff: options.bigTiff,
      });
      await writingTo(path, () => assemble(path, layout, spool));
      return { bytes: layout.bytes, overviews: levels.length - 1 };
    },
    async close() {
      await Promise.all([queue.whenAppended(() => undefined), checkpoints]);
      await spool.close();
    },
    async abort() {
      queue.stop();
      await Promise.all([queue.whenAppended(() => undefined), checkpoints]);
      await spool.remove();
    },
  };
}

function keepNow(keeper: RowKeeper, scratch: string): KeptRowsMark {
  try {
    return keeper.keep();
  } catch (error) {
    throw outputError(scratch, error);
  }
}

async function assemble(path: string, layout: CogLayout, spool: Spool): Promise<void> {
  const target = await open(path, 'w');
  try {
    await writeAll(target, [layout.head], 0);
    await spool.copyTo(target, layout.head.length);
    await target.sync();
  } catch (error) {
    // Half a file is of no use; a device is not ours to remove.
    if ((await target.stat()).isFile()) await rm(path, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

function reductionOf(options: CogOptions, choices: CogChoices): Reduction | undefined {
  if (choices.overviews === 'none') return undefined;
  return {
    method: choices.overviews,
    bands: options.bands,
    integer: !options.dtype.startsWith('float'),
    nodata: choices.nodata,
    alphaBand: options.alphaBand,
  };
}

/**
 * Reduces the rows that have a partner to rows of the next level; an odd one waits in the level, or goes alone where the
 * level ends. Returns the number of rows made.
 */
function halve(
  level: Level, rows: TypedArray, part: { readonly first: number; readonly count: number }, target: TypedArray, nextWidth: number, reduction: Reduction,
): number {
  const rowLength = level.width * reduction.bands;
  const nextLength = nextWidth * reduction.bands;
  const end = part.first + part.count;
  let row = part.first;
  let made = 0;
  if (level.waits) {
    reduceRows(level.waiting, 0, rows, row * rowLength, level.width, target, 0, reduction);
    level.waits = false;
    made++;
    row++;
  }
  for (; row + 1 < end; row += 2) {
    reduceRows(rows, row * rowLength, rows, (row + 1) * rowLength, level.width, target, nextLength * made++, reduction);
  }
  if (row < end) {
    if (level.rows === level.height) {
      reduceRows(rows, row * rowLength, rows, row * rowLength, level.width, target, nextLength * made++, reduction);
    } else {
      level.waiting.set(rows.subarray(row * rowLength, (row + 1) * rowLength));
      level.waits = true;
    }
  }
  return made;
}
