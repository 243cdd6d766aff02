import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { createAdamW, oneCycle } from '../../src/train/index.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('AdamW', () => {
  it('does without decay what Adam of TensorFlow.js does', () => {
    const loss = (x: Tensor): Scalar => tf.sum(tf.mul(tf.square(tf.sub(x, [1, -2, 3])), [1, 5, 0.1]));
    const ours = tf.variable(tf.tensor1d([0, 0, 0]));
    const theirs = tf.variable(tf.tensor1d([0, 0, 0]));
    const optimizer = createAdamW(tf, [ours], { decay: 0 });
    const adam = tf.train.adam(0.1, 0.9, 0.99, 1e-7);
    for (let step = 0; step < 20; step++) {
      optimizer.step(tf.variableGrads(() => loss(ours), [ours]).grads, 0.1);
      adam.minimize(() => loss(theirs), false, [theirs]);
    }
    const [a, b] = [ours.dataSync(), theirs.dataSync()];
    a.forEach((value, index) => expect(value).toBeCloseTo(b[index]!, 4));
    expect(Math.abs(a[1]!)).toBeGreaterThan(1);
  });

  it('shrinks kernels by rate times decay and leaves biases alone', () => {
    const kernel = tf.variable(tf.tensor2d([[2, 4]]));
    const bias = tf.variable(tf.tensor1d([2]));
    createAdamW(tf, [kernel, bias], { decay: 0.1 }).step({ [kernel.name]: tf.zeros([1, 2]), [bias.name]: tf.zeros([1]) }, 0.5);
    expect(Array.from(kernel.dataSync())).toEqual([expect.closeTo(1.9, 5), expect.closeTo(3.8, 5)]);
    expect(Array.from(bias.dataSync())).toEqual([2]);
  });

  it('goes up to the peak and down to nearly nothing in one cycle', () => {
    const rates = Array.from({ length: 101 }, (_, step) => oneCycle(step, 101, 1, 0.25));
    expect(rates[0]).toBeCloseTo(1 / 25, 6);
    expect(Math.max(...rates)).toBeCloseTo(1, 3);
    expect(rates.indexOf(Math.max(...rates))).toBe(25);
    expect(rates[100]).toBeCloseTo(1e-4, 6);
  });
});
