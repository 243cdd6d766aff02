import type { Tensor } from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { findArchitecture, unet, type Tensorflow } from '../../models/architectures/index.js';
import { fit as fitStages, getValues, type FitResult, type Learner } from '../../src/train/index.js';
import { createAverage } from '../../src/train/average.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** Two patches of random samples, the same at every step; the validation scores are given. */
function learner(scores: readonly number[]): Learner {
  const network = unet(tf, { classes: 2, widths: [2, 3], batchNorm: true });
  let validated = 0;
  return {
    network, stepsPerEpoch: 3, scoreName: 'score',
    batch: (epoch, step) => ({
      x: Float32Array.from({ length: 96 }, (_, at) => (at * 37 + epoch * 11 + step * 5) % 256), xShape: [2, 4, 4, 3],
      y: Float32Array.from({ length: 64 }, (_, at) => (at % 2 === (at % 6 < 3 ? 0 : 1) ? 1 : 0)), yShape: [2, 4, 4, 2],
    }),
    loss: (logits: Tensor, y: Tensor) => tf.neg(tf.mean(tf.mul(y, tf.logSoftmax(logits)))),
    validate: () => Promise.resolve({ score: scores[validated++]!, loss: 0, values: {} }),
  };
}

/** One stage of AdamW over one cycle. */
function fit(engine: Tensorflow, one: Learner & { readonly network: { readonly logits: Parameters<typeof getValues>[0] } }, { epochs, rate, ...options }: { epochs: number; rate: number; average?: number; keep?: 'last' }): Promise<FitResult> {
  const stage = { name: '1', epochs, freeze: [], patience: undefined, optimizer: { name: 'adamw' as const, lr: rate }, schedule: { name: 'one-cycle' as const }, loss: { name: 'cross-entropy' as const } };
  return fitStages(engine, [{ stage, open: () => Promise.resolve({ model: one.network.logits, learner: one }) }], { architecture: findArchitecture('unet')!, seed: 1, ...options });
}

describe('the moving average of weights', () => {
  it('keeps its share per step, less at first', () => {
    const { logits } = unet(tf, { classes: 2, widths: [1, 1], batchNorm: true });
    const average = createAverage(tf, logits, 0.5);
    const expected = getValues(logits).map((array) => Array.from(array));
    for (const [steps, kept] of [[1, 2 / 11], [2, 3 / 12], [3, 4 / 13], [30, 0.5]] as const) {
      tf.tidy(() => logits.setWeights(logits.getWeights().map((weight) => tf.add(tf.mul(weight, 0.5), steps))));
      getValues(logits).forEach((array, index) => array.forEach((value, at) => { expected[index]![at] = expected[index]![at]! * kept + value * (1 - kept); }));
      average.update(steps);
    }
    average.values().forEach((array, index) => array.forEach((value, at) => expect(value).toBeCloseTo(expected[index]![at]!, 4)));
    average.dispose();
  });

  it('is what is validated and kept; training goes on from the weights themselves', async () => {
    const plain = learner([0.1, 0.2]);
    await fit(tf, plain, { epochs: 2, rate: 0.01 });
    const averaged = learner([0.1, 0.2]);
    const validated: Float32Array[][] = [];
    const watched: Learner = { ...averaged, validate: () => { validated.push(getValues(averaged.network.logits)); return averaged.validate(); } };
    const slow = await fit(tf, watched, { epochs: 2, rate: 0.01, average: 0.9 });
    expect(getValues(averaged.network.logits)).toEqual(validated[1]);
    expect(getValues(averaged.network.logits)).not.toEqual(getValues(plain.network.logits));
    // With nothing kept, the average is the weights: the same steps were made.
    const nothing = learner([0.1, 0.2]);
    const fast = await fit(tf, nothing, { epochs: 2, rate: 0.01, average: 0 });
    expect(fast.history.map((record) => record.loss)).toEqual(slow.history.map((record) => record.loss));
    getValues(nothing.network.logits).forEach((array, index) => array.forEach((value, at) => expect(value).toBeCloseTo(getValues(plain.network.logits)[index]![at]!, 6)));
  });

  it('never takes a score that is no number for the best', async () => {
    expect((await fit(tf, learner([NaN, 0.2, 0.5, NaN, 0.4]), { epochs: 5, rate: 0.01 })).bestEpoch).toBe(3);
    const first = learner([NaN, 0.2, 0.1]);
    const weights: Float32Array[][] = [];
    const watched: Learner = { ...first, validate: () => { weights.push(getValues(first.network.logits)); return first.validate(); } };
    expect((await fit(tf, watched, { epochs: 3, rate: 0.01 })).bestEpoch).toBe(2);
    expect(getValues(first.network.logits)).toEqual(weights[1]);
  });

  it('gives the last epoch or the best one, as asked', async () => {
    expect((await fit(tf, learner([0.3, 0.5, 0.4]), { epochs: 3, rate: 0.01 })).bestEpoch).toBe(2);
    const last = learner([0.3, 0.5, 0.4]);
    const weights: Float32Array[][] = [];
    const watched: Learner = { ...last, validate: () => { weights.push(getValues(last.network.logits)); return last.validate(); } };
    expect((await fit(tf, watched, { epochs: 3, rate: 0.01, keep: 'last' })).bestEpoch).toBe(3);
    expect(getValues(last.network.logits)).toEqual(weights[2]);
  });
});
