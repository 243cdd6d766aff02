import type { Tensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { seededRandom, shuffled, type ChipSet, type Split } from '../samples/index.js';
import { throwIfAborted } from '../errors.js';
import { applyThreshold, fBeta } from '../metrics/index.js';
import { randomView, writeSquare, PLAIN_VIEW, type AugmentOptions } from './augment.js';
import type { Learner } from './learner.js';

export interface TagLearnerOptions {
  readonly batch: number;
  readonly seed: number;
  readonly augment?: AugmentOptions;
  /** A tag counts as found from this probability on, in the validation score. */
  readonly threshold: number;
}

/** Chips with tags: binary cross-entropy, scored by F2 over samples. */
export function tagLearner(tf: Tensorflow, network: Network, chips: ChipSet, split: Split, options: TagLearnerOptions): Learner {
  const { batch, seed, augment, threshold } = options;
  const { size, tags } = chips;
  const stepsPerEpoch = Math.floor(split.train.length / batch) || 1;
  let order: { epoch: number; places: Int32Array } | undefined;
  return {
    network,
    stepsPerEpoch,
    scoreName: 'F2',
    batch(epoch, step) {
      if (order?.epoch !== epoch) order = { epoch, places: shuffled(split.train.length, seededRandom(seed, epoch)) };
      const random = seededRandom(seed, epoch, step + 1);
      const places = order.places.subarray(step * batch, (step + 1) * batch);
      const x = new Float32Array(places.length * size * size * 3);
      const y = new Float32Array(places.length * tags.length);
      places.forEach((place, index) => {
        const chip = split.train[place]!;
        writeSquare(x, index * size * size * 3, chipSquare(chips, chip), size, randomView(random, augment));
        y.set(chips.targets.subarray(chip * tags.length, (chip + 1) * tags.length), index * tags.length);
      });
      return { x, xShape: [places.length, size, size, 3], y, yShape: [places.length, tags.length] };
    },
    loss: (logits, y) => tf.losses.sigmoidCrossEntropy(y, logits),
    async validate(signal) {
      const scores = await predictChips(tf, network, chips, split.validation, signal);
      const truth = targetsOf(chips, split.validation);
      const score = fBeta(truth, applyThreshold(scores, tags.length, threshold), tags.length);
      return { score, loss: crossEntropy(scores, truth), values: { [`f2_at_${threshold}`]: score, f2_at_half: fBeta(truth, applyThreshold(scores, tags.length, 0.5), tags.length) } };
    },
  };
}

/** Probabilities `[places, tags]` of the chips at these places. */
export async function predictChips(tf: Tensorflow, network: Network, chips: ChipSet, places: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { size, tags } = chips;
  const out = new Float32Array(places.length * tags.length);
  const atATime = Math.max(1, Math.floor((256 * 1024) / (size * size)));
  for (let start = 0; start < places.length; start += atATime) {
    await new Promise(setImmediate);
    throwIfAborted(signal);
    const part = places.subarray(start, start + atATime);
    const x = new Float32Array(part.length * size * size * 3);
    part.forEach((chip, index) => writeSquare(x, index * size * size * 3, chipSquare(chips, chip), size, PLAIN_VIEW));
    const scores = tf.tidy(() => (network.scores.predict(tf.tensor4d(x, [part.length, size, size, 3])) as Tensor).dataSync());
    out.set(scores, start * tags.length);
  }
  return out;
}

/** True tags `[places, tags]`. */
export function targetsOf(chips: ChipSet, places: Int32Array): Uint8Array {
  const count = chips.tags.length;
  const out = new Uint8Array(places.length * count);
  places.forEach((chip, index) => out.set(chips.targets.subarray(chip * count, (chip + 1) * count), index * count));
  return out;
}

function chipSquare(chips: ChipSet, chip: number): { pixels: Uint8Array; width: number; x: number; y: number } {
  const length = chips.size * chips.size * 3;
  return { pixels: chips.pixels.subarray(chip * length, (chip + 1) * length), width: chips.size, x: 0, y: 0 };
}

function crossEntropy(scores: Float32Array, truth: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < truth.length; i++) {
    const p = Math.min(1 - 1e-7, Math.max(1e-7, scores[i]!));
    sum -= truth[i] === 1 ? Math.log(p) : Math.log(1 - p);
  }
  return sum / truth.length;
}
