import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { seededRandom, shuffled, type ChipSamples, type Random, type Split } from '../samples/index.js';
import { throwIfAborted } from '../errors.js';
import { applyThreshold, fBeta } from '../metrics/index.js';
import { randomView, writeSquare, writeTarget, PLAIN_VIEW, type AugmentOptions } from './augment.js';
import { NOT_VALIDATED, type Learner, type Validation } from './learner.js';
import { classLoss, classWeights, tagLoss, tagWeights } from './losses.js';
import type { RecipeLoss } from './recipe.js';
import { tidyValues } from './tidy-values.js';

/** What a network is shown of a chip: its pixels, or what frozen layers made of them. */
export interface ChipInput {
  /** Of one chip. */
  readonly shape: readonly number[];
  /** Writes a chip, varied where random numbers are given. */
  write(out: Float32Array, offset: number, chip: number, random?: Random): void;
}

export interface ChipLearnerOptions {
  /** Any number of tags per chip, or one class. */
  readonly task: 'tagger' | 'classifier';
  readonly batch: number;
  readonly seed: number;
  /** Steps per epoch. Default: as many as show every chip once, the last with what is left, as Keras's `fit`. */
  readonly steps?: number;
  readonly loss: RecipeLoss;
  /** Taggers: a tag counts as found from this probability on, in the validation score. */
  readonly threshold: number;
}

/** The parts of a network that are run: all of it, or what comes after frozen layers. */
export type RunNetwork = Pick<Network, 'logits' | 'scores'>;

/** Chips with tags or classes: cross-entropy, scored by F2 over samples, or by accuracy. */
export function chipLearner(tf: Tensorflow, network: RunNetwork, chips: ChipSamples, split: Split, input: ChipInput, options: ChipLearnerOptions): Learner {
  const { batch, seed, task } = options;
  const { tags } = chips;
  const length = input.shape.reduce((product, size) => product * size, 1);
  const targets = task === 'tagger' ? tagTargets(tf, chips, split, options.loss) : classTargets(tf, chips, split, options.loss);
  let order: { epoch: number; places: Int32Array } | undefined;
  return {
    network,
    stepsPerEpoch: options.steps ?? Math.max(1, Math.ceil(split.train.length / batch)),
    scoreName: task === 'tagger' ? 'F2' : 'accuracy',
    batch(epoch, step) {
      if (order?.epoch !== epoch) order = { epoch, places: shuffled(split.train.length, seededRandom(seed, epoch)) };
      const random = seededRandom(seed, epoch, step + 1);
      const all = order.places;
      // With steps of their own number the samples come again in the same order, in whole batches.
      const count = options.steps === undefined ? Math.min(batch, all.length - step * batch) : Math.min(batch, all.length);
      const places = Int32Array.from({ length: count }, (_, index) => all[(step * batch + index) % all.length]!);
      const x = new Float32Array(places.length * length);
      const y = new Float32Array(places.length * tags.length);
      places.forEach((place, index) => {
        const chip = split.train[place]!;
        input.write(x, index * length, chip, random);
        targets.write(y, index * tags.length, chip);
      });
      return { x, xShape: [places.length, ...input.shape], y, yShape: [places.length, tags.length] };
    },
    loss: targets.loss,
    async validate(signal) {
      if (split.validation.length === 0) return NOT_VALIDATED;
      const scores = await predictInput(tf, network.scores, input, split.validation, signal);
      const truth = targetsOf(chips, split.validation);
      return task === 'tagger' ? tagValidation(scores, truth, tags.length, options.threshold) : classValidation(scores, truth, tags.length);
    },
  };
}

/** A chip's pixels, seen in a random way in training. */
export function chipPixels(chips: ChipSamples, augment?: AugmentOptions): ChipInput {
  const { size } = chips;
  const pixels = new Uint8Array(size * size * 3);
  const square = { pixels, width: size, height: size, x: 0, y: 0 };
  return {
    shape: [size, size, 3],
    write(out, offset, chip, random) {
      chips.read(chip, pixels, 0);
      writeSquare(out, offset, square, size, random === undefined ? PLAIN_VIEW : randomView(random, augment));
    },
  };
}

/** What a network with one vector per chip answers, `[places, n]`. */
export async function predictInput(tf: Tensorflow, model: LayersModel, input: ChipInput, places: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
  const length = input.shape.reduce((product, size) => product * size, 1);
  const answers = model.outputs[0]!.shape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);
  const out = new Float32Array(places.length * answers);
  const atATime = Math.max(1, Math.floor((256 * 1024 * 3) / length));
  for (let start = 0; start < places.length; start += atATime) {
    await new Promise(setImmediate);
    throwIfAborted(signal);
    const part = places.subarray(start, start + atATime);
    const x = new Float32Array(part.length * length);
    part.forEach((chip, index) => input.write(x, index * length, chip));
    const scores = tidyValues(tf, () => (model.predict(tf.tensor(x, [part.length, ...input.shape])) as Tensor).dataSync());
    out.set(scores, start * answers);
  }
  return out;
}

/** True tags `[places, tags]`. */
export function targetsOf(chips: ChipSamples, places: Int32Array): Uint8Array {
  const count = chips.tags.length;
  const out = new Uint8Array(places.length * count);
  places.forEach((chip, index) => out.set(chips.targets.subarray(chip * count, (chip + 1) * count), index * count));
  return out;
}

interface Targets {
  readonly loss: Learner['loss'];
  write(out: Float32Array, at: number, chip: number): void;
}

function tagTargets(tf: Tensorflow, chips: ChipSamples, split: Split, loss: RecipeLoss): Targets {
  const count = chips.tags.length;
  return {
    loss: tagLoss(tf, loss, tagWeights(countTags(chips, split.train), split.train.length, chips.tags, loss.class_weights ?? 'equal')),
    write: (out, at, chip) => out.set(chips.targets.subarray(chip * count, (chip + 1) * count), at),
  };
}

function classTargets(tf: Tensorflow, chips: ChipSamples, split: Split, loss: RecipeLoss): Targets {
  const count = chips.tags.length;
  const weights = classWeights(countTags(chips, split.train), chips.tags, loss.class_weights ?? 'equal');
  return {
    loss: classLoss(tf, loss),
    write: (out, at, chip) => writeTarget(out, at, chips.targets.subarray(chip * count, (chip + 1) * count).indexOf(1), weights, loss.label_smoothing ?? 0),
  };
}

function countTags(chips: ChipSamples, places: Int32Array): number[] {
  const count = chips.tags.length;
  const counts = new Array<number>(count).fill(0);
  for (const chip of places) for (let tag = 0; tag < count; tag++) counts[tag]! += chips.targets[chip * count + tag]!;
  return counts;
}

function tagValidation(scores: Float32Array, truth: Uint8Array, count: number, threshold: number): Validation {
  const score = fBeta(truth, applyThreshold(scores, count, threshold), count);
  return { score, loss: crossEntropy(scores, truth), values: { [`f2_at_${threshold}`]: score, f2_at_half: fBeta(truth, applyThreshold(scores, count, 0.5), count) } };
}

function classValidation(scores: Float32Array, truth: Uint8Array, count: number): Validation {
  const rows = truth.length / count;
  let right = 0;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const real = truth.subarray(row * count, (row + 1) * count).indexOf(1);
    if (likeliest(scores, row * count, count) === real) right++;
    loss -= Math.log(Math.max(1e-7, scores[row * count + real]!));
  }
  return { score: right / Math.max(1, rows), loss: loss / Math.max(1, rows), values: {} };
}

function likeliest(scores: Float32Array, at: number, count: number): number {
  let best = 0;
  for (let id = 1; id < count; id++) if (scores[at + id]! > scores[at + best]!) best = id;
  return best;
}

function crossEntropy(scores: Float32Array, truth: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < truth.length; i++) {
    const p = Math.min(1 - 1e-7, Math.max(1e-7, scores[i]!));
    sum -= truth[i] === 1 ? Math.log(p) : Math.log(1 - p);
  }
  return sum / truth.length;
}
