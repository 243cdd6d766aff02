import { readdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Interrupted, InvalidOptionError } from '../errors.js';
import { patchCount } from '../grid/index.js';
import { fullWindow, type Scene } from '../raster/index.js';
import { checkRoom, hasJournal, refuseSceneInFolder, openJournal, ordered, peakRss, placeFiles, writeWhole, type Journal, type TaskContext } from '../run/index.js';
import { openScene } from '../scene/index.js';
import { MANIFEST, manifestText, type TileManifest, type TileRecord } from '../tiles/index.js';
import { packedShare } from './rows/raster-file.js';
import { asError, createCutter } from './tiles/cutter.js';
import { checkTiles, clearTiles, JOURNAL_FOLDER, manifestOf } from './tiles/folder.js';
import type { TileOptions, TileResult } from './tiles/options.js';
import { planTiles, positionsOf, rawTileBytes, type TilePlan } from './tiles/plan.js';
import { stateOfTile } from './tiles/tile-file.js';

export type { TileOptions, TileResult } from './tiles/options.js';

/**
 * Cuts a scene into overlapping tiles, one file each, with their georeferencing and a list, `tiles.json`, which is written
 * last. Reads the scene once, top to bottom. A run that was stopped goes on: tiles whose checksums hold are kept.
 * @throws {InvalidOptionError} if sizes, bands or format do not fit, or the folder holds tiles of another run.
 * @throws {InvalidFileError} if the scene cannot be read.
 * @throws {OutputError} if the folder cannot be written.
 */
export async function tile(options: TileOptions, context: TaskContext = {}): Promise<TileResult> {
  // Rows are read in steps of whole blocks, so nothing needs to be kept decoded.
  const scene = await openScene(options.scene, { cacheBytes: 0, ...(options.page === undefined ? {} : { page: options.page }) });
  try {
    return await tileScene(scene, options, context);
  } finally {
    await scene.close();
  }
}

/** As {@link tile}, of a scene that is open already. */
export async function tileScene(scene: Scene, options: Omit<TileOptions, 'scene'>, context: TaskContext = {}): Promise<TileResult> {
  const started = performance.now();
  const plan = planTiles(scene, options);
  if (scene.profile.files?.some((file) => dirname(file) === plan.folder)) {
    throw new InvalidOptionError('<folder>', `${options.folder} holds files of the scene`, { advice: 'choose another folder' });
  }
  await refuseSceneInFolder('<folder>', plan.folder, scene.profile);
  if (options.dryRun === true) return resultOf(plan, { dryRun: true, records: [], written: 0, started });
  const done = await checkTiles(plan, options.overwrite === true);
  const journalFolder = join(plan.folder, JOURNAL_FOLDER);
  // A run that goes on has been checked, and has used some of the room already.
  if (done === undefined && !await hasJournal(journalFolder)) await checkRoom(plan.folder, await estimateBytes(scene, plan, context.signal));
  if (done !== undefined) {
    // A kill between the last name and the end leaves the journal.
    if (await hasJournal(journalFolder)) await (await openJournal({ folder: journalFolder, identity: plan.identity, restart: true })).complete();
    return await repair(scene, plan, done, context, started);
  }
  const wasThere = await stat(plan.folder).then(() => true, () => false);
  const journal = await openJournal({ folder: journalFolder, identity: plan.identity, restart: options.overwrite, keepEmpty: true, refusal: { option: '<folder>' } });
  let complete = false;
  try {
    if (options.overwrite === true && journal.states.length === 0) await clearTiles(plan.folder);
    const { records, written } = await cutScene(scene, plan, journal, context);
    const list = { temporary: join(journalFolder, MANIFEST), path: join(plan.folder, MANIFEST) };
    await writeWhole(list.temporary, manifestText(manifestOf(plan, records)));
    await placeFiles({ partial: journalFolder, overwrite: options.overwrite === true, files: [list], option: '<folder>' });
    complete = true;
    return resultOf(plan, { dryRun: false, records, written, started });
  } finally {
    if (complete || await isBarren(plan.folder, journal)) await journal.complete();
    else await journal.close();
    if (!complete && !wasThere) await rmdir(plan.folder).catch(() => undefined); // unless there is something in it
  }
}

/** Whether a run that ended early left nothing that the next could go on with. */
async function isBarren(folder: string, journal: Journal): Promise<boolean> {
  return journal.states.length === 0 && (await readdir(folder)).every((name) => name === JOURNAL_FOLDER);
}

/** About what all tiles will take, from windows of the scene that are packed in a like way. */
async function estimateBytes(scene: Scene, plan: TilePlan, signal: AbortSignal | undefined): Promise<number> {
  const raw = patchCount(plan.grid) * rawTileBytes(plan.grid, plan.tiled);
  if (plan.format === 'npy') return raw;
  const { palette, alphaBand } = plan.tiled;
  const compression = plan.format === 'jpg' ? 'jpeg' : 'deflate';
  return Math.ceil(raw * await packedShare(scene, fullWindow(plan.profile), plan.bands, { compression, quality: plan.quality, palette, alphaBand }, signal));
}

/** Cuts all strips that the journal does not have, and those tiles of it that are not whole any more. */
async function cutScene(scene: Scene, plan: TilePlan, journal: Journal, context: TaskContext): Promise<{ records: TileRecord[]; written: number }> {
  const { grid } = plan;
  const all: TileRecord[] = [];
  const cutter = createCutter(scene, plan, context);
  let order: Promise<void> = Promise.resolve();
  let failure: Error | undefined;
  try {
    for (let row = 0; row < grid.rows.length; row++) {
      const positions = positionsOf(plan, row);
      const noted = journal.states[row] as readonly (readonly [number, number])[] | undefined;
      if (noted !== undefined) {
        const records = positions.map((position, i) => ({ ...position, bytes: noted[i]![0], crc32: noted[i]![1] }));
        const { missing, changed } = await damaged(plan, records);
        await cutter.rewrite(row, [...missing, ...changed]);
        all.push(...records);
        continue;
      }
      const jobs = await cutter.cut(row, positions);
      // The strip is noted when its tiles are written, while the next strips are cut already.
      order = order.then(async () => {
        try {
          const records = await Promise.all(jobs);
          if (failure !== undefined) return;
          await journal.append({ step: row, state: records.map(({ bytes, crc32 }) => [bytes, crc32]), carry: [] });
          all.push(...records);
          context.onProgress?.({ stage: 'tile', done: row + 1, total: grid.rows.length, unit: 'strips', detail: all.length === 1 ? '1 tile' : `${all.length} tiles` });
        } catch (error) {
          failure ??= asError(error);
        }
      });
      if (failure !== undefined) break;
    }
    await order;
    if (failure !== undefined) throw failure;
    return { records: all, written: cutter.written() };
  } catch (error) {
    failure ??= asError(error);
    await order;
    await cutter.close();
    if (context.signal?.aborted === true) throw new Interrupted('interrupted', { advice: 'the same command goes on', cause: error });
    throw error;
  }
}

/**
 * Goes over a finished run: tiles that are missing are written again.
 * @throws {InvalidOptionError} naming a tile that is not as it was written: it may have been edited. Nothing is written then.
 */
async function repair(scene: Scene, plan: TilePlan, manifest: TileManifest, context: TaskContext, started: number): Promise<TileResult> {
  const { missing, changed } = await damaged(plan, manifest.tiles);
  if (changed.length > 0) {
    const others = changed.length === 1 ? 'is' : `and ${changed.length - 1} more are`;
    throw new InvalidOptionError('<folder>', `${join(plan.folder, changed[0]!.file)} ${others} not as written by the earlier run`, {
      advice: 'remove what should be made again, or add --overwrite to replace all tiles',
    });
  }
  const cutter = createCutter(scene, plan, context);
  try {
    for (let row = 0; row < plan.grid.rows.length; row++) await cutter.rewrite(row, missing.filter((record) => record.row === row));
    return resultOf(plan, { dryRun: false, records: manifest.tiles, written: cutter.written(), started });
  } finally {
    await cutter.close();
  }
}

interface Damaged {
  readonly missing: readonly TileRecord[];
  readonly changed: readonly TileRecord[];
}

async function damaged(plan: TilePlan, records: readonly TileRecord[]): Promise<Damaged> {
  const found: Record<'missing' | 'changed', TileRecord[]> = { missing: [], changed: [] };
  for await (const [record, state] of ordered(records, plan.inFlight, async (one) => [one, await stateOfTile(plan.folder, one)] as const)) {
    if (state !== 'whole') found[state].push(record);
  }
  return found;
}

interface Outcome {
  readonly dryRun: boolean;
  readonly records: readonly TileRecord[];
  readonly written: number;
  readonly started: number;
}

function resultOf(plan: TilePlan, { dryRun, records, written, started }: Outcome): TileResult {
  const { grid, tiled } = plan;
  const tiles = patchCount(grid);
  return {
    scene: plan.profile.source,
    folder: plan.folder,
    manifest: join(plan.folder, MANIFEST),
    dryRun,
    tiles,
    rows: grid.rows.length,
    columns: grid.columns.length,
    tileWidth: Math.min(grid.patchWidth, grid.sceneWidth),
    tileHeight: Math.min(grid.patchHeight, grid.sceneHeight),
    format: plan.format,
    written,
    kept: dryRun ? 0 : tiles - written,
    rawBytes: tiles * rawTileBytes(grid, tiled),
    bytes: records.reduce((sum, record) => sum + record.bytes, 0),
    lossless: plan.format !== 'jpg' && plan.lost.length === 0,
    memory: plan.memory,
    peakRssBytes: peakRss(),
    seconds: (performance.now() - started) / 1000,
    warnings: plan.warnings,
  };
}
