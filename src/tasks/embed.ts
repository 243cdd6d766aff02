import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { CACHE_FOLDER, INDEX_FORMAT, PARTS_FOLDER, hasIndex, readManifest, refuseOtherModel, refuseSameName } from '../index-store/index.js';
import type { IndexManifest, IndexSource } from '../index-store/index.js';
import { startEngines } from '../predict/index.js';
import type { Device, Precision, Predictor } from '../predict/index.js';
import { checkFolder, checkSpace, peakRss } from '../run/index.js';
import { licenceNotes, wantedPrecision } from './model-input.js';
import { namedNotes } from './model-input/notes.js';
import type { TaskContext } from '../run/index.js';
import { isRemote } from '../scene/index.js';
import type { ChipPlan } from './chips/plan.js';
import { engineOptions } from './classify/setup.js';
import { checkEngine, openEngine } from './engines/open.js';
import type { Engine } from './engines/open.js';
import { loadExtractorFor } from './embed/extractor.js';
import type { Extractor } from './embed/extractor.js';
import { isTileList, prepareFolder } from './embed/folder-source.js';
import { discardFinished, runEmbed } from './embed/run.js';
import { prepareScene } from './embed/scene-source.js';
import type { EmbedSource, OpenEngine } from './embed/source.js';
import type { SceneChoices } from './model-input/model-scene.js';

/** The model that is used where none is named: ships with the project. */
export const DEFAULT_EXTRACTOR = 'aerial-features';
/** Scenes of one run that stay open between checking and embedding. */
const KEPT_OPEN = 8;

export interface EmbedOptions extends SceneChoices {
  /** Paths of scenes, of folders of chips, or of lists of tiles (`tiles.json`). */
  readonly inputs: readonly string[];
  /** Folder of the index; made if absent. */
  readonly index: string;
  /** Adds to an index that is there. Without it only an index that has all of the inputs already is let be. Default false. */
  readonly append?: boolean;
  /** A model with features: shipped name, model folder or ONNX file. Default `aerial-features`. */
  readonly model?: string;
  /** Tensor of the model's graph that vectors are taken from; maps are averaged. Default: the features that its card names. */
  readonly layer?: string;
  /** Scenes: edge of a chip in pixels. Default: what the model was trained on. */
  readonly patchSize?: number;
  /** Scenes: pixels that neighbouring chips share. Default 0. */
  readonly overlap?: number;
  /** Scenes: how many times larger on the ground chips are, for each a grid of its own; brought to the model's size by averaging. Default 1. */
  readonly scales?: readonly number[];
  /** Folders of chips: a table `image_name,tags` whose tags the entries get. */
  readonly tags?: string;
  /** Bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  /**
   * Form of the model: float32, 8-bit integers, or (default) `auto`: the one that the index was made
   * with; for a new one integers on the CPU where the card says that they are as good and faster.
   */
  readonly precision?: Precision;
  /** Default `cpu`. */
  readonly device?: Device;
  /** What runs the model: its ONNX graph by onnxruntime (default), or its layers by TensorFlow. */
  readonly engine?: Engine;
  /** Throws an index away that is there, and begins a new one. */
  readonly overwrite?: boolean;
  /** Plans and measures some chips; writes nothing. */
  readonly dryRun?: boolean;
}

export interface EmbedResult {
  readonly index: string;
  readonly model: string;
  readonly layer: string;
  readonly dimensions: number;
  /** What was embedded, with its entries; names begin the ids. */
  readonly sources: readonly { readonly name: string; readonly added: number; readonly nodata: number }[];
  /** Entries that were added; 0 where all was in the index already. */
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
 * Turns the chips of scenes, or the files of folders of chips, into feature vectors and adds them to an index. Runs strip by
 * strip in bounded memory; a killed run goes on, and the index has the bytes of an uninterrupted one. Until the end readers
 * see the index as it was; then they see all that was added at once.
 *
 * @throws {InvalidOptionError} if there is an index already and `append` is not set, it was made with another model or layer, or has
 *   other entries under the same names
 * @throws {InvalidFileError | ModelError | OutputError | EnvironmentError} before anything is written
 * @throws {Interrupted} when the signal is aborted; finished strips are kept
 */
export async function embed(options: EmbedOptions & { readonly dryRun: true }, context?: TaskContext): Promise<ChipPlan>;
export async function embed(options: EmbedOptions, context?: TaskContext): Promise<EmbedResult | ChipPlan>;
export async function embed(options: EmbedOptions, context: TaskContext = {}): Promise<EmbedResult | ChipPlan> {
  const started = performance.now();
  checkEngine(options);
  await checkInputs(options);
  await checkIndexFolder(options);
  const engines = engineCache(options);
  const sources: EmbedSource[] = [];
  try {
    const found = options.overwrite || !(await hasIndex(options.index)) ? undefined : await readManifest(options.index);
    const extractor = await loadExtractorFor(found?.model, {
      model: options.model ?? DEFAULT_EXTRACTOR, precision: wantedPrecision(options), ...(options.layer === undefined ? {} : { layer: options.layer }), ...(options.patchSize === undefined ? {} : { patchSize: options.patchSize }),
    }, freeForms(options));
    const base = baseIndex(options, extractor, found);
    for (const [i, input] of options.inputs.entries()) {
      const source = await prepare(input, options, extractor);
      sources.push(source);
      const same = sources.slice(0, -1).find(({ name }) => name === source.name);
      if (same !== undefined) throw new InvalidOptionError('embed', `two inputs are called ${source.name}: ${same.description.path} and ${source.description.path}`, { advice: 'ids begin with these names; rename one' });
      if (i >= KEPT_OPEN) await source.close();
    }
    const openFor: OpenEngine = (dtype, patch) => engines.open(extractor, dtype, patch);
    if (options.dryRun) return await planAll(sources, openFor, context);
    const news = sources.filter((source) => !isKnown(options, base, source));
    const warnings = [
      ...namedNotes(sources.map(({ name, warnings: notes }) => ({ name, notes })), [...extractor.model.notes, ...licenceNotes(extractor.model.card)]),
      ...sources.filter((source) => !news.includes(source)).map(({ name }) => `${name} is in the index already, nothing was added`),
    ];
    const facts = { index: options.index, model: extractor.described.name, layer: extractor.described.layer, dimensions: extractor.dimensions, strips: news.reduce((sum, { strips }) => sum + strips, 0) };
    if (news.length === 0) {
      await discardFinished({ options, base, sources });
      return { ...facts, sources: [], added: 0, nodata: 0, count: base.count, resumedStrips: 0, ...engines.spent(), seconds: (performance.now() - started) / 1000, peakRssBytes: peakRss(), warnings };
    }
    refuseUnasked(options, base, news);
    await checkSpace(join(resolve(options.index), '..'), news.reduce((sum, { chips }) => sum + chips, 0) * (extractor.dimensions * 12 + 500));
    const done = await runEmbed({ options, base, sources: news, openEngine: openFor }, context);
    return { ...facts, ...done, ...engines.spent(), seconds: (performance.now() - started) / 1000, peakRssBytes: peakRss(), warnings };
  } finally {
    for (const source of sources) await source.close();
    await engines.close();
  }
}

function prepare(input: string, options: EmbedOptions, extractor: Extractor): Promise<EmbedSource> {
  return stat(input).then((found) => found.isDirectory(), () => false).then((isFolder) => {
    if (isFolder || isTileList(input)) return prepareFolder(input, options, extractor);
    if (options.tags !== undefined) throw new InvalidOptionError('--tags', `${input} is a scene; tags are for folders of chips`);
    return prepareScene(input, options, extractor);
  });
}

interface Engines {
  open(extractor: Extractor, ...args: Parameters<OpenEngine>): Promise<Predictor>;
  spent(): { readonly modelSeconds: number; readonly device: string; readonly precision: Predictor['precision'] };
  close(): Promise<void>;
}

/** One predictor per sample type; the first takes engines that start while models and scenes are read. */
function engineCache(options: EmbedOptions): Engines {
  const started = options.dryRun || options.engine === 'tensorflow' ? undefined : startEngines('chips', engineOptions(options));
  const open = new Map<string, Predictor>();
  return {
    async open(extractor, dtype, patch) {
      const known = open.get(dtype);
      if (known !== undefined) return known;
      const predictor = await openEngine(extractor.model, { outputs: ['features'], dtype, patch, ...engineOptions(options), ...(started === undefined ? {} : { started }) });
      open.set(dtype, predictor);
      return predictor;
    },
    spent() {
      const all = [...open.values()];
      return { modelSeconds: all.reduce((sum, one) => sum + one.engineMilliseconds / 1000 / one.concurrency, 0), device: all[0]?.device ?? options.device ?? 'cpu', precision: all[0]?.precision ?? 'float32' };
    },
    async close() {
      for (const predictor of open.values()) await predictor.close();
      await started?.close();
    },
  };
}

async function planAll(sources: readonly EmbedSource[], openEngine: OpenEngine, context: TaskContext): Promise<ChipPlan> {
  const plan = await sources[0]!.plan(openEngine, context);
  const chips = sources.reduce((sum, source) => sum + source.chips, 0);
  const times = chips / Math.max(1, plan.chips);
  return {
    ...plan, chips, strips: sources.reduce((sum, { strips }) => sum + strips, 0), estimatedSeconds: plan.secondsPerChip * chips,
    estimatedOutputBytes: Math.round(plan.estimatedOutputBytes * times), estimatedTemporaryBytes: Math.round(plan.estimatedTemporaryBytes * times),
    warnings: [...new Set(sources.flatMap(({ warnings }) => warnings))],
  };
}

/** Whether a source is in the index already, embedded in the same way. @throws {InvalidOptionError} if it has other entries of the name. */
function isKnown(options: EmbedOptions, base: IndexManifest, source: EmbedSource): boolean {
  const known = base.sources.find(({ name }) => name === source.name);
  if (known === undefined) return false;
  const how = ({ fingerprint, patchSize, overlap, bands, stretch, scales }: Omit<IndexSource, 'count' | 'nodata'>): string => JSON.stringify([fingerprint, patchSize, overlap, bands, stretch, scales]);
  if (how(known) !== how(source.description)) refuseSameName(options.index, base, source.description);
  return true;
}

/** Who mistypes the name of an index must not find two archives mixed. */
function refuseUnasked(options: EmbedOptions, base: IndexManifest, news: readonly EmbedSource[]): void {
  if (base.sources.length === 0 || options.append) return;
  throw new InvalidOptionError('--index', `${options.index} is there, with ${base.count} entries of ${base.sources.length === 1 ? base.sources[0]!.name : `${base.sources.length} scenes`}`, {
    advice: `add --append to add ${news.length === 1 ? news[0]!.name : `the ${news.length} new scenes`} to it, or --overwrite to begin it anew`,
  });
}

/** Forms of the model that an index which is there may choose from. */
function freeForms({ precision = 'auto', engine }: EmbedOptions): ('float32' | 'int8')[] {
  if (precision !== 'auto') return [];
  return engine === 'tensorflow' ? ['float32'] : ['float32', 'int8'];
}

/** The index as it is, or an empty one. @throws {InvalidOptionError} if it was made with another model or layer. */
function baseIndex(options: EmbedOptions, extractor: Extractor, found: IndexManifest | undefined): IndexManifest {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
  const empty: IndexManifest = {
    format: INDEX_FORMAT, createdBy: `tilewright ${version}`, model: extractor.described, dimensions: extractor.dimensions, metric: 'l2', count: 0, sources: [], parts: [],
  };
  if (found === undefined) return empty;
  refuseOtherModel(options.index, found, empty);
  return { ...found, createdBy: empty.createdBy };
}

async function checkInputs({ inputs, append, overwrite }: EmbedOptions): Promise<void> {
  if (inputs.length === 0) throw new InvalidOptionError('embed', 'expected scenes, folders of chips or lists of tiles, got none');
  if (append && overwrite) throw new InvalidOptionError('--append', 'cannot go with --overwrite, which begins the index anew');
  for (const input of inputs) if (!isRemote(input) && (await stat(input).catch(() => undefined)) === undefined) throw new InvalidFileError(input, 'no such file or folder');
}

async function checkIndexFolder(options: EmbedOptions): Promise<void> {
  const { index } = options;
  if (options.inputs.some((input) => resolve(index) === resolve(input))) throw new InvalidOptionError('--index', 'the index cannot go into the folder of the chips');
  const found = await stat(index).catch(() => undefined);
  if (found?.isDirectory() && !(await hasIndex(index))) {
    // Parts without a manifest are an index that was never finished; anything else is not ours.
    const other = (await readdir(index)).find((name) => name !== PARTS_FOLDER && name !== CACHE_FOLDER && !name.startsWith('lock') && !name.endsWith('.tmp'));
    if (other !== undefined) throw new InvalidOptionError('--index', `${index} is a folder with other files (${other})`, { advice: 'choose a new folder' });
  }
  if (!options.dryRun) {
    await checkFolder(join(resolve(index), '..'));
    if (found !== undefined) await checkFolder(index);
  }
}
