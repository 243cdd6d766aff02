import { stat } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import { toLonLat } from '../georef/index.js';
import { patchCount } from '../grid/index.js';
import { thumbnailMemory } from '../picture/index.js';
import { openJournal, peakRss } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { isRemote, openScene } from '../scene/index.js';
import { sceneRows } from './chips/rows.js';
import { planChips } from './chips/plan.js';
import type { ChipPlan } from './chips/plan.js';
import { checkOutputFolder, partialFolder, placeAll, sceneFiles } from './classify/outputs.js';
import { checkTables } from './classify/tables.js';
import { classifyFolder } from './classify/folder.js';
import { MAP_EDGE, prepareScene, sceneIdentity, writeSceneOutputs } from './classify/scene.js';
import type { ClassifySummary, SceneSetup } from './classify/scene.js';
import { loadChipModel } from './classify/setup.js';
import type { ClassifyOptions } from './classify/setup.js';

export type { ClassifyOptions } from './classify/setup.js';

/** What {@link classify} did. */
export interface ClassifyResult extends ClassifySummary {
  /** The folder with the files. */
  readonly output: string;
  /** Strips of chips, or groups of chip files. */
  readonly strips: number;
  /** Strips that an earlier, interrupted run had finished. */
  readonly resumedStrips: number;
  readonly seconds: number;
  /** Time inside the engine, per worker. */
  readonly modelSeconds: number;
  readonly peakRssBytes: number;
  readonly device: string;
  /** Form of the model that was used. */
  readonly precision: 'float32' | 'int8';
}

/**
 * Tags the chips of a scene, or the files of a folder of chips, and writes tables, and for scenes a raster of probabilities and a
 * map. Runs strip by strip in memory that does not depend on the scene's size; a run that was killed goes on when it is called
 * again with the same options, and gives the same bytes.
 *
 * @throws {InvalidFileError | InvalidOptionError | ModelError | OutputError | EnvironmentError} before anything is written
 * @throws {Interrupted} when the signal is aborted; finished strips are kept
 */
export async function classify(options: ClassifyOptions & { readonly dryRun: true }, context?: TaskContext): Promise<ChipPlan>;
export async function classify(options: ClassifyOptions, context?: TaskContext): Promise<ClassifyResult | ChipPlan>;
export async function classify(options: ClassifyOptions, context: TaskContext = {}): Promise<ClassifyResult | ChipPlan> {
  const started = performance.now();
  const found = await stat(options.input).catch(() => undefined);
  if (found === undefined && !isRemote(options.input)) throw new InvalidFileError(options.input, 'no such file or folder');
  if (found?.isDirectory()) return classifyFolder(options, started, context);
  checkTables(options.tables);
  await checkOutputFolder(options.output, sceneFiles(options.tables), { overwrite: options.overwrite ?? false, bytes: 0, dryRun: options.dryRun ?? false });
  const scene = await openScene(options.input, options.page === undefined ? {} : { page: options.page });
  try {
    checkTables(options.tables, scene.profile.transform !== undefined && toLonLat(scene.profile.crs) !== undefined);
    const setup = await prepareScene(options, scene, await loadChipModel(options));
    try {
      if (options.dryRun) return await planChips(setup, { ...sceneBytes(setup), picture: thumbnailMemory(scene.profile, MAP_EDGE) }, context);
      return await runScene(setup, started, context);
    } finally {
      await setup.predictor.close();
    }
  } finally {
    await scene.close();
  }
}

async function runScene(setup: SceneSetup, started: number, context: TaskContext): Promise<ClassifyResult> {
  const { options, predictor } = setup;
  const sizes = sceneBytes(setup);
  await checkOutputFolder(options.output, sceneFiles(options.tables), { overwrite: options.overwrite ?? false, bytes: sizes.output + sizes.temporary });
  const partial = partialFolder(options.output);
  const journal = await openJournal({ folder: partial, identity: sceneIdentity(setup), restart: options.overwrite ?? false });
  let finished = false;
  try {
    const resumedStrips = journal.states.length;
    const scores = await sceneRows(setup, { journal, length: setup.rule.tags.length, stage: 'classify' }, context);
    let summary: ClassifySummary;
    try {
      summary = await writeSceneOutputs(setup, scores, partial, context);
    } finally {
      await scores.close();
    }
    await placeAll({ partial, output: options.output, names: sceneFiles(options.tables), overwrite: options.overwrite ?? false });
    await journal.complete();
    finished = true;
    return {
      ...summary, output: options.output, strips: setup.grid.rows.length, resumedStrips, seconds: (performance.now() - started) / 1000,
      modelSeconds: predictor.engineMilliseconds / 1000 / predictor.concurrency, peakRssBytes: peakRss(), device: predictor.device, precision: predictor.precision,
    };
  } finally {
    if (!finished) await journal.close();
  }
}

/** Bytes per chip and tag in the tables, roughly: nine in the CSV, as many and the tag's name in the GeoJSON. */
function sceneBytes(setup: SceneSetup): { readonly output: number; readonly temporary: number } {
  const chips = patchCount(setup.grid);
  const names = setup.rule.tags.reduce((sum, tag) => sum + tag.length, 0);
  const tags = setup.rule.tags.length;
  const perChip = 80 + 9 * tags + 420 + names + 16 * tags + 4 * tags;
  return { output: chips * perChip + 4 * 1024 * 1024, temporary: chips * tags * 4 };
}
