import { InvalidFileError } from '../errors.js';
import { isObject, type JsonObject } from './bytes.js';
import { plainActivation } from './foreign-activations.js';
import type { ModelConfiguration } from './types.js';

/** A layer's description in the form of Keras 2, which TensorFlow.js reads. */
export interface LayerDescription {
  readonly class_name: string;
  readonly config: JsonObject;
  /** Name in a functional network. */
  readonly name?: string;
  readonly inbound_nodes?: readonly unknown[];
}

/** A layer's name for messages. */
export function nameOf(className: string, config: JsonObject): string {
  return typeof config['name'] === 'string' ? config['name'] : className;
}

export const NETWORKS = ['Sequential', 'Functional', 'Model'];

/** The layers of a network. */
export function layersOf(description: LayerDescription): readonly LayerDescription[] {
  const layers = description.config['layers'];
  return Array.isArray(layers) ? (layers as readonly unknown[]).filter((layer): layer is LayerDescription & JsonObject => isObject(layer) && typeof layer['class_name'] === 'string' && isObject(layer['config'])) : [];
}

/** What of a layer's configuration says what it computes. */
interface LayerRule {
  /** Fields that go over. */
  readonly keep: readonly string[];
  /** Fields that must have one of these values, because no other is computed. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>;
  /** The kind of layer that computes the same in TensorFlow.js, where its own is not there. */
  readonly as?: string | ((config: JsonObject) => string);
}

const PLANE = ['data_format'];
const CONVOLUTION = [...PLANE, 'kernel_size', 'strides', 'padding', 'dilation_rate', 'activation', 'use_bias'];
const POOLING = [...PLANE, 'pool_size', 'strides', 'padding'];

const RULES: Readonly<Record<string, LayerRule>> = {
  InputLayer: { keep: ['batch_input_shape'], only: { sparse: [false], ragged: [false] } },
  Conv2D: { keep: [...CONVOLUTION, 'filters'], only: { groups: [1] } },
  DepthwiseConv2D: { keep: [...CONVOLUTION, 'depth_multiplier'], only: { groups: [1] } },
  Conv2DTranspose: { keep: [...CONVOLUTION, 'filters'], only: { output_padding: [null], dilation_rate: [[1, 1], 1], groups: [1] } },
  SeparableConv2D: { keep: [...CONVOLUTION, 'filters', 'depth_multiplier'], only: { groups: [1] } },
  Dense: { keep: ['units', 'activation', 'use_bias'], only: { lora_rank: [null], quantization_config: [null] } },
  BatchNormalization: { keep: ['axis', 'epsilon', 'center', 'scale'], only: { renorm: [false] } },
  Activation: { keep: ['activation'] },
  ReLU: { keep: ['max_value'], only: { negative_slope: [0, null], threshold: [0, null] } },
  LeakyReLU: { keep: ['alpha', 'negative_slope'] },
  ELU: { keep: ['alpha'], only: { alpha: [1] } },
  Softmax: { keep: ['axis'] },
  Dropout: { keep: ['rate'] },
  // Nothing is dropped when a network answers.
  SpatialDropout2D: { keep: ['rate'], only: { data_format: ['channels_last', 'channels_first', null] }, as: 'Dropout' },
  ZeroPadding2D: { keep: ['padding', ...PLANE] },
  MaxPooling2D: { keep: POOLING },
  AveragePooling2D: { keep: POOLING },
  GlobalAveragePooling2D: { keep: PLANE, only: { keepdims: [false, true] }, as: (config) => (config['keepdims'] === true ? 'KeptAveragePooling2D' : 'GlobalAveragePooling2D') },
  GlobalMaxPooling2D: { keep: PLANE, only: { keepdims: [false, true] }, as: (config) => (config['keepdims'] === true ? 'KeptMaxPooling2D' : 'GlobalMaxPooling2D') },
  UpSampling2D: { keep: ['size', 'interpolation', ...PLANE], only: { interpolation: ['nearest', 'bilinear'] } },
  Concatenate: { keep: ['axis'] },
  Add: { keep: [] },
  Multiply: { keep: [] },
  Flatten: { keep: PLANE },
  Reshape: { keep: ['target_shape'], as: 'FittedReshape' },
  Rescaling: { keep: ['scale', 'offset'] },
};

/** What to do with a network that is not read. */
export const ADVICE = 'export the model to ONNX (tf2onnx, torch.onnx) and import that';

/** Fields that say nothing about answers: how weights were first set and held, types, and what only training needs. */
const WITHOUT_EFFECT = /^(name|trainable|dtype|batch_input_shape|input_dtype|autocast|optional|seed|noise_shape|momentum|synchronized|renorm_clipping|renorm_momentum|fused|virtual_batch_size|input_shape|build_config|implementation|batch_size|\w+_(initializer|regularizer|constraint))$/;

/**
 * A layer with only what says what it computes, of a kind that TensorFlow.js has or {@link registerForeign} adds.
 * @throws {InvalidFileError} naming a layer of a kind that is not read, or a field that would change the answer.
 */
export function knownLayer(file: string, { class_name, config }: LayerDescription, kind: ModelConfiguration['kind']): Pick<LayerDescription, 'class_name' | 'config'> {
  const name = nameOf(class_name, config);
  const rule = Object.hasOwn(RULES, class_name) ? RULES[class_name] : undefined;
  if (rule === undefined) throw new InvalidFileError(file, `expected layers of the kinds ${Object.keys(RULES).join(', ')}, found ${name} (${class_name})`, { advice: ADVICE });
  const refuse = (expected: string, found: unknown): InvalidFileError => new InvalidFileError(file, `expected ${expected} in layer ${name} (${class_name}), found ${typeof found === 'string' ? found : JSON.stringify(found)}`, { advice: ADVICE });
  const kept: Record<string, unknown> = { name: config['name'] };
  for (const [field, value] of Object.entries(config)) {
    const only = rule.only?.[field];
    if (only !== undefined && !only.some((allowed) => JSON.stringify(allowed) === JSON.stringify(value))) throw refuse(`${field} ${JSON.stringify(only[0])}`, value);
    if (rule.keep.includes(field)) kept[field] = value;
    else if (only === undefined && !WITHOUT_EFFECT.test(field)) throw refuse('known fields', field);
  }
  // TensorFlow's Keras writes the axis of a normalisation as a list of one.
  if (Array.isArray(kept['axis']) && kept['axis'].length === 1) kept['axis'] = kept['axis'][0] as unknown;
  if (kept['axis'] !== undefined && !Number.isInteger(kept['axis'])) throw refuse('one axis', kept['axis']);
  if (kept['activation'] !== undefined) {
    const activation = plainActivation(kept['activation'], kind);
    if (activation === undefined) throw refuse('an activation that is known', kept['activation']);
    kept['activation'] = activation;
  }
  if (class_name === 'LeakyReLU') {
    const { negative_slope, alpha = negative_slope, ...others } = kept;
    return { class_name, config: { ...others, ...(alpha === undefined ? {} : { alpha }) } };
  }
  if (class_name === 'Rescaling') {
    for (const field of ['scale', 'offset']) if (![kept[field] ?? 0].flat().every((value) => typeof value === 'number' && Number.isFinite(value))) throw refuse(`a number or a list of numbers as ${field}`, kept[field]);
  }
  // A sequential network may have its input's shape on its first layer.
  if (Array.isArray(config['batch_input_shape'])) kept['batch_input_shape'] = config['batch_input_shape'];
  return { class_name: typeof rule.as === 'function' ? rule.as(config) : rule.as ?? class_name, config: kept };
}
