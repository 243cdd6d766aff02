import { dirname, extname, join, resolve } from 'node:path';
import { Interrupted, InvalidOptionError, throwIfAborted } from '../errors.js';
import { createCog, resumeCog, type CogWriter } from '../cog/index.js';
import { bytesPerSample, type Scene } from '../raster/index.js';
import { checkRoom, openJournal, peakRss, refuseMembers, type Journal, type TaskContext } from '../run/index.js';
import { openScene, stripCacheBytes } from '../scene/index.js';
import type { ConvertOptions, ConvertResult } from './convert/options.js';
import { planConvert, type ConvertPlan } from './convert/plan.js';
import { markMissing } from './convert/missing.js';
import { checkRasterOutput, estimateRasterBytes, partialOf, placeRaster } from './rows/raster-file.js';
import { chunkRows } from './rows/row-source.js';
import { MAX_ERROR, warpCacheBytes } from './rows/warped-rows.js';

export type { ConvertOptions, ConvertResult } from './convert/options.js';

/** Rows between two notes in the journal, about. */
const NOTED_ROWS = 1024;

/**
 * Writes a scene as a cloud-optimised GeoTIFF, or a part of it, or it in another CRS or resolution: row by row, in bounded
 * memory, with transform, CRS, nodata, mask, palette, and names. A run that was stopped goes on.
 * @throws {InvalidFileError} if the scene or the area cannot be read.
 * @throws {InvalidOptionError} if options do not fit the scene, or the output exists or is the scene.
 * @throws {EnvironmentError} if this Node lacks the compression.
 * @throws {OutputError} if the output cannot be written, or the disk has no room for it.
 */
export async function convert(options: ConvertOptions, context: TaskContext = {}): Promise<ConvertResult> {
  const started = performance.now();
  const output = resolve(options.output);
  const inputs = [{ path: options.scene, what: 'the scene' }, ...(options.area === undefined ? [] : [{ path: options.area, what: 'the area' }])];
  if (!['.tif', '.tiff'].includes(extname(output).toLowerCase())) {
    throw new InvalidOptionError('<out.tif>', `expected a name that ends in .tif or .tiff, got ${options.output}`);
  }
  await checkRasterOutput({ output, inputs, option: '<out.tif>', overwrite: options.overwrite === true || options.dryRun === true });
  const scene = await openFor(options);
  try {
    await refuseMembers([['<out.tif>', output]], options.scene, scene.profile);
    const partial = partialOf(output);
    const plan = await planConvert(scene, options, join(partial, 'spool'));
    for (const warning of plan.warnings) context.onWarning?.(warning);
    const estimatedBytes = await estimateRasterBytes(scene, plan.window, plan.bands, plan.cog, context.signal);
    const facts = { plan, scene: options.scene, output, started, estimatedBytes };
    if (options.dryRun === true) return resultOf(facts, { dryRun: true, resumedAt: 0, bytes: 0, overviews: 0 });
    // Packed blocks are spooled, and copied at the end.
    await checkRoom(dirname(output), 2 * estimatedBytes, partial);
    const journal = await openJournal({ folder: partial, identity: plan.identity, restart: options.overwrite, refusal: { option: '<out.tif>' } });
    let complete = false;
    try {
      const done = await write(plan, journal, context);
      await placeRaster({ temporary: done.temporary, output, description: plan.cog, option: '<out.tif>', overwrite: options.overwrite === true });
      complete = true;
      return resultOf(facts, { dryRun: false, ...done });
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

/** Opens the scene with room for what is read more than once. */
async function openFor(options: ConvertOptions): Promise<Scene> {
  const page = options.page === undefined ? {} : { page: options.page };
  const scene = await openScene(options.scene, { cacheBytes: 0, ...page });
  const { profile } = scene;
  const warps = options.epsg !== undefined || options.gsd !== undefined;
  const rows = chunkRows(profile.blockHeight);
  // Whole rows of blocks are read in one go and need nothing kept; other places are.
  if (!warps && rows % profile.blockHeight === 0) return scene;
  await scene.close();
  return await openScene(options.scene, { cacheBytes: warps ? warpCacheBytes(profile) : stripCacheBytes(profile, rows), ...page });
}

interface Done {
  readonly temporary: string;
  readonly resumedAt: number;
  readonly bytes: number;
  readonly overviews: number;
}

async function write(plan: ConvertPlan, journal: Journal, context: TaskContext): Promise<Done> {
  const writer = await begin(plan, journal);
  try {
    const resumedAt = writer.rowsWritten;
    const { source } = plan;
    let noted = resumedAt;
    let step = journal.states.length;
    for await (const rows of source.rows(resumedAt, context.signal)) {
      throwIfAborted(context.signal);
      const mask = markMissing(plan, rows);
      await writer.write(rows.data, rows.count, mask);
      if (writer.rowsWritten - noted >= NOTED_ROWS) {
        noted = writer.rowsWritten;
        const { state, carry } = await writer.checkpoint();
        await journal.append({ step: step++, state, carry: carry.length === 0 ? [] : [carry] });
      }
      context.onProgress?.({ stage: 'convert', done: writer.rowsWritten, total: source.height, unit: 'rows' });
    }
    const temporary = join(journal.folder, 'converted.tif');
    return { temporary, resumedAt, ...await writer.finish(temporary) };
  } finally {
    await writer.close();
  }
}

async function begin({ cog }: ConvertPlan, journal: Journal): Promise<CogWriter> {
  if (journal.last === undefined) return await createCog(cog);
  return await resumeCog(cog, { state: journal.last.state, carry: journal.last.carry[0] ?? new Uint8Array(0) });
}

interface Facts {
  readonly plan: ConvertPlan;
  readonly scene: string;
  readonly output: string;
  readonly started: number;
  readonly estimatedBytes: number;
}

function resultOf({ plan, scene, output, started, estimatedBytes }: Facts, done: Omit<Done, 'temporary'> & { readonly dryRun: boolean }): ConvertResult {
  const { width, height, bands, dtype, crs, compression = 'deflate', quality } = plan.cog;
  const lossy = compression === 'jpeg' || (compression === 'webp' && quality !== 100);
  return {
    scene, output, dryRun: done.dryRun, width, height, bands, dtype, crs: crs?.name, compression, missing: plan.missing,
    resampling: plan.resampling, maxError: plan.resampling === undefined ? 0 : MAX_ERROR, lossless: !lossy && plan.resampling === undefined && plan.lost.length === 0,
    resumedAt: done.resumedAt, bytes: done.bytes, estimatedBytes, estimatedTemporaryBytes: estimatedBytes, overviews: done.overviews,
    rawBytes: width * height * bands * bytesPerSample(dtype), memory: plan.memory, peakRssBytes: peakRss(),
    seconds: (performance.now() - started) / 1000, warnings: plan.warnings,
  };
}
