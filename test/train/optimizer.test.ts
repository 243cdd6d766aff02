import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { createOptimizer, oneCycle, rateFactor, type OptimizerOptions } from '../../src/train/index.js';
import { root } from '../places.js';
import { plainTensorflow } from './engines.js';

type Pair = [number[][], number[]];
interface Golden {
  readonly optimizers: { readonly kernel: number[][]; readonly bias: number[]; readonly gradients: Pair[]; readonly rates: number[]; readonly cases: Record<string, { options: OptimizerOptions; after: Pair[] }> };
  readonly plateau: { readonly losses: number[]; readonly cases: { factor: number; patience: number; min_lr: number; after: number[] }[] };
  readonly cosine: number[];
}
const golden = JSON.parse(readFileSync(join(root, 'fixtures', 'train', 'golden.json'), 'utf8')) as Golden;

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('optimisers', () => {
  it.each(Object.keys(golden.optimizers.cases))('%s does what Keras does', (name) => {
    const { kernel, bias, gradients, rates, cases } = golden.optimizers;
    const { options, after } = cases[name]!;
    const weights = [tf.variable(tf.tensor2d(kernel)), tf.variable(tf.tensor1d(bias))];
    const optimizer = createOptimizer(tf, weights, options);
    gradients.forEach(([k, b], step) => {
      optimizer.step({ [weights[0]!.name]: tf.tensor2d(k), [weights[1]!.name]: tf.tensor1d(b) }, [rates[step]!, rates[step]!]);
      const expected = [after[step]![0].flat(), after[step]![1]];
      // AdamW adds ε where PyTorch does: some millionths in the first steps.
      weights.forEach((weight, place) => weight.dataSync().forEach((value, at) => expect(Math.abs(value - expected[place]![at]!)).toBeLessThan(name === 'adamw' ? 2e-5 : 3e-6)));
    });
    optimizer.dispose();
  });

  it('have a rate for every weight', () => {
    const weights = [tf.variable(tf.tensor1d([1])), tf.variable(tf.tensor1d([1]))];
    createOptimizer(tf, weights, { name: 'sgd' }).step(Object.fromEntries(weights.map((weight) => [weight.name, tf.tensor1d([1])])), [0.5, 0.125]);
    expect(weights.map((weight) => weight.dataSync()[0])).toEqual([0.5, 0.875]);
  });
});

describe('schedules', () => {
  it('lower the rate on plateaus as Keras does', () => {
    for (const { after, ...options } of golden.plateau.cases) {
      after.forEach((rate, epoch) => expect(rateFactor({ name: 'plateau', ...options }, { step: 0, steps: 1, losses: golden.plateau.losses.slice(0, epoch + 1) }, 1)).toBeCloseTo(rate, 6));
    }
  });

  it('come down a cosine as Keras does', () => {
    golden.cosine.forEach((rate, step) => expect(rateFactor({ name: 'cosine', min_lr: 0.1 }, { step, steps: 10, losses: [] }, 1)).toBeCloseTo(rate, 6));
  });

  it('go up to the peak and down to nearly nothing in one cycle', () => {
    const rates = Array.from({ length: 101 }, (_, step) => oneCycle(step, 101, 1, 0.25));
    expect(rates[0]).toBeCloseTo(1 / 25, 6);
    expect(Math.max(...rates)).toBeCloseTo(1, 3);
    expect(rates.indexOf(Math.max(...rates))).toBe(25);
    expect(rates[100]).toBeCloseTo(1e-4, 6);
    expect(rateFactor({ name: 'one-cycle', start_divisor: 10 }, { step: 0, steps: 50, losses: [] }, 0.3)).toBeCloseTo(0.1, 6);
  });
});
