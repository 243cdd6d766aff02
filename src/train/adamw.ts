import type { NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

export interface AdamWOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.99. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
  /** Share of a weight that is taken away per step, times the learning rate; kernels only. Default 0.01. */
  readonly decay?: number;
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), with a state that can be saved. */
export interface AdamW {
  /** One step with this learning rate. Gradients are by name of the variable. */
  step(gradients: NamedTensorMap, rate: number): void;
  /** Steps made so far. */
  steps: number;
  /** First and second moments in the order of the variables. */
  readonly moments: readonly Variable[];
}

export function createAdamW(tf: Tensorflow, variables: readonly Variable[], options: AdamWOptions = {}): AdamW {
  const { beta1 = 0.9, beta2 = 0.99, epsilon = 1e-7, decay = 0.01 } = options;
  const first = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const second = variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const optimizer: AdamW = {
    steps: 0,
    moments: [...first, ...second],
    step(gradients, rate) {
      optimizer.steps++;
      const correction1 = 1 - beta1 ** optimizer.steps;
      const correction2 = 1 - beta2 ** optimizer.steps;
      tf.tidy(() => variables.forEach((variable, index) => {
        const gradient = gradients[variable.name];
        if (gradient === undefined) return;
        const m = first[index]!;
        const v = second[index]!;
        m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
        v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
        const change: Tensor = tf.div(tf.mul(m, rate / correction1), tf.add(tf.sqrt(tf.div(v, correction2)), epsilon));
        // Biases and normalisation (one axis) are not decayed.
        const kept = variable.rank > 1 ? tf.mul(variable, 1 - rate * decay) : variable;
        variable.assign(tf.sub(kept, change));
      }));
    },
  };
  return optimizer;
}

/** Learning rate of step `step` of `steps`: a cosine up over the first quarter, a cosine down to nearly nothing (Smith 2018). */
export function oneCycle(step: number, steps: number, peak: number, rise = 0.25): number {
  const start = peak / 25;
  const end = peak / 1e4;
  const top = rise * steps;
  const blend = (from: number, to: number, part: number): number => to + (from - to) * (1 + Math.cos(Math.PI * part)) / 2;
  return step < top ? blend(start, peak, step / top) : blend(peak, end, Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
}
