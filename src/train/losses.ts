import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import type { RecipeLoss } from './recipe.js';

/**
 * Mean binary cross-entropy over samples and tags, or the focal one (Lin et al. 2017, without α), of logits and targets
 * `[n, tags]`. `weights` multiply what a tag that is there counts (as `pos_weight` of PyTorch). Smoothing moves targets
 * towards a half, as Keras does.
 */
export function tagLoss(tf: Tensorflow, options: RecipeLoss, weights?: readonly number[]): (logits: Tensor, y: Tensor) => Scalar {
  const { label_smoothing: smoothing = 0, gamma = 2 } = options;
  const positive = weights === undefined || weights.every((weight) => weight === 1) ? undefined : tf.keep(tf.tensor2d([...weights], [1, weights.length]));
  return (logits, truth) => {
    const y = smoothing === 0 ? truth : tf.add(tf.mul(truth, 1 - smoothing), smoothing / 2);
    if (positive === undefined && options.name !== 'focal') return tf.losses.sigmoidCrossEntropy(y, logits);
    // −log σ(x) = softplus(−x), −log(1 − σ(x)) = softplus(x): no overflow for any x.
    let there: Tensor = tf.mul(y, softplus(tf, tf.neg(logits)));
    let absent: Tensor = tf.mul(tf.sub(1, y), softplus(tf, logits));
    if (options.name === 'focal') {
      const found = tf.sigmoid(logits);
      there = tf.mul(there, focalFactor(tf, tf.sub(1, found), gamma));
      absent = tf.mul(absent, focalFactor(tf, found, gamma));
    }
    if (positive !== undefined) there = tf.mul(there, positive);
    return tf.mean(tf.add(there, absent));
  };
}

/**
 * Mean categorical cross-entropy (or focal) of logits `[…, classes]`. Targets of the same shape already carry smoothing and
 * the weight of the sample's class: `weight × target`, all 0 where a sample is ignored. The mean is over weights, as with
 * `weight` and `ignore_index` of PyTorch's CrossEntropyLoss.
 */
export function classLoss(tf: Tensorflow, options: RecipeLoss): (logits: Tensor, y: Tensor) => Scalar {
  const { dice = 0, gamma = 2 } = options;
  return (logits, y) => {
    const logs = tf.logSoftmax(logits);
    const counted = options.name === 'focal' ? tf.mul(y, focalFactor(tf, tf.sub(1, tf.exp(logs)), gamma)) : y;
    const entropy: Scalar = tf.div(tf.neg(tf.sum(tf.mul(counted, logs))), tf.add(tf.sum(y), 1e-6));
    return dice === 0 ? entropy : tf.add(entropy, tf.mul(diceLoss(tf, tf.exp(logs), y), dice));
  };
}

/**
 * One minus the mean over classes of twice the overlap over the sum, over all pixels of a batch (Milletari et al. 2016), of
 * probabilities `[n, height, width, classes]` and targets of the same shape, weighted as {@link classLoss} takes them. Pixels
 * without a target do not count, nor do classes that no pixel of the batch has.
 */
export function diceLoss(tf: Tensorflow, probabilities: Tensor, y: Tensor): Scalar {
  const classes = y.shape.at(-1)!;
  const flat = tf.reshape(y, [-1, classes]);
  const counts = tf.cast(tf.greater(tf.sum(flat, 1, true), 0), 'float32');
  const truth = tf.mul(tf.oneHot(tf.argMax(flat, 1), classes), counts);
  const found = tf.mul(tf.reshape(probabilities, [-1, classes]), counts);
  const present = tf.cast(tf.greater(tf.sum(truth, 0), 0), 'float32');
  const share = tf.div(tf.mul(tf.sum(tf.mul(truth, found), 0), 2), tf.add(tf.add(tf.sum(truth, 0), tf.sum(found, 0)), 1e-6));
  return tf.sub(1, tf.div(tf.sum(tf.mul(share, present)), tf.add(tf.sum(present), 1e-6)));
}

/**
 * Weights by how often each class occurs: 1 / share or its root, scaled so that the mean over all samples is 1; as given by
 * name, others 1; or 1 for all. A class that never occurs weighs 0 where weights come from the data.
 */
export function classWeights(counts: readonly number[], names: readonly string[], how: NonNullable<RecipeLoss['class_weights']>): number[] {
  if (how === 'equal') return counts.map(() => 1);
  if (typeof how === 'object') return names.map((name) => how[name] ?? 1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const raw = counts.map((count) => (count === 0 ? 0 : how === 'sqrt' ? Math.sqrt(total / count) : total / count));
  const mean = raw.reduce((sum, weight, id) => sum + weight * counts[id]!, 0) / total;
  return raw.map((weight) => weight / mean);
}

/** For tags: what one that is there counts, by how many chips lack it for each that has it. */
export function tagWeights(counts: readonly number[], chips: number, names: readonly string[], how: NonNullable<RecipeLoss['class_weights']>): number[] {
  if (how === 'equal') return counts.map(() => 1);
  if (typeof how === 'object') return names.map((name) => how[name] ?? 1);
  return counts.map((count) => {
    const ratio = count === 0 ? 1 : Math.max(1e-3, (chips - count) / count);
    return how === 'sqrt' ? Math.sqrt(ratio) : ratio;
  });
}

/** Keras's `epsilon`: probabilities are at least so far from 0 and 1. */
const LEAST = 1e-7;

/** What is wrong, to the power of gamma. It is clipped as in Keras's CategoricalFocalCrossentropy: at 0 the slope is infinite where gamma is below 1, and no number as a gradient. */
function focalFactor(tf: Tensorflow, wrong: Tensor, gamma: number): Tensor {
  return tf.pow(tf.clipByValue(wrong, LEAST, 1), gamma);
}

function softplus(tf: Tensorflow, x: Tensor): Tensor {
  return tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
}
