import { isObject } from './bytes.js';
import type { ModelConfiguration } from './types.js';

/** Activations of Keras by the names that they have in TensorFlow.js, or that {@link registerForeign} gives them. */
const NAMES: Readonly<Record<string, string>> = {
  linear: 'linear', relu: 'relu', relu6: 'relu6', sigmoid: 'sigmoid', tanh: 'tanh', softmax: 'softmax', log_softmax: 'logSoftmax', elu: 'elu', selu: 'selu',
  softplus: 'softplus', softsign: 'softsign', gelu: 'gelu', mish: 'mish', swish: 'swish', silu: 'swish',
  leaky_relu: 'leakyRelu', hard_swish: 'hardSwish', hard_silu: 'hardSwish', exponential: 'exponential',
};

/**
 * The name in TensorFlow.js of an activation as a file has it, or undefined if it is not known. Keras 3 writes functions of
 * other packages as objects. Its `hard_sigmoid` reaches 0 at −3 and 1 at 3; that of Keras 2 and TensorFlow.js at −2.5 and 2.5.
 */
export function plainActivation(value: unknown, kind: ModelConfiguration['kind']): string | undefined {
  if (value === null) return 'linear';
  if (isObject(value)) {
    const { class_name, config } = value;
    // A layer as an activation has settings of its own.
    if (isObject(config) && class_name !== 'function' && Object.keys(config).some((key) => !['name', 'dtype', 'trainable'].includes(key))) return undefined;
    return plainActivation(isObject(config) ? config['name'] ?? class_name : config ?? class_name, kind);
  }
  if (value === 'hard_sigmoid') return kind === 'keras-3' ? 'hardSigmoidOfSix' : 'hardSigmoid';
  return typeof value === 'string' && Object.hasOwn(NAMES, value) ? NAMES[value] : undefined;
}
