import { join } from 'node:path';
import { Interrupted, OutputError } from '../../errors.js';
import { outputError } from '../../cog/index.js';
import type { Scene, TypedArray } from '../../raster/index.js';
import type { TaskContext } from '../../run/index.js';
import type { TileRecord } from '../../tiles/index.js';
import type { TilePlan } from './plan.js';
import { createRowFeed, type RowFeed } from './row-feed.js';
import { writeTile, type TilePosition, type TileWriting } from './tile-file.js';

export interface Cutter {
  /** Cuts tiles of one strip; the promises it returns end when the tiles are written. Rows go top to bottom. */
  cut(row: number, positions: readonly TilePosition[]): Promise<Promise<TileRecord>[]>;
  /** Cuts tiles again and waits for them. */
  rewrite(row: number, records: readonly TileRecord[]): Promise<void>;
  written(): number;
  close(): Promise<void>;
}

/** Cuts tiles out of the rows of a scene and writes them, several at a time. */
export function createCutter(scene: Scene, plan: TilePlan, context: TaskContext): Cutter {
  const { grid } = plan;
  const feed: RowFeed = createRowFeed(scene, { bands: plan.bands, signal: context.signal });
  const writing: TileWriting = { folder: plan.folder, format: plan.format, scene: plan.tiled, quality: plan.quality };
  const waiting: (() => void)[] = [];
  /** Pixels of tiles that are written: large arrays are dear to make and to collect. */
  const free: TypedArray[] = [];
  let running = 0;
  let written = 0;
  let failure: Error | undefined;

  const job = async (position: TilePosition): Promise<TileRecord> => {
    try {
      const raster = feed.copy(position.window, free.pop());
      const record = await writeTile(raster, position, writing);
      free.push(raster.data);
      written++;
      return record;
    } catch (error) {
      failure ??= outputError(join(plan.folder, position.file), error);
      throw failure;
    } finally {
      running--;
      waiting.shift()?.();
    }
  };

  const cut = async (row: number, positions: readonly TilePosition[]): Promise<Promise<TileRecord>[]> => {
    const top = grid.rows[row]!;
    await feed.need(top, Math.min(grid.sceneHeight, top + grid.patchHeight));
    const jobs: Promise<TileRecord>[] = [];
    for (const position of positions) {
      while (running >= plan.inFlight) await new Promise<void>((go) => waiting.push(go));
      if (failure !== undefined) throw failure;
      if (context.signal?.aborted === true) throw new Interrupted();
      running++;
      const started = job(position);
      // It is awaited with its strip.
      started.catch(() => undefined);
      jobs.push(started);
    }
    return jobs;
  };

  return {
    cut,
    async rewrite(row, records) {
      if (records.length === 0) return;
      const again = await Promise.all(await cut(row, records.map(({ file, column, window }) => ({ file, row, column, window }))));
      again.forEach((record, i) => {
        if (record.crc32 !== records[i]!.crc32) throw new OutputError(join(plan.folder, record.file), 'it came out differently from the first time', { advice: 'start again with --overwrite' });
      });
    },
    written: () => written,
    async close() {
      while (running > 0) await new Promise<void>((go) => waiting.push(go));
      await feed.close();
    },
  };
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
