import type { LayersModel, Variable } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

/** Values of all weights, in the model's order. */
export function getValues(model: LayersModel): Float32Array[] {
  return model.getWeights().map((tensor) => tensor.dataSync<'float32'>().slice());
}

export function setValues(tf: Tensorflow, model: LayersModel, values: readonly Float32Array[]): void {
  tf.tidy(() => model.setWeights(model.getWeights().map((tensor, index) => tf.tensor(values[index]!, tensor.shape))));
}

export function assignValues(tf: Tensorflow, variable: Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
