import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isMapTask, shapeSizes, type ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError, OutputError } from '../errors.js';
import { checkModel, loadModel, writeModel, zooFolder, zooModels } from '../predict/index.js';
import { checkFolder, checkSpace } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { weightsToOnnx } from './models/architecture.js';
import { isNetworkFile, networkToOnnx } from './models/network.js';

/** One line of the list of models. */
export interface ModelSummary {
  readonly name: string;
  readonly task: string;
  readonly description?: string;
  /** Where it is: a folder with card and ONNX file. */
  readonly folder: string;
  /** Size of the ONNX file. */
  readonly bytes: number;
  readonly classes: readonly string[];
  /** Length of its feature vectors, where it gives some. */
  readonly dimensions?: number;
  readonly license?: string;
}

export interface ListModelsResult {
  /** Folder of the shipped models. */
  readonly zoo: string;
  readonly models: readonly ModelSummary[];
  /** Shipped folders that cannot be loaded, with the reason. */
  readonly broken: readonly { readonly name: string; readonly reason: string }[];
}

/** The models that come with the package. */
export async function listModels(): Promise<ListModelsResult> {
  const zoo = zooFolder();
  const models: ModelSummary[] = [];
  const broken: { name: string; reason: string }[] = [];
  for (const name of zooModels()) {
    try {
      const { card, bytes } = await loadModel(name);
      models.push({
        name, task: card.task,
        ...(card.description === undefined ? {} : { description: card.description }),
        folder: join(zoo, name), bytes,
        classes: card.output.classes.map((entry) => entry.name),
        ...(card.output.features === undefined ? {} : { dimensions: card.output.features.dimensions }),
        ...(card.license === undefined ? {} : { license: card.license }),
      });
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      broken.push({ name, reason: error.message });
    }
  }
  return { zoo, models, broken };
}

export interface ShowModelOptions {
  /** A shipped model's name, a model folder, a card or an ONNX file. */
  readonly model: string;
}

export interface ShowModelResult {
  readonly model: string;
  /** The ONNX file. */
  readonly file: string;
  readonly bytes: number;
  readonly fingerprint: string;
  /** `file`: a card.json; `tilewright` and `deepness`: metadata inside the ONNX file. */
  readonly cardFrom: string;
  readonly card: ModelCard;
  readonly notes: readonly string[];
}

/** Reads a model and its card and checks that they fit, without running it. */
export async function showModel(options: ShowModelOptions): Promise<ShowModelResult> {
  const { card, file, bytes, fingerprint, cardOrigin, notes } = await loadModel(options.model);
  return { model: options.model, file: resolve(file), bytes, fingerprint, cardFrom: cardOrigin, card, notes };
}

export interface ImportModelOptions {
  /** An ONNX file, or a whole model of Keras (`.h5`, `.keras`) or TensorFlow.js (`model.json`). */
  readonly file: string;
  /**
   * A card for it: JSON, `card_version`, `name` and `file` may be missing; for whole models everything that the network itself
   * says, too. Default: the metadata in the file.
   */
  readonly card?: string;
  /** Whole models and weights: a file with the names of the classes, or `imagenet`. */
  readonly labels?: string;
  /** The file has only weights, by the names of keras-applications, torchvision or timm, of this network. */
  readonly architecture?: string;
  /** Weights: `none`, `unit` (0–1), `signed` (−1–1), `caffe` or `torch`. Default: what the library's own weights expect. */
  readonly normalization?: string;
  /** Weights: edge of the input in pixels. Default: the architecture's own. */
  readonly size?: number;
  /** Name of the model. Default: the card's, or the file's. */
  readonly name?: string;
  /** Folder to make. Default: the model's name, in the current folder. */
  readonly output?: string;
  /** Replaces a model folder that is there. */
  readonly overwrite?: boolean;
}

export interface ImportModelResult {
  /** The new folder; every `--model` takes it. */
  readonly output: string;
  readonly card: ModelCard;
  readonly bytes: number;
  /** What was assumed, found out by trying, or looks wrong. */
  readonly notes: readonly string[];
}

/**
 * Makes a model folder from a foreign ONNX file or whole model: checks it against its card, runs it on a made-up patch, and writes
 * `model.onnx` and `card.json`.
 * @throws {ModelError} if file and card do not fit; nothing is written then.
 */
export async function importModel(options: ImportModelOptions, context: TaskContext = {}): Promise<ImportModelResult> {
  const { architecture } = options;
  if (architecture !== undefined) {
    const place = await mkdtemp(join(tmpdir(), 'tilewright-import-'));
    try {
      const network = await weightsToOnnx(options.file, { ...options, architecture }, place);
      return await underOwnName(place, options, () => importOnnx(network.file, { ...options, card: network.card }, network.notes, context, network.layers));
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }
  for (const key of ['normalization', 'size'] as const) if (options[key] !== undefined) throw new InvalidOptionError(`--${key}`, 'is for weights of an --architecture only', { advice: 'a card says how samples go into other models' });
  if (!isNetworkFile(options.file)) {
    if (options.labels !== undefined) throw new InvalidOptionError('--labels', 'is for models of Keras and TensorFlow.js', { advice: 'name the classes of an ONNX file in its card' });
    return importOnnx(options.file, options, [], context);
  }
  const folder = await mkdtemp(join(tmpdir(), 'tilewright-import-'));
  try {
    const network = await networkToOnnx(options.file, options, folder);
    return await underOwnName(folder, options, () => importOnnx(network.file, { ...options, card: network.card }, network.notes, context));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Faults of files in a folder of ours are told as those of the files that they were made from. */
async function underOwnName<T>(folder: string, { file, card }: ImportModelOptions, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ModelError) || !error.model.startsWith(folder)) throw error;
    const own = card !== undefined && error.model.includes('.json') ? card : file;
    const place = error.model.slice(folder.length + 1).replace(/^network\.(json|onnx)/, '');
    throw new ModelError(`${own}${place}`, error.message.slice(error.model.length + 2), { cause: error, ...(error.advice === undefined ? {} : { advice: error.advice }) });
  }
}

async function importOnnx(file: string, options: ImportModelOptions, notes: readonly string[], context: TaskContext, layers?: string): Promise<ImportModelResult> {
  const checked = await checkModel(file, {
    ...(options.card === undefined ? {} : { card: options.card }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const output = resolve(options.output ?? checked.card.name);
  const present = await readdir(output).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error.code === 'ENOTDIR' ? new OutputError(output, 'expected a folder, found a file') : error;
  });
  if (present !== undefined && present.length > 0) checkReplaceable(output, present, options.overwrite === true);
  await checkFolder(dirname(output));
  await checkSpace(dirname(output), checked.model.bytes);
  const temporary = `${output}.${process.pid}.partial`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    await writeModel(checked, temporary);
    if (layers !== undefined) await cp(layers, join(temporary, 'layers'), { recursive: true });
    await rm(output, { recursive: true, force: true });
    await rename(temporary, output);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return { output, card: checked.card, bytes: checked.model.bytes, notes: [...notes, ...checked.notes, ...oblong(checked.card)] };
}

/** What cannot be done with a model of maps that takes oblong patches only. */
function oblong(card: ModelCard): string[] {
  const { width, height } = shapeSizes(card.input);
  if (!isMapTask(card.task) || width === -1 || height === -1 || width === height) return [];
  return [`its input is ${width} × ${height} pixels: segment cuts square patches only and refuses it; save the network with a square or free input`];
}

/** Only a model folder is ever replaced, never one with other files in it. */
function checkReplaceable(output: string, present: readonly string[], overwrite: boolean): void {
  const foreign = present.filter((name) => !['model.onnx', 'model.int8.onnx', 'card.json', 'README.md', 'layers'].includes(name));
  if (foreign.length > 0) throw new InvalidOptionError('-o', `${output} has other files in it (${foreign.slice(0, 3).join(', ')})`, { advice: 'choose another folder' });
  if (!overwrite) throw new InvalidOptionError('-o', `${output} exists`, { advice: 'add --overwrite to replace it' });
}
