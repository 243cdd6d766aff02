import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidOptionError, ModelError } from '../../errors.js';
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
  return {
    model, dimensions: features.dimensions,
    described: { name: loaded.card.name, source: isPath ? resolve(options.model) : options.model, fingerprint: loaded.fingerprint, layer: features.name, card: loaded.card },
  };
}

/**
 * The model of an index, for embedding what it is searched for.
 * @param asked where the model lies now; default: where it lay.
 * @throws {ModelError} if it is another one.
 */
export async function loadIndexModel(index: string, described: IndexModel, asked?: string): Promise<Extractor> {
  const source = asked ?? described.source;
  for (const precision of ['float32', 'int8'] as const) {
    if (precision === 'int8' && (await loadModel(source)).card.int8 === undefined) continue;
    const extractor = await loadExtractor({ model: source, layer: described.layer, precision });
    if (extractor.described.fingerprint === described.fingerprint) return extractor;
  }
  throw new ModelError(source, `is not the model that ${index} was made with (${described.name}, ${described.fingerprint.slice(0, 12)})`, {
    advice: 'give that one with --model, or make the index anew',
  });
}
