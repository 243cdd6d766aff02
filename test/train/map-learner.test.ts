import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { diceLoss } from '../../src/train/index.js';
import { pictureChances } from '../../src/train/map-learner.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('learning maps', () => {
  it('takes one minus the mean Dice of the classes that are there, over pixels with a target', () => {
    // Four pixels of three classes: two of class 0 (smoothed and weighted targets), one of class 1, one ignored; class 2 is absent.
    const y = tf.tensor4d([1.8, 0.1, 0.1, 1.8, 0.1, 0.1, 0.2, 2.6, 0.2, 0, 0, 0], [1, 2, 2, 3]);
    const probabilities = tf.tensor4d([0.7, 0.2, 0.1, 0.4, 0.5, 0.1, 0.25, 0.5, 0.25, 0.9, 0.05, 0.05], [1, 2, 2, 3]);
    const dice0 = (2 * (0.7 + 0.4)) / (2 + 0.7 + 0.4 + 0.25);
    const dice1 = (2 * 0.5) / (1 + 0.2 + 0.5 + 0.5);
    expect(diceLoss(tf, probabilities, y).dataSync()[0]).toBeCloseTo(1 - (dice0 + dice1) / 2, 5);
    expect(diceLoss(tf, tf.tensor4d([1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], [1, 2, 2, 3]), y).dataSync()[0]).toBeCloseTo(0, 5);
  });

  it('looks at pictures by their area, or at every group as often', () => {
    const pictures = [{ group: 'a', width: 10, height: 10 }, { group: 'a', width: 10, height: 30 }, { group: 'b', width: 20, height: 100 }];
    expect(pictureChances(pictures, 'area')).toEqual([100, 300, 2000]);
    expect(pictureChances(pictures, 'group')).toEqual([0.25, 0.75, 1]);
  });
});
