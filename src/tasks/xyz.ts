import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Interrupted, InvalidOptionError, throwIfAborted } from '../errors.js';
import { outputError } from '../cog/index.js';
import { encodeMapTile, rasterPicture, sceneStretch } from '../picture/index.js';
import { bytesPerSample, fullWindow, type Scene } from '../raster/index.js';
import { checkRoom, hasJournal, makeFolder, openJournal, ordered, placeFiles, refuseSceneInFolder, peakRss, writeWhole, type Journal, type TaskContext } from '../run/index.js';
import { openScene } from '../scene/index.js';
import { packedShare } from './rows/raster-file.js';
import { warpCacheBytes } from './rows/warped-rows.js';
import { writeFileWhole } from './tiles/tile-file.js';
import { checkXyzFolder, clearXyz, JOURNAL_FOLDER, TILE_JSON, tileJsonText } from './xyz/folder.js';
import { estimateSeconds } from './xyz/estimate-time.js';
import type { XyzFormat, XyzOptions, XyzResult } from './xyz/options.js';
import { planXyz, TILES_IN_FLIGHT, type XyzPlan } from './xyz/plan.js';
import { createPyramid } from './xyz/pyramid.js';
import { TILE_EDGE } from './xyz/web-mercator.js';

export type { XyzOptions, XyzResult } from './xyz/options.js';

/** Lower zoom levels add a third to the deepest. */
const WITH_LOWER_ZOOMS = 4 / 3;
/** A small file takes at least a page of the disk. */
const SMALLEST_FILE = 4096;

/**
 * Cuts a scene into tiles for web maps: 256 pixels, Web Mercator, `<zoom>/<x>/<y>.png` or `.webp`, transparent where the scene has
 * nothing, with `tilejson.json`. The scene is read once, for the deepest zoom level; each lower one is made of the one below
 * it while that passes. 8-bit scenes keep their values; others are stretched from the 2nd to the 98th percentile. A run that
 * was stopped goes on behind its last finished rows of tiles.
 * @throws {InvalidOptionError} if the scene has no place, options do not fit it, or the folder holds something else.
 * @throws {InvalidFileError} if the scene cannot be read.
 * @throws {OutputError} if the folder cannot be written, or the disk has no room.
 */
export async function tileXyz(options: XyzOptions, context: TaskContext = {}): Promise<XyzResult> {
  const started = performance.now();
  const { quality } = options;
  if (quality !== undefined && (!Number.isInteger(quality) || quality < 1 || quality > 100)) throw new InvalidOptionError('--quality', `expected 1 to 100, got ${quality}`);
  const scene = await openForWarp(options.scene, options.page);
  try {
    const plan = planXyz(scene, options);
    const estimatedBytes = await estimate(scene, plan, options, context.signal);
    const facts = { scene, plan, options, started, estimatedBytes };
    await refuseSceneInFolder('--xyz', plan.folder, scene.profile);
    if (options.dryRun === true) return { ...resultOf(facts, { written: 0, bytes: 0 }), estimatedSeconds: await estimateSeconds(scene, plan, options, context.signal) };
    await checkXyzFolder(plan.folder, options.overwrite === true);
    await checkRoom(plan.folder, estimatedBytes);
    const partial = join(plan.folder, JOURNAL_FOLDER);
    const begun = await hasJournal(partial);
    let journal = await openJournal({ folder: partial, identity: plan.identity, restart: options.overwrite, keepEmpty: true, refusal: { option: '--xyz' } });
    let complete = false;
    try {
      const found = await tilesOfJournal(journal, plan.folder, options.format ?? 'png');
      if (found?.lost !== undefined && options.overwrite !== true) {
        throw new InvalidOptionError('--xyz', `${found.lost} of the unfinished run in ${plan.folder} is gone, or not what was written`, { advice: 'add --overwrite to start anew' });
      }
      if (found?.lost !== undefined) {
        await journal.complete();
        journal = await openJournal({ folder: partial, identity: plan.identity, keepEmpty: true });
      }
      const resumed = found?.lost === undefined ? found : undefined;
      if (resumed === undefined && (options.overwrite === true || begun)) await clearXyz(plan.folder, begun);
      const done = await writeTiles({ scene, plan, options, journal, resumed: resumed ?? { written: 0, bytes: 0 } }, context);
      const list = { temporary: join(partial, TILE_JSON), path: join(plan.folder, TILE_JSON) };
      await writeWhole(list.temporary, tileJsonText(plan, options.format ?? 'png'));
      await placeFiles({ partial, overwrite: options.overwrite === true, files: [list], option: '--xyz' });
      complete = true;
      return resultOf(facts, done);
    } finally {
      if (complete) await journal.complete();
      else await journal.close();
    }
  } catch (error) {
    if (context.signal?.aborted === true) throw new Interrupted('interrupted', { advice: 'the same command goes on', cause: error });
    throw error;
  } finally {
    await scene.close();
  }
}

async function openForWarp(source: string, page?: number): Promise<Scene> {
  const one = page === undefined ? {} : { page };
  const scene = await openScene(source, { cacheBytes: 0, ...one });
  await scene.close();
  return await openScene(source, { cacheBytes: warpCacheBytes(scene.profile), ...one });
}

interface Written {
  readonly written: number;
  readonly bytes: number;
}

type TileState = readonly [zoom: number, x: number, y: number, bytes: number, crc32: number];

/** What a step of the journal says: rows of tiles of the pyramid, and the tiles that were written since the step before. */
interface StepState {
  readonly rows: readonly number[];
  /** Zoom, column, row, length and CRC-32 of each. */
  readonly tiles: readonly TileState[];
}

/** Counts what an earlier run wrote, and names the first tile that is not there any more; `undefined` where it finished nothing. */
async function tilesOfJournal(journal: Journal, folder: string, format: XyzFormat): Promise<(Written & { readonly lost?: string }) | undefined> {
  if (journal.last === undefined) return undefined;
  const tiles = journal.states.flatMap((state) => (state as unknown as StepState).tiles);
  const all = { written: tiles.length, bytes: tiles.reduce((sum, [, , , length]) => sum + length, 0) };
  for await (const [[zoom, x, y], isWhole] of ordered(tiles, TILES_IN_FLIGHT, async (tile) => [tile, await isAsWritten(tilePath(folder, tile, format), tile)] as const)) {
    if (!isWhole) return { ...all, lost: `${zoom}/${x}/${y}.${format}` };
  }
  return all;
}

async function isAsWritten(path: string, [, , , bytes, sum]: TileState): Promise<boolean> {
  const content = await readFile(path).catch(() => undefined);
  return content !== undefined && content.length === bytes && crc32(content) === sum;
}

function tilePath(folder: string, [zoom, x, y]: readonly [zoom: number, x: number, y: number, ...rest: number[]], format: XyzFormat): string {
  return join(folder, String(zoom), String(x), `${y}.${format}`);
}

/** Noting a step may take this share of the time, so that wide scenes with their large carried rows note fewer of them. */
const NOTING_SHARE = 0.1;

interface Job {
  readonly scene: Scene;
  readonly plan: XyzPlan;
  readonly options: XyzOptions;
  readonly journal: Journal;
  readonly resumed: Written;
}

async function writeTiles({ scene, plan, options, journal, resumed }: Job, context: TaskContext): Promise<Written> {
  const { profile } = scene;
  const { format = 'png', quality = 80 } = options;
  const palette = plan.categorical ? profile.palette : undefined;
  const stretch = await sceneStretch(scene, { bands: plan.bands, ...(context.signal ? { signal: context.signal } : {}) });
  const running = new Set<Promise<void>>();
  const folders = new Set<string>();
  let failure: Error | undefined;
  let { written, bytes } = resumed;
  let fresh: TileState[] = [];
  const { last } = journal;
  const saved = last && { rows: (last.state as unknown as StepState).rows, halves: last.carry.map((part) => (part.length === 0 ? part : inflateRawSync(part))) };
  const pyramid = createPyramid({
    ...(saved === undefined ? {} : { saved }),
    levels: plan.levels, bands: plan.bands.length, dtype: profile.dtype, nodata: profile.nodata, method: plan.categorical ? 'mode' : 'average',
    async emit({ zoom, x: counted, y, raster }) {
      // Beyond the antimeridian columns begin again.
      const x = counted % 2 ** zoom;
      while (running.size >= Math.max(2, Math.min(TILES_IN_FLIGHT, 2 * availableParallelism()))) await Promise.race(running);
      if (failure !== undefined) throw failure;
      const folder = join(plan.folder, String(zoom), String(x));
      const job = (async () => {
        if (!folders.has(folder)) await makeFolder(folder);
        folders.add(folder);
        const packed = await encodeMapTile(rasterPicture(raster, stretch, palette), format, { quality, lossless: plan.categorical });
        await writeFileWhole(join(folder, `${y}.${format}`), [packed]);
        fresh.push([zoom, x, y, packed.length, crc32(packed)]);
        written++;
        bytes += packed.length;
      })().catch((error: unknown) => {
        failure ??= outputError(folder, error);
      });
      const tracked: Promise<void> = job.then(() => void running.delete(tracked));
      running.add(tracked);
    },
  });
  try {
    const total = plan.source.height / TILE_EDGE;
    const top = saved === undefined ? 0 : (saved.rows[0]! - plan.levels[0]!.top) * TILE_EDGE;
    let [step, noted, took] = [journal.states.length, performance.now(), 0];
    const note = async (): Promise<void> => {
      const began = performance.now();
      await Promise.all(running);
      if (failure !== undefined) throw failure;
      const { rows, halves } = pyramid.save();
      const tiles = fresh;
      fresh = [];
      await journal.append({ step: step++, state: { rows, tiles }, carry: halves.map((part) => (part.length === 0 ? part : deflateRawSync(part, { level: 1 }))) });
      noted = performance.now();
      took = noted - began;
    };
    for await (const rows of plan.source.rows(top, context.signal)) {
      throwIfAborted(context.signal);
      await pyramid.push(rows);
      const done = Math.floor((rows.top + rows.count) / TILE_EDGE);
      const isEven = (rows.top + rows.count) % TILE_EDGE === 0;
      if (isEven && done < total && performance.now() - noted >= took / NOTING_SHARE) await note();
      if (done > Math.floor(rows.top / TILE_EDGE)) context.onProgress?.({ stage: 'tile', done, total, unit: 'rows of tiles', detail: `${written} tiles` });
    }
  } finally {
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure;
  return { written, bytes };
}

/** About what all tiles will take, from windows of the scene that are packed in a like way. */
async function estimate(scene: Scene, plan: XyzPlan, options: XyzOptions, signal: AbortSignal | undefined): Promise<number> {
  const { profile } = scene;
  const eightBit = profile.dtype === 'uint8';
  const compression = options.format === 'webp' && eightBit && plan.bands.length === 3 ? 'webp' : 'deflate';
  const share = await packedShare(scene, fullWindow(profile), plan.bands, { compression, quality: options.quality ?? 80, ...(plan.categorical ? { palette: profile.palette } : {}) }, signal);
  const pixels = Math.min(plan.source.width * plan.source.height, profile.width * profile.height * 2);
  return Math.ceil(pixels * plan.bands.length * share * (eightBit ? 1 : 1 / bytesPerSample(profile.dtype)) * WITH_LOWER_ZOOMS) + plan.tiles * (SMALLEST_FILE / 2);
}

interface Facts {
  readonly scene: Scene;
  readonly plan: XyzPlan;
  readonly options: XyzOptions;
  readonly started: number;
  readonly estimatedBytes: number;
}

function resultOf({ scene, plan, options, started, estimatedBytes }: Facts, { written, bytes }: Written): XyzResult {
  return {
    scene: options.scene, folder: plan.folder, tileJson: join(plan.folder, TILE_JSON), dryRun: options.dryRun === true,
    minZoom: plan.levels.at(-1)!.zoom, maxZoom: plan.levels[0]!.zoom, tiles: plan.tiles, written, bytes, estimatedBytes,
    resampling: plan.resampling, bounds: plan.bounds, memory: plan.memory, peakRssBytes: peakRss(), seconds: (performance.now() - started) / 1000,
    warnings: scene.profile.notes,
  };
}
