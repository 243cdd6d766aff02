import { InvalidFileError } from '../errors.js';
import { isObject, type JsonObject } from './bytes.js';

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

/** What of a layer's configuration says what it computes. */
interface LayerRule {
  /** Fields that go over. */
  readonly keep: readonly string[];
  /** Fields that must have one of these values, because no other is computed. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>;
}

const PLANE = ['data_format'];
const CONVOLUTION = [...PLANE, 'kernel_size', 'strides', 'padding', 'dilation_rate', 'activation', 'use_bias'];
const POOLING = [...PLANE, 'pool_size', 'strides', 'padding'];
const NO_KEEPDIMS = { keepdims: [false] };

const RULES: Readonly<Record<string, LayerRule>> = {
  InputLayer: { keep: ['batch_input_shape'], only: { sparse: [false], ragged: [false] } },
  Conv2D: { keep: [...CONVOLUTION, 'filters'], only: { groups: [1] } },
  DepthwiseConv2D: { keep: [...CONVOLUTION, 'depth_multiplier'], only: { groups: [1] } },
  Conv2DTranspose: { keep: [...CONVOLUTION, 'filters'], only: { output_padding: [null] } },
  SeparableConv2D: { keep: [...CONVOLUTION, 'filters', 'depth_multiplier'], only: { groups: [1] } },
  Dense: { keep: ['units', 'activation', 'use_bias'], only: { lora_rank: [null], quantization_config: [null] } },
  BatchNormalization: { keep: ['axis', 'epsilon', 'center', 'scale'], only: { renorm: [false] } },
  Activation: { keep: ['activation'] },
  ReLU: { keep: ['max_value'], only: { negative_slope: [0, null], threshold: [0, null] } },
  Softmax: { keep: ['axis'] },
  Dropout: { keep: ['rate'] },
  SpatialDropout2D: { keep: ['rate', ...PLANE] },
  ZeroPadding2D: { keep: ['padding', ...PLANE] },
  MaxPooling2D: { keep: POOLING },
  AveragePooling2D: { keep: POOLING },
  GlobalAveragePooling2D: { keep: PLANE, only: NO_KEEPDIMS },
  GlobalMaxPooling2D: { keep: PLANE, only: NO_KEEPDIMS },
  UpSampling2D: { keep: ['size', 'interpolation', ...PLANE] },
  Concatenate: { keep: ['axis'] },
  Add: { keep: [] },
  Multiply: { keep: [] },
  Flatten: { keep: PLANE },
  Rescaling: { keep: ['scale', 'offset'] },
};

/** Fields that say nothing about answers: how weights were first set and held, types, and what only training needs. */
const WITHOUT_EFFECT = /^(name|trainable|dtype|batch_input_shape|input_dtype|autocast|optional|seed|noise_shape|momentum|synchronized|renorm_clipping|renorm_momentum|fused|virtual_batch_size|input_shape|build_config|implementation|batch_size|\w+_(initializer|regularizer|constraint))$/;

/**
 * A layer with only what says what it computes.
 * @throws {InvalidFileError} naming a layer of a kind that is not read, or a field that would change the answer.
 */
export function knownLayer(file: string, className: string, config: JsonObject): JsonObject {
  const name = nameOf(className, config);
  const rule = RULES[className];
  if (rule === undefined) throw new InvalidFileError(file, `expected layers of the kinds ${Object.keys(RULES).join(', ')}, found ${name} (${className})`, { advice: 'export the model to ONNX and import that' });
  const kept: Record<string, unknown> = { name: config['name'] };
  for (const [field, value] of Object.entries(config)) {
    if (rule.keep.includes(field)) kept[field] = plainValue(field, value);
    else if (rule.only?.[field] !== undefined) {
      if (!rule.only[field].includes(value)) throw new InvalidFileError(file, `expected ${field} ${String(rule.only[field][0])} in layer ${name} (${className}), found ${JSON.stringify(value)}`, { advice: 'export the model to ONNX and import that' });
    } else if (!WITHOUT_EFFECT.test(field)) throw new InvalidFileError(file, `expected known fields in layer ${name} (${className}), found ${field}`, { advice: 'export the model to ONNX and import that' });
  }
  // A sequential network may have its input's shape on its first layer.
  if (Array.isArray(config['batch_input_shape'])) kept['batch_input_shape'] = config['batch_input_shape'];
  return kept;
}

function plainValue(field: string, value: unknown): unknown {
  // TensorFlow's Keras writes the axis of a normalisation as a list of one.
  if (field === 'axis' && Array.isArray(value) && value.length === 1) return value[0] as unknown;
  // Keras 3 writes functions of other packages as objects.
  if (field === 'activation' && isObject(value)) return isObject(value['config']) ? value['config']['name'] ?? value['class_name'] : value['config'] ?? value['class_name'];
  return value;
}
