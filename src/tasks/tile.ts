import { readdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Interrupted, InvalidOptionError, OutputError } from '../errors.js';
import { outputError } from '../cog/index.js';
import { wktFor } from '../georef/index.js';
import { createGrid, patchCount, type Grid } from '../grid/index.js';
import { bytesPerSample, type Scene, type SceneProfile, type TypedArray } from '../raster/index.js';
import {
  canonicalJson, checkFolder, checkSpace, hasJournal, memoryPlan, openJournal, ordered, peakRss, writeWhole,
  type Journal, type Json, type MemoryPlan, type TaskContext, makeFolder,
} from '../run/index.js';
import { openScene, readMemory } from '../scene/index.js';
import {
  MANIFEST, MANIFEST_FORMAT, MANIFEST_VERSION, manifestText, nameWidths, parseTileName, readManifest, tileName, tileWindow,
  type TiledScene, type TileFormat, type TileManifest, type TileRecord,
} from '../tiles/index.js';
import { createRowFeed, type RowFeed } from './tiles/row-feed.js';
import { checkTileFormat, isTileWhole, removeTile, writeTile, type TilePosition, type TileWriting } from './tiles/tile-file.js';

export interface TileOptions {
  /** File of the scene. */
  readonly scene: string;
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** Folder for the tiles; made if absent. */
  readonly folder: string;
  /** Edge of a tile in pixels. Default 512. */
  readonly patchSize?: number;
  /** Pixels that neighbours share. Default 64. */
  readonly overlap?: number;
  /** Default `tif`. */
  readonly format?: TileFormat;
  /** Bands to keep, from 0, in this order. Default: all. */
  readonly bands?: readonly number[];
  /** JPEG quality 1–100. Default 90. */
  readonly quality?: number;
  /** Replaces the tiles of another run in the folder. Default: refuse. */
  readonly overwrite?: boolean;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface TileResult {
  readonly scene: string;
  readonly folder: string;
  /** The list of the tiles. */
  readonly manifest: string;
  readonly dryRun: boolean;
  readonly tiles: number;
  readonly rows: number;
  readonly columns: number;
  /** Size of a tile: the patch size, or the scene's where that is smaller. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly format: TileFormat;
  /** Tiles written now, and tiles of an earlier run that were found whole. */
  readonly written: number;
  readonly kept: number;
  /** Samples of all tiles before compression. */
  readonly rawBytes: number;
  /** Length of all tile files; 0 in a dry run. */
  readonly bytes: number;
  readonly lossless: boolean;
  readonly memory: MemoryPlan;
  readonly peakRssBytes: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** Folder of the journal, inside the folder of the tiles. */
const JOURNAL_FOLDER = 'tiles.partial';
/** What Node, the libraries and the compiled code take before any pixel, measured on Linux with Node 20. */
const BASE_BYTES = 90 << 20;
/** Tiles in memory at the same time: this many per core, so that the cores do not wait for the disk, within this many bytes. */
const TILES_PER_CORE = 4;
const TILES_BYTES = 256 << 20;

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

interface Plan {
  readonly profile: SceneProfile;
  readonly grid: Grid;
  readonly bands: readonly number[];
  readonly tiled: TiledScene;
  readonly format: TileFormat;
  readonly folder: string;
  readonly quality: number;
  readonly identity: { readonly [name: string]: Json };
  readonly inFlight: number;
  readonly memory: MemoryPlan;
  readonly warnings: readonly string[];
}

/** As {@link tile}, of a scene that is open already. */
export async function tileScene(scene: Scene, options: Omit<TileOptions, 'scene'>, context: TaskContext = {}): Promise<TileResult> {
  const started = performance.now();
  const plan = planTiles(scene, options);
  if (scene.profile.files?.some((file) => dirname(file) === plan.folder)) {
    throw new InvalidOptionError('<folder>', `${options.folder} holds files of the scene`, { advice: 'choose another folder' });
  }
  if (options.dryRun === true) return resultOf(plan, { dryRun: true, records: [], written: 0, started });
  const done = await checkTiles(plan, options.overwrite === true);
  if (done !== undefined) return await repair(scene, plan, done, context, started);
  const journal = await openJournal({ folder: join(plan.folder, JOURNAL_FOLDER), identity: plan.identity, restart: options.overwrite, keepEmpty: true });
  let complete = false;
  try {
    if (options.overwrite === true && journal.states.length === 0) await clearTiles(plan.folder);
    const { records, written } = await cutScene(scene, plan, journal, context);
    await writeWhole(join(plan.folder, MANIFEST), manifestText(manifestOf(plan, records)));
    complete = true;
    return resultOf(plan, { dryRun: false, records, written, started });
  } finally {
    if (complete) await journal.complete();
    else await journal.close();
  }
}

function planTiles(scene: Scene, options: Omit<TileOptions, 'scene'>): Plan {
  const { profile } = scene;
  const format = options.format ?? 'tif';
  const quality = options.quality ?? 90;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) throw new InvalidOptionError('--quality', `expected 1 to 100, got ${quality}`);
  const bands = checkBands(options.bands, profile.bands);
  const grid = createGrid({ width: profile.width, height: profile.height, patchSize: options.patchSize ?? 512, overlap: options.overlap ?? 64 });
  const tiled = describe(profile, bands);
  checkTileFormat(format, tiled);
  const tileBytes = rawTileBytes(grid, tiled);
  const inFlight = Math.max(2, Math.min(TILES_PER_CORE * availableParallelism(), Math.floor(TILES_BYTES / (2 * tileBytes))));
  const warnings: string[] = [];
  if (profile.maskSource === 'internal' || profile.maskSource === 'external') warnings.push('the scene\'s mask is not carried into the tiles');
  if (format !== 'tif' && tiled.crs !== undefined && wktFor(tiled.crs) === undefined) {
    warnings.push(`no .prj is written: the scene names its CRS (${tiled.crs.name}) without a definition in WKT; ${MANIFEST} has it`);
  }
  if (format === 'npy' && tiled.nodata !== undefined) warnings.push(`npy holds no nodata value (${tiled.nodata}); ${MANIFEST} has it`);
  const feed = createRowFeed(scene, { bands });
  const memory = memoryPlan([
    { name: 'node and libraries', bytes: BASE_BYTES },
    { name: 'blocks being decoded', bytes: readMemory(profile, 1) },
    { name: 'rows of the scene', bytes: feed.memory(grid.patchHeight) },
    // Their pixels, their packed form, and packed forms that are not collected yet.
    { name: 'tiles being written', bytes: inFlight * 4 * tileBytes },
  ]);
  return {
    profile, grid, bands, tiled, format, folder: resolve(options.folder), quality, inFlight, memory, warnings,
    identity: {
      source: profile.fingerprint,
      'patch size': [grid.patchWidth, grid.patchHeight],
      overlap: grid.overlap,
      format,
      bands,
      ...(format === 'jpg' ? { quality } : {}),
    },
  };
}

function checkBands(bands: readonly number[] | undefined, count: number): readonly number[] {
  if (bands === undefined) return Array.from({ length: count }, (_, band) => band);
  for (const band of bands) {
    if (!Number.isInteger(band) || band < 0 || band >= count) {
      throw new InvalidOptionError('--bands', `the scene has bands 1 to ${count}, got ${band + 1}`);
    }
  }
  if (bands.length === 0) throw new InvalidOptionError('--bands', 'expected at least one band');
  return bands;
}

/** What the tiles together are: the scene, with the chosen bands only. */
function describe(profile: SceneProfile, bands: readonly number[]): TiledScene {
  const { width, height, dtype, nodata, transform, crs, bandNames, palette, classNames } = profile;
  const alpha = profile.alphaBand === undefined ? -1 : bands.indexOf(profile.alphaBand);
  return {
    width, height, bands: bands.length, dtype, nodata, transform, crs,
    alphaBand: alpha < 0 ? undefined : alpha,
    bandNames: bandNames === undefined ? undefined : bands.map((band) => bandNames[band] ?? ''),
    ...(bands.length === 1 ? { palette, classNames } : {}),
  };
}

function rawTileBytes(grid: Grid, tiled: TiledScene): number {
  return Math.min(grid.patchWidth, grid.sceneWidth) * Math.min(grid.patchHeight, grid.sceneHeight) * tiled.bands * bytesPerSample(tiled.dtype);
}

/** Checks the folder; returns the list of a finished same run. Nothing is removed before the folder is locked. */
async function checkTiles(plan: Plan, overwrite: boolean): Promise<TileManifest | undefined> {
  const { folder } = plan;
  await checkFolder(folder);
  await checkSpace(folder, patchCount(plan.grid) * 512);
  const path = join(folder, MANIFEST);
  const found = await readManifest(path).catch((error: unknown) => {
    if (overwrite) return undefined;
    throw error;
  });
  if (found !== undefined && !overwrite) {
    if (canonicalJson(identityOf(found)) === canonicalJson(plan.identity)) return found;
    throw new InvalidOptionError('<folder>', `${folder} holds other tiles: ${differences(identityOf(found), plan.identity)}`, {
      advice: 'choose another folder, or add --overwrite to replace them',
    });
  }
  const tiles = (await readdir(folder)).filter((name) => parseTileName(name.replace(/\.tmp$/, '')) !== undefined);
  if (tiles.length > 0 && !overwrite && !await hasJournal(join(folder, JOURNAL_FOLDER))) {
    throw new InvalidOptionError('<folder>', `${folder} holds ${tiles.length} tiles of an unknown run, first ${tiles.sort()[0]!}`, {
      advice: 'choose another folder, or add --overwrite to replace them',
    });
  }
  await makeFolder(folder);
  return undefined;
}

/** Removes the tiles and the list of another run. */
async function clearTiles(folder: string): Promise<void> {
  await rm(join(folder, MANIFEST), { force: true });
  for (const name of await readdir(folder)) if (parseTileName(name.replace(/\.tmp$/, '')) !== undefined) await removeTile(folder, name);
}

function identityOf(manifest: TileManifest): { readonly [name: string]: Json } {
  const { grid, options } = manifest;
  return {
    source: manifest.source.fingerprint,
    'patch size': [grid.patchWidth, grid.patchHeight],
    overlap: grid.overlap,
    format: manifest.tileFormat,
    bands: manifest.sourceBands,
    ...options,
  };
}

function differences(was: { readonly [name: string]: Json }, is: { readonly [name: string]: Json }): string {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => canonicalJson(was[name] ?? null) !== canonicalJson(is[name] ?? null));
  return names.map((name) => (name === 'source' ? 'another scene' : `${name} ${JSON.stringify(was[name] ?? null)}, now ${JSON.stringify(is[name] ?? null)}`)).join('; ');
}

function manifestOf(plan: Plan, tiles: readonly TileRecord[]): TileManifest {
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    source: { path: plan.profile.source, fingerprint: plan.profile.fingerprint },
    tileFormat: plan.format,
    lossless: plan.format !== 'jpg',
    options: plan.format === 'jpg' ? { quality: plan.quality } : {},
    sourceBands: plan.bands,
    scene: plan.tiled,
    grid: plan.grid,
    tiles,
  };
}

/** Cuts all strips that the journal does not have, and those tiles of it that are not whole any more. */
async function cutScene(scene: Scene, plan: Plan, journal: Journal, context: TaskContext): Promise<{ records: TileRecord[]; written: number }> {
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
        await cutter.rewrite(row, await damaged(plan, records));
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
          context.onProgress?.({ stage: 'tile', done: row + 1, total: grid.rows.length, unit: 'strips', detail: `${all.length} tiles` });
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

/** Goes over a finished run: tiles that are missing or changed are written again. */
async function repair(scene: Scene, plan: Plan, manifest: TileManifest, context: TaskContext, started: number): Promise<TileResult> {
  const cutter = createCutter(scene, plan, context);
  try {
    for (let row = 0; row < plan.grid.rows.length; row++) {
      await cutter.rewrite(row, await damaged(plan, manifest.tiles.filter((record) => record.row === row)));
    }
    return resultOf(plan, { dryRun: false, records: manifest.tiles, written: cutter.written(), started });
  } finally {
    await cutter.close();
  }
}

async function damaged(plan: Plan, records: readonly TileRecord[]): Promise<TileRecord[]> {
  const bad: TileRecord[] = [];
  for await (const [record, whole] of ordered(records, plan.inFlight, async (one) => [one, await isTileWhole(plan.folder, one)] as const)) {
    if (!whole) bad.push(record);
  }
  return bad;
}

function positionsOf(plan: Plan, row: number): TilePosition[] {
  const { grid } = plan;
  const widths = nameWidths(grid.rows.length, grid.columns.length, Math.max(grid.rows.at(-1)!, grid.columns.at(-1)!));
  return grid.columns.map((_, column) => {
    const window = tileWindow(grid, row, column);
    return { file: tileName({ row, column, x: window.x, y: window.y }, widths, plan.format), row, column, window };
  });
}

interface Cutter {
  /** Cuts tiles of one strip; the promises it returns end when the tiles are written. Rows go top to bottom. */
  cut(row: number, positions: readonly TilePosition[]): Promise<Promise<TileRecord>[]>;
  /** Cuts tiles again and waits for them. */
  rewrite(row: number, records: readonly TileRecord[]): Promise<void>;
  written(): number;
  close(): Promise<void>;
}

function createCutter(scene: Scene, plan: Plan, context: TaskContext): Cutter {
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

interface Outcome {
  readonly dryRun: boolean;
  readonly records: readonly TileRecord[];
  readonly written: number;
  readonly started: number;
}

function resultOf(plan: Plan, { dryRun, records, written, started }: Outcome): TileResult {
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
    lossless: plan.format !== 'jpg',
    memory: plan.memory,
    peakRssBytes: peakRss(),
    seconds: (performance.now() - started) / 1000,
    warnings: plan.warnings,
  };
}
