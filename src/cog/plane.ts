import { allocate, bytesPerSample, type TypedArray } from '../raster/index.js';
import { createBlockQueue } from './block-queue.js';
import { createRowKeeper, restoreRows, type KeptRowsMark } from './kept-rows.js';
import type { LevelSize } from './layout.js';
import { createLevel, fillBlocks, padBlocks, rowOfBlocks, type BlockFormat } from './level.js';
import { openSpool, type Spool, type SpoolMark } from './spool.js';

export interface PlaneOptions {
  /** Folder of its own. */
  readonly scratch: string;
  readonly sizes: readonly LevelSize[];
  readonly format: BlockFormat;
  readonly concurrency: number;
  readonly queueLength: number;
  readonly pack: (block: TypedArray) => Promise<Uint8Array>;
}

/** Where a plane stood. Plain JSON; a type, because interfaces are not assignable to index signatures. */
export type PlaneMark = {
  readonly spool: SpoolMark;
  readonly kept: KeptRowsMark;
};

/** The samples of a file, or its mask, with all their overviews: rows in, packed blocks in a spool out. */
export interface Plane {
  readonly spool: Spool;
  readonly sizes: readonly LevelSize[];
  /** Rows that every level has taken. */
  rows(): number[];
  /** Puts rows into a level's blocks and hands on those that are full. They must not pass the end of a row of blocks. */
  put(level: number, rows: TypedArray, part: RowPart): Promise<void>;
  /** Keeps the rows of unfinished blocks on disk, at once; the rest of the mark follows when all blocks so far are spooled. */
  mark(): { readonly kept: KeptRowsMark; readonly spooled: Promise<PlaneMark> };
  /** A row of an unfinished row of blocks. */
  rowOf(level: number, row: number): TypedArray;
  /** Throws the error that stopped it, if one did. */
  check(): void;
  /** Waits until all blocks so far are spooled. */
  settle(): Promise<void>;
  stop(): void;
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** Consecutive rows of an array of rows. */
export interface RowPart {
  readonly first: number;
  readonly count: number;
}

/** @throws {OutputError} if the scratch folder cannot be written, or lacks what the mark needs. */
export async function openPlane(options: PlaneOptions, at?: { readonly mark: PlaneMark; readonly rows: readonly number[] }): Promise<Plane> {
  const { scratch, sizes, format } = options;
  const levels = sizes.map((size, number) => createLevel(number, size, format.size));
  const spool = await openSpool(scratch, levels.map((level) => level.across * level.down), at?.mark.spool);
  if (at !== undefined) {
    try {
      await restoreRows(spool, levels, format, at.mark.kept);
    } catch (error) {
      await spool.close();
      throw error;
    }
    levels.forEach((level, number) => { level.rows = at.rows[number]!; });
  }
  const queue = createBlockQueue(spool, { format, pack: options.pack, concurrency: options.concurrency, longest: options.queueLength, scratch });
  const keeper = createRowKeeper(spool, levels, format, at?.mark.kept ?? { file: 0, segments: [] });
  return {
    spool,
    sizes,
    rows: () => levels.map((level) => level.rows),
    async put(number, rows, { first, count }) {
      const level = levels[number]!;
      const inBlock = level.rows % format.size;
      while (level.blocks.length < level.across) level.blocks.push(queue.takeBuffer());
      fillBlocks(level, format, rows, first, count);
      level.rows += count;
      if (level.rows % format.size !== 0 && level.rows !== level.height) return;
      padBlocks(level, format, inBlock + count);
      const start = Math.floor((level.rows - 1) / format.size) * level.across;
      const full = level.blocks;
      level.blocks = [];
      for (let column = 0; column < full.length; column++) await queue.submit(number, start + column, full[column]!);
    },
    mark() {
      const kept = keeper.keep();
      return { kept, spooled: queue.whenAppended(() => ({ spool: spool.mark(), kept })) };
    },
    rowOf(number, row) {
      const level = levels[number]!;
      const target = allocate(format.dtype, level.width * format.bands);
      rowOfBlocks(level, format, row, target);
      return target;
    },
    check: () => queue.check(),
    settle: () => queue.whenAppended(() => undefined),
    stop: () => queue.stop(),
    close: () => spool.close(),
    remove: () => spool.remove(),
  };
}

/** Bytes of one block. */
export function blockBytesOf(format: BlockFormat): number {
  return format.size * format.size * format.bands * bytesPerSample(format.dtype);
}
