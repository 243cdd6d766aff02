import type { LayersModel } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

/** A moving average of all weights of a network, those of batch normalisation's statistics among them. */
export interface MovingAverage {
  /** Takes in the weights that the network has after so many steps. */
  update(steps: number): void;
  /** In the network's order. */
  values(): Float32Array[];
  set(values: readonly Float32Array[]): void;
  dispose(): void;
}

/**
 * Exponential moving average: `decay` of the average stays per step, the rest comes from the weights (Polyak and Juditsky
 * 1992). The first steps keep less, `(1 + steps) / (10 + steps)`, so that the random start is soon forgotten. It begins with
 * the weights of now.
 */
export function createAverage(tf: Tensorflow, model: LayersModel, decay: number): MovingAverage {
  const average = model.getWeights().map((weight) => tf.variable(weight.clone(), false));
  return {
    update(steps) {
      const kept = Math.min(decay, (1 + steps) / (10 + steps));
      tf.tidy(() => model.getWeights().forEach((weight, index) => {
        const held = average[index]!;
        held.assign(tf.add(tf.mul(held, kept), tf.mul(weight, 1 - kept)));
      }));
    },
    values: () => average.map((held) => held.dataSync<'float32'>().slice()),
    set(values) {
      tf.tidy(() => average.forEach((held, index) => held.assign(tf.tensor(values[index]!, held.shape))));
    },
    dispose() {
      average.forEach((held) => held.dispose());
    },
  };
}
