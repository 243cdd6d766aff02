import { open, rm, type FileHandle } from 'node:fs/promises';
import type { CogLayout } from './layout.js';
import { writeAll, type Spool } from './spool.js';

const COPY_BYTES = 4 << 20;

/**
 * Writes the file: the directories, then the blocks of the overviews from the smallest and of the scene, row by row; each
 * block of the samples is followed by that of the mask, where there is one. Syncs it.
 * @param spools the samples', and the mask's
 */
export async function assemble(path: string, layout: CogLayout, spools: readonly Spool[]): Promise<void> {
  const target = await open(path, 'w');
  try {
    await writeAll(target, [layout.head], 0);
    await copyBlocks(spools, target, layout.head.length);
    await target.sync();
  } catch (error) {
    // Half a file is of no use; a device is not ours to remove.
    if ((await target.stat()).isFile()) await rm(path, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

async function copyBlocks(spools: readonly Spool[], target: FileHandle, at: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  let position = at;
  let filled = 0;
  for (const { spool, start, end } of stretchesOf(spools)) {
    for (let from = start; from < end;) {
      const count = await spool.read(buffer, filled, Math.min(COPY_BYTES - filled, end - from), from);
      from += count;
      filled += count;
      if (filled < COPY_BYTES) continue;
      await writeAll(target, [buffer], position);
      position += filled;
      filled = 0;
    }
  }
  await writeAll(target, [buffer.subarray(0, filled)], position);
}

interface Stretch {
  readonly spool: Spool;
  readonly start: number;
  readonly end: number;
}

/** The blocks in the order of the file; those that stand one after the other in a spool are one stretch. */
function* stretchesOf(spools: readonly Spool[]): Generator<Stretch> {
  const { byteCounts } = spools[0]!;
  let last: Stretch | undefined;
  for (let level = byteCounts.length - 1; level >= 0; level--) {
    for (let block = 0; block < byteCounts[level]!.length; block++) {
      for (const spool of spools) {
        const { start, end } = spool.placeOf(level, block);
        if (last?.spool === spool && last.end === start) {
          last = { spool, start: last.start, end };
        } else {
          if (last !== undefined) yield last;
          last = { spool, start, end };
        }
      }
    }
  }
  if (last !== undefined) yield last;
}
