import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import type { TrainedWeight } from './layer-choice.js';
import type { Batch, Learner } from './learner.js';
import type { Optimizer } from './optimizer.js';

export interface StepParts {
  readonly learner: Pick<Learner, 'network' | 'loss'>;
  readonly optimizer: Optimizer;
  readonly weights: readonly TrainedWeight[];
  /** By place of a weight: what the sum of its squares weighs in the loss. */
  readonly l2: readonly number[];
}

/** One step: the gradients of the loss (and of the squares of kernels) change the weights. Returns the loss before it. */
export function trainStep(tf: Tensorflow, parts: StepParts, batch: Batch, rates: readonly number[]): number {
  const { learner, optimizer, weights, l2 } = parts;
  const variables = weights.map((weight) => weight.variable);
  return tf.tidy(() => {
    const x = tf.tensor(batch.x, [...batch.xShape]);
    const y = tf.tensor(batch.y, [...batch.yShape]);
    const { value, grads } = tf.variableGrads(() => {
      const loss = learner.loss(learner.network.logits.apply(x, { training: true }) as Tensor, y);
      const squares = variables.flatMap((variable, place) => (l2[place]! > 0 ? [tf.mul(tf.sum(tf.square(variable)), l2[place]!)] : []));
      return squares.length === 0 ? loss : tf.addN([loss, ...squares]) as Scalar;
    }, [...variables]);
    optimizer.step(grads, rates);
    return value.dataSync()[0]!;
  });
}
