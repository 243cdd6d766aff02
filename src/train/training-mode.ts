import type { LayersModel, Tensor, layers } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

type Call = (inputs: Tensor | Tensor[], options: { training?: boolean }) => Tensor | Tensor[];
interface Callable { call: Call; plainCall?: Call }

/** What happens in a network in training only, made to depend on seed and step. */
export interface TrainingMode {
  /** Before each step. */
  at(step: number): void;
}

/**
 * Frozen layers answer as in prediction (batch normalisation by its kept statistics), as in Keras. Dropout draws its
 * numbers from seed, step and the layer's name: TensorFlow.js, given a seed, drops the same places at every step, and without one it
 * cannot be repeated.
 */
export function setTrainingMode(tf: Tensorflow, model: LayersModel, frozen: ReadonlySet<string>, seed: number): TrainingMode {
  let step = 0;
  for (const layer of model.layers) {
    const target = layer as unknown as Callable;
    target.plainCall ??= target.call.bind(layer);
    const plain = target.plainCall;
    if (frozen.has(layer.name) && layer.weights.length > 0) target.call = (inputs) => plain(inputs, { training: false });
    else if (layer.getClassName() === 'Dropout') target.call = dropout(tf, layer, plain, [seed, nameNumber(layer.name)], () => step);
    else target.call = plain;
  }
  return { at: (now) => { step = now; } };
}

function dropout(tf: Tensorflow, layer: layers.Layer, plain: Call, seeds: readonly [number, number], step: () => number): Call {
  const rate = layer.getConfig()['rate'] as number;
  return (inputs, options) => {
    if (options.training !== true || rate === 0) return plain(inputs, options);
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => tf.mul(input, keptPlaces(tf, input.shape, rate, seeds[0] * 1009 + seeds[1], step())));
  };
}

/** A number for a layer by its name, so that it is the same in every network that the layer is part of. */
function nameNumber(name: string): number {
  let number = 7;
  for (let i = 0; i < name.length; i++) number = (Math.imul(number, 31) + name.charCodeAt(i)) | 0;
  return number;
}

/** 1 / (1 − rate) where a value is kept, else 0. */
function keptPlaces(tf: Tensorflow, shape: number[], rate: number, seed: number, step: number): Tensor {
  const backend = tf.backend() as unknown as { binding?: { TF_ATTR_TYPE: number; TF_FLOAT: number; TF_INT32: number }; executeSingleOutput?: (name: string, attributes: readonly object[], inputs: readonly Tensor[]) => Tensor };
  const uniform = backend.executeSingleOutput === undefined || backend.binding === undefined
    ? tf.randomUniform(shape, 0, 1, 'float32', `${seed},${step}`)
    // The seeded generator of TensorFlow.js draws in JavaScript, number by number; this is one kernel.
    : backend.executeSingleOutput('StatelessRandomUniform', [
      { name: 'dtype', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT },
      { name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_INT32 },
      { name: 'Tseed', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_INT32 },
    ], [tf.tensor1d(shape, 'int32'), tf.tensor1d([seed | 0, step | 0], 'int32')]);
  return tf.div(tf.cast(tf.greaterEqual(uniform, rate), 'float32'), 1 - rate);
}
