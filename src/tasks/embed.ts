import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { loadModel } from '../predict/index.js';
import { wantedPrecision } from './model-input.js';
import type { Device, LoadedModel, Precision } from '../predict/index.js';
import { checkFolder, checkSpace, openJournal, peakRss, writeWhole } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { isRemote } from '../scene/index.js';
import { ENTRIES_FILE, INDEX_FORMAT, MANIFEST_FILE, VECTORS_FILE, appendEntries, hasIndex, readManifest } from '../search/index.js';
import type { IndexManifest, IndexSource } from '../search/index.js';
import type { ChipPlan } from './chips/plan.js';
import { isTileList, prepareFolder, prepareSceneSource } from './embed/sources.js';
import type { EmbedSource } from './embed/sources.js';
import type { SceneChoices } from './model-input/model-scene.js';

/** The model that is used where none is named: ships with the project. */
export const DEFAULT_EXTRACTOR = 'aerial-features';

export interface EmbedOptions extends SceneChoices {
  /** Path of a scene, of a folder of chips, or of a `tiles.json`. */
  readonly input: string;
  /** Folder of the index; made if absent, else the new entries are added to it. */
  readonly index: string;
  /** A model with features: shipped name, model folder or ONNX file. Default `aerial-features`. */
  readonly model?: string;
  /** Scenes: edge of a chip in pixels. Default: what the model was trained on. */
  readonly patchSize?: number;
  /** Scenes: pixels that neighbouring chips share. Default 0. */
  readonly overlap?: number;
  /** Bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  /** Default `cpu`. */
  /** Form of the model: float32, 8-bit integers, or (default) `auto`: integers on the CPU where the card says that they are as good and faster. */
  readonly precision?: Precision;
  readonly device?: Device;
  /** Throws an index away that is there, and begins a new one. */
  readonly overwrite?: boolean;
  /** Plans and measures some chips; writes nothing. */
  readonly dryRun?: boolean;
}

export interface EmbedResult {
  readonly index: string;
  readonly model: string;
  readonly dimensions: number;
  /** What was embedded: begins the ids of the new entries. */
  readonly source: string;
  /** Entries that were added; 0 where the same source was in the index already. */
  readonly added: number;
  /** Chips without data: they have no entry. */
  readonly nodata: number;
  /** Entries in the index now. */
  readonly count: number;
  readonly strips: number;
  readonly resumedStrips: number;
  readonly seconds: number;
  /** Time inside the engine, per worker. */
  readonly modelSeconds: number;
  readonly peakRssBytes: number;
  readonly device: string;
  /** Form of the model that was used. */
  readonly precision: 'float32' | 'int8';
  readonly warnings: readonly string[];
}

/**
 * Turns the chips of a scene, or the files of a folder of chips, into feature vectors and adds them to an index. Runs strip by
 * strip in bounded memory; a killed run goes on, and the index has the bytes of an uninterrupted one. Until the end readers
 * see the index as it was.
 *
 * @throws {InvalidOptionError} if the index was made with another model, or has other entries under the same names
 * @throws {InvalidFileError | ModelError | OutputError | EnvironmentError} before anything is written
 * @throws {Interrupted} when the signal is aborted; finished strips are kept
 */
export async function embed(options: EmbedOptions & { readonly dryRun: true }, context?: TaskContext): Promise<ChipPlan>;
export async function embed(options: EmbedOptions, context?: TaskContext): Promise<EmbedResult | ChipPlan>;
export async function embed(options: EmbedOptions, context: TaskContext = {}): Promise<EmbedResult | ChipPlan> {
  const started = performance.now();
  const found = await stat(options.input).catch(() => undefined);
  if (found === undefined && !isRemote(options.input)) throw new InvalidFileError(options.input, 'no such file or folder');
  await checkIndexFolder(options);
  const model = await loadModel(options.model ?? DEFAULT_EXTRACTOR, { precision: wantedPrecision(options) });
  const base = await baseIndex(options, model);
  const source = found?.isDirectory() || isTileList(options.input) ? await prepareFolder(options, model) : await prepareSceneSource(options, model);
  try {
    if (options.dryRun) return await source.plan(context);
    const known = base.sources.find(({ name }) => name === source.name);
    if (known !== undefined) return await alreadyThere({ options, base, known, source, started });
    await checkSpace(options.index, 2 * source.chips * (base.dimensions * 4 + 200));
    return await run({ options, base, source, started }, context);
  } finally {
    await source.close();
  }
}

interface Job {
  readonly options: EmbedOptions;
  readonly base: IndexManifest;
  readonly source: EmbedSource;
  readonly started: number;
}

async function run(job: Job, context: TaskContext): Promise<EmbedResult> {
  const { options, base, source } = job;
  const journal = await openJournal({
    folder: `${resolve(options.index)}.partial`,
    identity: { task: 'embed/1', ...source.identity, model: base.model.fingerprint, entries: base.count }, restart: options.overwrite ?? false,
  });
  let finished = false;
  try {
    const resumedStrips = journal.states.length;
    const rows = await source.predict(journal, context);
    let manifest: IndexManifest;
    try {
      // From here on an old index of other content must not be taken for this one.
      if (base.count === 0) await rm(join(options.index, MANIFEST_FILE), { force: true });
      const { count, entriesBytes } = await appendEntries(options.index, base, source.entries(journal, rows));
      const added: IndexSource = { ...source.description, first: base.count, count, nodata: source.chips - count };
      manifest = { ...base, count: base.count + count, entriesBytes, sources: [...base.sources, added] };
      await writeWhole(join(options.index, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    } finally {
      await rows.close();
    }
    await journal.complete();
    finished = true;
    const added = manifest.sources.at(-1)!;
    return { ...resultOf(job, manifest), added: added.count, nodata: added.nodata, resumedStrips };
  } finally {
    if (!finished) await journal.close();
  }
}

/** The same command twice adds nothing; another scene of the same name would have the same ids. */
async function alreadyThere(job: Job & { readonly known: IndexSource }): Promise<EmbedResult> {
  const { options, base, known, source } = job;
  const same = known.fingerprint === source.description.fingerprint && known.patchSize === source.description.patchSize
    && known.overlap === source.description.overlap && JSON.stringify([known.bands, known.stretch]) === JSON.stringify([source.description.bands, source.description.stretch]);
  if (!same) {
    throw new InvalidOptionError('--index', `${options.index} has other entries of the name ${known.name} (${known.path})`, {
      advice: 'rename the file, use another index, or begin it anew with --overwrite',
    });
  }
  await rm(`${resolve(options.index)}.partial`, { recursive: true, force: true });
  const result = resultOf(job, base);
  return { ...result, added: 0, nodata: known.nodata, resumedStrips: 0, warnings: [...result.warnings, `${known.name} is in the index already, nothing was added`] };
}

function resultOf(job: Job, manifest: IndexManifest): Omit<EmbedResult, 'added' | 'nodata' | 'resumedStrips'> {
  const { options, source, started } = job;
  return {
    index: options.index, model: manifest.model.name, dimensions: manifest.dimensions, source: source.name, count: manifest.count,
    strips: source.strips, seconds: (performance.now() - started) / 1000,
    modelSeconds: source.predictor.engineMilliseconds / 1000 / source.predictor.concurrency, peakRssBytes: peakRss(),
    device: source.predictor.device, precision: source.predictor.precision, warnings: source.warnings,
  };
}

/** The index as it is, or an empty one. @throws {InvalidOptionError} if it was made with another model. */
async function baseIndex(options: EmbedOptions, model: LoadedModel): Promise<IndexManifest> {
  const features = model.card.output.features;
  const asked = options.model ?? DEFAULT_EXTRACTOR;
  const isPath = (await stat(asked).catch(() => undefined)) !== undefined;
  const empty: IndexManifest = {
    format: INDEX_FORMAT, model: { name: model.card.name, source: isPath ? resolve(asked) : asked, fingerprint: model.fingerprint },
    dimensions: features?.dimensions ?? 0, metric: 'l2', count: 0, entriesBytes: 0, sources: [],
  };
  if (options.overwrite || !(await hasIndex(options.index))) return empty;
  const found = await readManifest(options.index);
  if (found.model.fingerprint === model.fingerprint) return found;
  throw new InvalidOptionError('--model', `${options.index} was made with ${found.model.name} (${found.model.fingerprint.slice(0, 12)}), got ${model.card.name} (${model.fingerprint.slice(0, 12)})`, {
    advice: 'vectors of different models cannot be compared; use another --index, or --overwrite to begin anew',
  });
}

async function checkIndexFolder(options: EmbedOptions): Promise<void> {
  const { index } = options;
  if (resolve(index) === resolve(options.input)) throw new InvalidOptionError('--index', 'the index cannot go into the folder of the chips');
  const found = await stat(index).catch(() => undefined);
  if (found?.isDirectory() && !(await hasIndex(index))) {
    // Vectors without a manifest are an index that was never finished; anything else is not ours.
    const other = (await readdir(index)).find((name) => name !== VECTORS_FILE && name !== ENTRIES_FILE && !name.endsWith('.tmp'));
    if (other !== undefined) throw new InvalidOptionError('--index', `${index} is a folder with other files (${basename(other)})`, { advice: 'choose a new folder' });
  }
  if (!options.dryRun) {
    await checkFolder(join(resolve(index), '..'));
    if (found !== undefined) await checkFolder(index);
  }
}
