import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidOptionError, ModelError } from '../../errors.js';
import { modelDifference } from '../../index-store/index.js';
import type { IndexModel } from '../../index-store/index.js';
import { layerBeforeClasses, loadModel, withLayer } from '../../predict/index.js';
import type { LoadedModel, Precision } from '../../predict/index.js';
import { chipEdge } from '../chips/patches.js';

/** A model with the layer that vectors are taken from. */
export interface Extractor {
  /** Its card's features are the layer's. */
  readonly model: LoadedModel;
  /** Numbers per vector. */
  readonly dimensions: number;
  /** As an index tells of it. */
  readonly described: IndexModel;
}

export interface ExtractorOptions {
  /** Shipped name, model folder or ONNX file. */
  readonly model: string;
  /** Name of a tensor of its graph; default: the features that its card names. */
  readonly layer?: string;
  /** Which form of it. Default `float32`. */
  readonly precision?: Precision;
  /** Edge of the chips that will come, in pixels. */
  readonly patchSize?: number;
}

/**
 * Loads a model for embedding.
 * @throws {ModelError} if there is no such file or layer
 * @throws {InvalidOptionError} if no model of the name is shipped, or its card names no features and no layer is asked for
 */
export async function loadExtractor(options: ExtractorOptions): Promise<Extractor> {
  const loaded = await loadModel(options.model, options.precision === undefined ? {} : { precision: options.precision });
  const named = loaded.card.output.features;
  let model = loaded;
  if (options.layer !== undefined && options.layer !== named?.name) {
    const edge = chipEdge(loaded.card, options.patchSize);
    model = await withLayer(loaded, options.layer, { width: edge, height: edge });
  }
  const { features } = model.card.output;
  if (features === undefined) {
    const likely = layerBeforeClasses(loaded);
    throw new InvalidOptionError('--model', `${loaded.card.name} gives no features: its card has no output.features`, { advice: likely === undefined ? 'choose another model, or name a tensor of its graph with --layer' : `name a tensor of its graph with --layer; the one before its classes is ${likely}` });
  }
  const isPath = (await stat(options.model).catch(() => undefined)) !== undefined;
  return { model, dimensions: features.dimensions, described: describe(loaded, isPath ? resolve(options.model) : options.model, features.name) };
}

/** A model as an index tells of it. */
function describe({ card, featuresFingerprint, digest, precision }: LoadedModel, source: string, layer: string): IndexModel {
  return { name: card.name, source, fingerprint: featuresFingerprint, digest, precision, layer, card };
}

/**
 * Loads a model for adding to an index: where no form was asked for, in the form that the index was made with.
 * @param described the model of the index, if there is one.
 * @param forms that may be looked through.
 */
export async function loadExtractorFor(described: IndexModel | undefined, options: ExtractorOptions, forms: readonly Form[]): Promise<Extractor> {
  if (described === undefined || forms.length === 0) return loadExtractor(options);
  // If none fits, the form that the index names tells best why.
  return loadExtractor({ ...options, precision: await fittingForm(described, options.model, forms) ?? (await nearestForm(described, options.model)).precision });
}

/**
 * The model of an index, for embedding what it is searched for, in the form that the index was made with.
 * @param asked where the model lies now; default: where it lay.
 * @throws {ModelError} if it is another one.
 */
export async function loadIndexModel(index: string, described: IndexModel, asked?: string): Promise<Extractor> {
  const source = asked ?? described.source;
  const precision = await fittingForm(described, source, ['float32', 'int8']);
  if (precision !== undefined) return loadExtractor({ model: source, layer: described.layer, precision });
  const difference = modelDifference(described, describe(await nearestForm(described, source), source, described.layer));
  throw new ModelError(source, `is not the model that ${index} was made with (${described.name}, ${described.fingerprint.slice(0, 12)}): ${difference ?? 'its vectors are others'}`, {
    advice: 'give that one with --model, or make the index anew',
  });
}

type Form = LoadedModel['precision'];

/** The first form of a model whose vectors can be compared with those of an index. */
async function fittingForm(described: IndexModel, model: string, forms: readonly Form[]): Promise<Form | undefined> {
  for (const form of forms) {
    const loaded = await formOf(model, form);
    if (loaded !== undefined && modelDifference(described, describe(loaded, model, described.layer)) === undefined) return form;
  }
  return undefined;
}

/** The form that an index names, if the model has it, else its float32 one. */
async function nearestForm(described: IndexModel, model: string): Promise<LoadedModel> {
  return (described.precision === 'int8' ? await formOf(model, 'int8') : undefined) ?? loadModel(model);
}

/** A model in one form; `undefined` if it has no 8-bit one. */
async function formOf(model: string, form: Form): Promise<LoadedModel | undefined> {
  const loaded = await loadModel(model);
  if (form === 'float32') return loaded;
  return loaded.card.int8 === undefined || resolve(model) === resolve(loaded.file) ? undefined : loadModel(model, { precision: form });
}
