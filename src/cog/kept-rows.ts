import { bytesOf, bytesPerSample, viewAs } from '../raster/index.js';
import { newBlock, type BlockFormat, type Level } from './level.js';
import type { Spool } from './spool.js';

/** A stretch of rows of one level's unfinished row of blocks, kept on disk for a resume. */
export type KeptRows = {
  readonly level: number;
  /** Rows of the row of blocks, `from` ≤ row < `to`; for every block its rows together, blocks left to right. */
  readonly from: number;
  readonly to: number;
  /** Byte offset in the rows file. */
  readonly at: number;
};

export type KeptRowsMark = {
  readonly file: 0 | 1;
  readonly segments: readonly KeptRows[];
};

export interface RowKeeper {
  /** Writes the rows of unfinished blocks that are not on disk yet, at once, and says where all of them are. */
  keep(): KeptRowsMark;
}

/**
 * Keeps the rows of unfinished blocks in one of the spool's two rows files. New rows are appended; when more than half of
 * the file is of no use any more, all goes to the other file, so that the checkpoint before stays whole.
 */
export function createRowKeeper(spool: Spool, levels: readonly Level[], format: BlockFormat, before: KeptRowsMark): RowKeeper {
  const rowLength = format.size * format.bands;
  const rowBytes = rowLength * bytesPerSample(format.dtype);
  const capacity = levels.reduce((sum, level) => sum + level.across * format.size * rowBytes, 0);
  const rowOfBlocks = (level: Level): number => Math.floor(level.rows / format.size);
  /** Which row of blocks a level's kept rows belong to. */
  const keptIn = new Map(before.segments.map(({ level }) => [level, rowOfBlocks(levels[level]!)]));
  let kept = before;
  let end = before.segments.reduce((most, { level, from, to, at }) => Math.max(most, at + (to - from) * rowBytes * levels[level]!.across), 0);

  return {
    keep() {
      let { file } = kept;
      let segments = kept.segments.filter(({ level }) => levels[level]!.blocks.length > 0 && keptIn.get(level) === rowOfBlocks(levels[level]!));
      if (end > 2 * capacity) {
        file = file === 0 ? 1 : 0;
        spool.clearRows(file);
        segments = [];
        end = 0;
      }
      for (const level of levels) {
        const to = level.blocks.length === 0 ? 0 : level.rows % format.size;
        const from = segments.reduce((most, segment) => (segment.level === level.number ? Math.max(most, segment.to) : most), 0);
        if (to <= from) continue;
        spool.keepRows(file, end, level.blocks.map((block) => bytesOf(block.subarray(from * rowLength, to * rowLength))));
        segments.push({ level: level.number, from, to, at: end });
        end += (to - from) * rowBytes * level.across;
        keptIn.set(level.number, rowOfBlocks(level));
      }
      kept = { file, segments };
      return kept;
    },
  };
}

/** Puts kept rows back into the blocks of the levels. */
export async function restoreRows(spool: Spool, levels: readonly Level[], format: BlockFormat, kept: KeptRowsMark): Promise<void> {
  const rowLength = format.size * format.bands;
  for (const { level: number, from, to, at } of kept.segments) {
    const level = levels[number]!;
    const pieceLength = (to - from) * rowLength;
    const pieceBytes = pieceLength * bytesPerSample(format.dtype);
    const bytes = await spool.readRows(kept.file, at, pieceBytes * level.across);
    for (let column = 0; column < level.across; column++) {
      level.blocks[column] ??= newBlock(format);
      level.blocks[column]!.set(viewAs(format.dtype, bytes.buffer, column * pieceBytes, pieceLength), from * rowLength);
    }
  }
}
