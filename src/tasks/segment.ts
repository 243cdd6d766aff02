import { dirname, join } from 'node:path';
import { throwIfAborted } from '../errors.js';
import { patchCount } from '../grid/index.js';
import type { AppliedStretch, Scene } from '../raster/index.js';
import { checkRoom, oldSidecars, openJournal, peakRss, placeFiles, writeWhole } from '../run/index.js';
import type { Json, TaskContext } from '../run/index.js';
import { openScene, stripCacheBytes } from '../scene/index.js';
import { classAreas, seamScore } from '../stitch/index.js';
import type { Blend, ClassArea, SeamCounts } from '../stitch/index.js';
import { checkMembers, checkOutputs, partialFolder, sidecarOf } from './segment/outputs.js';
import { DEFAULT_PATCH } from './segment/patches.js';
import { checkMemory, planSegment, segmentRoom } from './segment/plan.js';
import type { SegmentPlan } from './segment/plan.js';
import { writePreview } from './segment/preview.js';
import { seamHint } from './segment/seam-hint.js';
import { createSegmentRun } from './segment/run.js';
import type { SegmentOutputs } from './segment/run.js';
import { mapLegend, prepareSegment } from './segment/setup.js';
import type { SegmentOptions, SegmentSetup } from './segment/setup.js';
import { checkVectors, writeVectors } from './segment/vectors.js';

export interface SegmentResult {
  readonly output: string;
  readonly width: number;
  readonly height: number;
  readonly patches: number;
  readonly strips: number;
  /** Strips that an earlier, interrupted run had finished. */
  readonly resumedStrips: number;
  readonly seconds: number;
  /** Time inside the engine, per worker. */
  readonly modelSeconds: number;
  readonly peakRssBytes: number;
  readonly predictedPeakBytes: number;
  /** 1.00: the patches' borders cannot be seen. `null` where there is nothing to compare, and with a stride, where there are no borders. */
  readonly seamScore: number | null;
  readonly classes: readonly ClassArea[];
  readonly patchSize: number;
  readonly overlap: number;
  /** Of classifiers: pixels of the scene from one pixel of the map to the next. */
  readonly stride?: number;
  readonly blend: Blend;
  readonly device: string;
  /** Form of the model that was used. */
  readonly precision: 'float32' | 'int8';
  /** What was done to the scene's values, if anything. */
  readonly stretch?: AppliedStretch;
  readonly warnings: readonly string[];
  /** Further files that were written. */
  readonly files: readonly string[];
}

/**
 * Makes a theme map of a scene: strip by strip, blended where patches meet, in memory that does not depend on the scene's
 * height. A run that was killed goes on when it is called again with the same options, and gives the same bytes.
 *
 * @throws {InvalidFileError | InvalidOptionError | ModelError | OutputError | EnvironmentError} before anything is written
 * @throws {Interrupted} when the signal is aborted; finished strips are kept
 */
export async function segment(options: SegmentOptions & { readonly dryRun: true }, context?: TaskContext): Promise<SegmentPlan>;
export async function segment(options: SegmentOptions, context?: TaskContext): Promise<SegmentResult>;
export async function segment(options: SegmentOptions, context: TaskContext = {}): Promise<SegmentPlan | SegmentResult> {
  const started = performance.now();
  await checkOutputs(options);
  const scene = await openForPatches(options);
  try {
    await checkMembers(options, scene.profile);
    checkVectors(options, scene.profile);
    let setup = await prepareSegment(options, scene);
    try {
      // A limit can only be kept if the need is known before the start, so then a patch is measured for real runs, too.
      if (options.dryRun || options.memory !== undefined) {
        let plan = await planSegment(setup, context);
        if (!fits(plan, options) && setup.predictor.concurrency > 1) {
          // A single engine is slower and holds its activations once.
          await setup.predictor.close();
          setup = await prepareSegment(options, scene, 1);
          plan = await planSegment(setup, context);
        }
        checkMemory(plan.memory, options.memory, options.stride);
        if (options.dryRun) return plan;
      }
      return await run(setup, started, context);
    } finally {
      await setup.predictor.close();
    }
  } finally {
    await scene.close();
  }
}

async function run(setup: SegmentSetup, started: number, context: TaskContext): Promise<SegmentResult> {
  const { options, grid } = setup;
  const partial = partialFolder(options.output);
  await checkRoom(dirname(options.output), segmentRoom(setup), partial);
  const journal = await openJournal({ folder: partial, identity: identityOf(setup), restart: options.overwrite ?? false });
  let finished = false;
  try {
    const resumedStrips = journal.states.length;
    const work = await createSegmentRun(setup, journal);
    const outcome = await work.finishAll(context);
    throwIfAborted(context.signal);
    const classes = classAreas(outcome.classSums, mapLegend(setup.model));
    const files = [...outcome.files, { path: sidecarOf(options.output), temporary: join(partial, 'sidecar.xml') }];
    await writeWhole(files.at(-1)!.temporary, outcome.sidecar);
    if (options.preview !== undefined) {
      const preview = { path: options.preview, temporary: join(partial, 'preview.png') };
      await writePreview({ setup, map: outcome.files[0]!.temporary, path: preview.temporary, classes, ...(context.signal ? { signal: context.signal } : {}) });
      files.push(preview);
    }
    if (options.vectors !== undefined) {
      const vectors = { path: options.vectors, temporary: join(partial, 'vectors') };
      await writeVectors(setup, { map: outcome.files[0]!.temporary, path: vectors.temporary }, context);
      files.push(vectors);
    }
    await placeOutputs(files, options);
    await journal.complete();
    finished = true;
    return {
      output: options.output, width: grid.sceneWidth, height: grid.sceneHeight, patches: patchCount(grid), strips: grid.rows.length,
      resumedStrips, seconds: (performance.now() - started) / 1000, modelSeconds: outcome.modelSeconds, peakRssBytes: peakRss(),
      predictedPeakBytes: outcome.predictedPeakBytes, seamScore: options.stride === undefined ? seamScore(outcome.seamCounts) ?? null : null, classes, patchSize: setup.patchSize,
      overlap: grid.overlap, ...(options.stride === undefined ? {} : { stride: options.stride }), blend: setup.blend, device: setup.predictor.device, precision: setup.predictor.precision, ...(setup.stretch === undefined ? {} : { stretch: setup.stretch }), warnings: [...setup.warnings, ...hintOf(setup, outcome.seamCounts)],
      files: files.map(({ path }) => path).filter((path) => path !== options.output),
    };
  } finally {
    if (!finished) await journal.close();
  }
}

function hintOf({ options, model, grid }: SegmentSetup, counts: SeamCounts): string[] {
  if (options.stride !== undefined) return [];
  const hint = seamHint({ seamScore: seamScore(counts), seamChanges: counts.seamChanges, card: model.card, mapPatch: grid.patchWidth, overlap: grid.overlap });
  return hint === undefined ? [] : [hint];
}

/** What the result's bytes depend on. Threads do not belong to it, the device does: another one rounds otherwise. */
function identityOf(setup: SegmentSetup): Record<string, Json> {
  const { options } = setup;
  return {
    task: 'segment/1',
    scene: setup.scene.profile.fingerprint,
    model: setup.model.fingerprint,
    'patch size': setup.patchSize,
    overlap: setup.grid.overlap,
    blend: setup.blend,
    bands: [...setup.bands],
    stretch: (setup.stretch ?? null) as unknown as Json,
    ...(options.stride === undefined ? {} : { stride: options.stride }),
    device: setup.predictor.device,
    tta: options.tta ?? null,
    probabilities: options.probabilities ?? null,
    confidence: options.confidence ?? null,
  };
}

/** The theme map last: where it stands, everything stands. */
async function placeOutputs(files: SegmentOutputs, options: SegmentOptions): Promise<void> {
  const rasters = files.filter(({ path }) => /\.tiff?$/i.test(path));
  await placeFiles({
    partial: partialFolder(options.output), overwrite: options.overwrite ?? false, files: [...files].reverse(), stale: rasters.flatMap(({ path }) => [...oldSidecars(path), ...(path === options.output ? [] : [`${path}.aux.xml`])]),
  });
}

function fits(plan: SegmentPlan, options: SegmentOptions): boolean {
  return options.memory === undefined || plan.memory.peakBytes <= options.memory;
}

/** Opens the scene with room for the blocks of one strip of patches, so that no block is decoded twice for it. */
async function openForPatches(options: SegmentOptions): Promise<Scene> {
  const page = options.page === undefined ? {} : { page: options.page };
  const scene = await openScene(options.scene, page);
  const height = typeof options.patchSize === 'number' ? options.patchSize : 0;
  if (height <= DEFAULT_PATCH) return scene;
  const cacheBytes = stripCacheBytes(scene.profile, height);
  await scene.close();
  return openScene(options.scene, { cacheBytes, ...page });
}
