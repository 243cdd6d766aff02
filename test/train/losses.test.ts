import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { classLoss, classWeights, tagLoss, tagWeights } from '../../src/train/index.js';
import { writeTarget } from '../../src/train/augment.js';
import { root } from '../places.js';
import { plainTensorflow } from './engines.js';

interface Losses extends Record<string, unknown> { readonly logits: number[][]; readonly tags: number[][]; readonly classes: number[][] }
const golden = (JSON.parse(readFileSync(join(root, 'fixtures', 'train', 'golden.json'), 'utf8')) as { losses: Losses }).losses;

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** Targets as learners write them: with weights and smoothing. */
function targets(weights: readonly number[], smoothing = 0): Tensor {
  const out = new Float32Array(12);
  golden.classes.forEach((row, index) => writeTarget(out, index * 3, row.indexOf(1), weights, smoothing));
  return tf.tensor2d(out, [4, 3]);
}

describe('losses', () => {
  it.each([
    ['binary', { name: 'cross-entropy' as const }, undefined],
    ['binary_smoothed', { name: 'cross-entropy' as const, label_smoothing: 0.2 }, undefined],
    ['binary_focal', { name: 'focal' as const, gamma: 2 }, undefined],
    ['binary_weighted', { name: 'cross-entropy' as const }, [2, 0.5, 3]],
  ])('of tags: %s is the number of Keras', (name, options, weights) => {
    const loss = tagLoss(tf, options, weights)(tf.tensor2d(golden.logits), tf.tensor2d(golden.tags));
    expect(loss.dataSync()[0]).toBeCloseTo(golden[name] as number, 5);
  });

  it.each([
    ['categorical', { name: 'cross-entropy' as const }, [1, 1, 1], 0],
    ['categorical_smoothed', { name: 'cross-entropy' as const }, [1, 1, 1], 0.3],
    ['categorical_focal', { name: 'focal' as const }, [1, 1, 1], 0],
    ['categorical_weighted', { name: 'cross-entropy' as const }, [1, 4, 0], 0],
  ])('of classes: %s is the number of Keras', (name, options, weights, smoothing) => {
    const loss = classLoss(tf, options)(tf.tensor2d(golden.logits), targets(weights, smoothing));
    expect(loss.dataSync()[0]).toBeCloseTo(golden[name] as number, 4);
  });

  it('stay finite for logits of any size', () => {
    const loss = tagLoss(tf, { name: 'focal' }, [1, 2])(tf.tensor2d([[500, -500]]), tf.tensor2d([[0, 1]]));
    expect(loss.dataSync()[0]).toBeCloseTo((500 + 2 * 500) / 2, 1);
  });

  it('with a focal factor have the losses and gradients of Keras, also where the true class is certain', () => {
    interface Case { readonly loss: number; readonly gradient: number[][] }
    interface Focal { readonly logits: [number, number][]; readonly cases: readonly { readonly gamma: number; readonly classes: Case; readonly tags: Case & { readonly rows: number[] } }[] }
    const { logits, cases } = JSON.parse(readFileSync(join(root, 'fixtures', 'train', 'focal.json'), 'utf8')) as Focal;
    const compare = (loss: (z: Tensor) => Scalar, at: [number, number][], expected: Case): void => {
      const z = tf.tensor2d(at);
      expect(loss(z).dataSync()[0]).toBeCloseTo(expected.loss, 5);
      const found = tf.grad((x: Tensor) => loss(x))(z).dataSync();
      expected.gradient.flat().forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
    };
    for (const { gamma, classes, tags } of cases) {
      const truth = (count: number): Tensor => tf.tensor2d(Array.from({ length: count }, () => [1, 0]));
      compare((z) => classLoss(tf, { name: 'focal', gamma })(z, truth(4)), logits, classes);
      compare((z) => tagLoss(tf, { name: 'focal', gamma })(z, truth(3)), tags.rows.map((row) => logits[row]!), tags);
    }
    // Keras has no number here.
    const certain = tf.grad((z: Tensor) => tagLoss(tf, { name: 'focal', gamma: 0.5 })(z, tf.tensor2d([[1, 0]])))(tf.tensor2d([[200, -200]])).dataSync();
    expect(Array.from(certain).every((value) => Math.abs(value) < 1e-6)).toBe(true);
  });

  it('weigh classes by how rare they are, one in the mean over samples, or as given', () => {
    const root = classWeights([9, 1, 0], ['a', 'b', 'c'], 'sqrt');
    expect(root[1]! / root[0]!).toBeCloseTo(3, 9);
    expect(root[2]).toBe(0);
    expect((9 * root[0]! + root[1]!) / 10).toBeCloseTo(1, 9);
    const balanced = classWeights([9, 1, 0], ['a', 'b', 'c'], 'balanced');
    expect(balanced[1]! / balanced[0]!).toBeCloseTo(9, 9);
    expect(classWeights([9, 1, 5], ['a', 'b', 'c'], { b: 4, c: 0 })).toEqual([1, 4, 0]);
    expect(tagWeights([20, 80], 100, ['a', 'b'], 'balanced')).toEqual([4, 0.25]);
  });
});
