import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Interrupted, throwIfAborted } from '../errors.js';
import { cogMemory, createCog, resumeCog, type CogOptions, type CogWriter, type Compression, type OverviewMethod } from '../cog/index.js';
import { bytesPerSample, type DataType, type Raster } from '../raster/index.js';
import { checkRoom, fingerprintOf, memoryPlan, openJournal, ordered, peakRss, type InputFile, type Journal, type Json, type MemoryPlan, type TaskContext } from '../run/index.js';
import { MANIFEST } from '../tiles/index.js';
import { checkRasterOutput, packedBytes, partialOf, placeRaster } from './rows/raster-file.js';
import { createCanvas, type Canvas } from './tiles/mosaic-canvas.js';
import { findTiles, readTile, type TileOfSet, type TileSet } from './tiles/tile-set.js';

export interface MosaicOptions {
  /** Folder of tiles. */
  readonly folder: string;
  /** The GeoTIFF to write. */
  readonly output: string;
  /** Default: `deflate`. */
  readonly compression?: Compression;
  /** Default: `mode` for palettes and classes, else `average`. */
  readonly overviews?: OverviewMethod;
  /** Replaces an existing output, and starts anew where a run was stopped. */
  readonly overwrite?: boolean;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface MosaicResult {
  readonly folder: string;
  readonly output: string;
  readonly dryRun: boolean;
  /** Where the grid comes from. */
  readonly from: 'tiles.json' | 'names';
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Name of the CRS. */
  readonly crs?: string;
  /** Tiles used. */
  readonly tiles: number;
  /** Names of tiles that are not there; their pixels are `fill` where no neighbour has them. */
  readonly missing: readonly string[];
  readonly fill: number;
  /** Whether the mosaic holds exactly the samples of the scene that was cut, and nothing that `tile` knows of is lost. */
  readonly lossless: boolean;
  readonly strips: number;
  /** Strips that an earlier run had finished. */
  readonly resumedAt: number;
  /** Length of the output; 0 in a dry run. */
  readonly bytes: number;
  readonly overviews: number;
  /** Samples of the mosaic before compression. */
  readonly rawBytes: number;
  readonly memory: MemoryPlan;
  readonly peakRssBytes: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** What Node, the libraries and the compiled code take before any pixel, measured on Linux with Node 20. */
const BASE_BYTES = 90 << 20;
/** Tiles that are decoded ahead: this many per core, within this many bytes. */
const TILES_PER_CORE = 4;
const TILES_BYTES = 256 << 20;

/**
 * Joins the tiles of a folder to the scene that they were cut from: a cloud-optimised GeoTIFF with its transform, CRS,
 * nodata, palette and names. Where tiles overlap, a pixel is taken from the one whose centre is nearest, or from any
 * that is there. Holds one row of tiles; a run that was stopped goes on.
 * @throws {InvalidFileError} if there are no tiles, or one is of another grid, size, sample type or band count.
 * @throws {InvalidOptionError} if the output exists, or is one of the tiles.
 * @throws {OutputError} if the output cannot be written, or the disk has no room for it.
 */
export async function mosaic(options: MosaicOptions, context: TaskContext = {}): Promise<MosaicResult> {
  const started = performance.now();
  const output = resolve(options.output);
  const set = await findTiles(options.folder);
  const partial = partialOf(output);
  const cogOptions = describe(set, options, join(partial, 'spool'));
  const plan = { set, output, cogOptions, started, ...planMemory(set, cogOptions) };
  await checkRasterOutput({ output, inputs: inputsOf(set), option: '<out.tif>', overwrite: options.overwrite === true || options.dryRun === true });
  if (options.dryRun === true) return resultOf(plan, { dryRun: true, resumedAt: 0, bytes: 0, overviews: 0 });
  // Packed blocks are spooled, and copied at the end.
  await checkRoom(dirname(output), 2 * await estimateBytes(set, cogOptions), partial);
  const journal = await openJournal({
    folder: partial,
    identity: { tiles: set.fingerprint, scene: fingerprintOf(JSON.parse(JSON.stringify(set.scene)) as Json), compression: options.compression ?? 'deflate', overviews: options.overviews ?? 'default' },
    restart: options.overwrite, refusal: { option: '<out.tif>' },
  });
  let complete = false;
  try {
    const resumedAt = journal.states.length;
    const writer = await begin(journal, cogOptions);
    const temporary = join(partial, 'mosaic.tif');
    try {
      await paintStrips(plan, journal, writer, context);
      const { bytes, overviews } = await writer.finish(temporary);
      await placeRaster({ temporary, output, description: cogOptions, option: '<out.tif>', overwrite: options.overwrite === true });
      complete = true;
      return resultOf(plan, { dryRun: false, resumedAt, bytes, overviews });
    } finally {
      await writer.close();
    }
  } catch (error) {
    if (context.signal?.aborted === true) throw new Interrupted('interrupted', { advice: 'the same command goes on', cause: error });
    throw error;
  } finally {
    if (complete) await journal.complete();
    else await journal.close();
  }
}

/** All files that are read. */
function inputsOf(set: TileSet): InputFile[] {
  return [
    { path: join(set.folder, MANIFEST), what: 'the list of the tiles' },
    ...set.tiles.flat().map(({ file }) => ({ path: join(set.folder, file), what: 'one of the tiles' })),
  ];
}

/** Tiles that are packed to see how small the mosaic gets. */
const PROBES = 4;
/** Overviews halve both ways: 1 + 1/4 + 1/16 … */
const WITH_OVERVIEWS = 4 / 3;

/** About the length of the mosaic. */
async function estimateBytes(set: TileSet, cog: CogOptions): Promise<number> {
  const tiles = set.tiles.flat();
  let [raw, packed] = [0, 0];
  for (let i = 0; i < Math.min(PROBES, tiles.length); i++) {
    const raster = await readTile(set, tiles[Math.floor(((i + 0.5) * tiles.length) / Math.min(PROBES, tiles.length))]!);
    raw += raster.data.byteLength;
    packed += await packedBytes(raster, cog);
  }
  const samples = bytesPerSample(cog.dtype) * cog.bands * cog.width * cog.height;
  return Math.ceil(samples * Math.min(1, packed / raw) * (cog.overviews === 'none' ? 1 : WITH_OVERVIEWS));
}

interface Plan {
  readonly set: TileSet;
  readonly output: string;
  readonly cogOptions: CogOptions;
  readonly ahead: number;
  readonly memory: MemoryPlan;
  readonly started: number;
}

function describe(set: TileSet, options: MosaicOptions, scratch: string): CogOptions {
  const { compression, overviews } = options;
  return { ...set.scene, scratch, compression, overviews };
}

function planMemory(set: TileSet, cogOptions: CogOptions): { readonly ahead: number; readonly memory: MemoryPlan } {
  const pixelBytes = set.scene.bands * bytesPerSample(set.scene.dtype);
  const tileBytes = set.tileWidth * set.tileHeight * pixelBytes;
  const ahead = Math.max(2, Math.min(TILES_PER_CORE * availableParallelism(), Math.floor(TILES_BYTES / (2 * tileBytes))));
  const gaps = set.missing.length > 0 ? 1 : 0;
  return {
    ahead,
    memory: memoryPlan([
      { name: 'node and libraries', bytes: BASE_BYTES },
      { name: 'tiles being read', bytes: ahead * 2 * tileBytes },
      { name: 'row of tiles', bytes: set.scene.width * set.tileHeight * (pixelBytes + gaps) },
      { name: 'file being written', bytes: cogMemory(cogOptions) },
    ]),
  };
}

async function begin(journal: Journal, options: CogOptions): Promise<CogWriter> {
  if (journal.last === undefined) return await createCog(options);
  return await resumeCog(options, { state: journal.last.state, carry: journal.last.carry[0] ?? new Uint8Array(0) });
}

/** Paints row of tiles after row of tiles, and writes the rows that no later tile can reach. */
async function paintStrips(plan: Plan, journal: Journal, writer: CogWriter, context: TaskContext): Promise<void> {
  const { set } = plan;
  const canvas = createCanvas(set);
  const first = firstStrip(set, writer.rowsWritten, journal.states.length);
  const tiles = set.tiles.slice(first).flat();
  let noted: Promise<void> = Promise.resolve();
  let failure: Error | undefined;
  const finishStrip = async (row: number): Promise<void> => {
    if (row < journal.states.length) return;
    const bottom = set.rows[row + 1] ?? set.scene.height;
    await writeRows(canvas, writer, bottom);
    const checkpoint = writer.checkpoint();
    checkpoint.catch(() => undefined);
    await noted;
    if (failure !== undefined) throw failure;
    // The disk works while the next strip is painted.
    noted = checkpoint.then((point) => journal.append({ step: row, state: point.state, carry: point.carry.length === 0 ? [] : [point.carry] })).catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    context.onProgress?.({ stage: 'mosaic', done: row + 1, total: set.rows.length, unit: 'strips' });
  };
  const resumed = journal.states.length;
  let row = first;
  try {
    canvas.start(row, writer.rowsWritten);
    for await (const [one, raster] of ordered(tiles, plan.ahead, async (tile): Promise<[TileOfSet, Raster]> => [tile, await readTile(set, tile)], context.signal)) {
      const index = set.rows.indexOf(one.window.y);
      while (row < index) {
        if (row >= resumed) await finishStrip(row);
        canvas.next(++row);
      }
      canvas.paint(one, raster);
      throwIfAborted(context.signal);
    }
    for (; row < set.rows.length; row++) {
      if (row >= resumed) await finishStrip(row);
      if (row + 1 < set.rows.length) canvas.next(row + 1);
    }
  } finally {
    await noted;
  }
  if (failure !== undefined) throw failure;
}

/** The first row of tiles that reaches below the rows that are written already. */
function firstStrip(set: TileSet, rowsWritten: number, stripsDone: number): number {
  if (stripsDone === 0) return 0;
  const first = set.rows.findIndex((y) => y + set.tileHeight > rowsWritten);
  return first < 0 ? set.rows.length - 1 : first;
}

async function writeRows(canvas: Canvas, writer: CogWriter, bottom: number): Promise<void> {
  const { rows, count } = canvas.rows(writer.rowsWritten, bottom);
  if (count > 0) await writer.write(rows, count);
}

interface Outcome {
  readonly dryRun: boolean;
  readonly resumedAt: number;
  readonly bytes: number;
  readonly overviews: number;
}

function resultOf(plan: Plan, outcome: Outcome): MosaicResult {
  const { set } = plan;
  const { width, height, bands, dtype, crs, nodata, transform } = set.scene;
  const warnings: string[] = [];
  if (!set.exact) warnings.push('the tiles are JPEG: the mosaic is close to the scene that was cut, not equal');
  if (set.lost.length > 0) warnings.push(`the tiles do not carry ${set.lost.join('; ')}`);
  if (set.missing.length > 0) {
    warnings.push(`${set.missing.length === 1 ? '1 tile is' : `${set.missing.length} tiles are`} missing; what no neighbour has is ${nodata === undefined ? '0, for there is no nodata value' : `nodata (${nodata})`}: ${short(set.missing)}`);
  }
  if (transform === undefined) warnings.push('the tiles have no georeferencing, nor has the mosaic');
  return {
    folder: resolve(set.folder), output: plan.output, from: set.from, width, height, bands, dtype, crs: crs?.name,
    tiles: set.tiles.reduce((sum, row) => sum + row.length, 0),
    missing: set.missing,
    fill: nodata ?? 0,
    lossless: set.exact && set.lost.length === 0 && set.missing.length === 0,
    strips: set.rows.length,
    rawBytes: width * height * bands * bytesPerSample(dtype),
    memory: plan.memory,
    peakRssBytes: peakRss(),
    seconds: (performance.now() - plan.started) / 1000,
    warnings,
    ...outcome,
  };
}

function short(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
