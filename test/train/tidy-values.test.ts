import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { tidyValues } from '../../src/train/index.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('values of a computation', () => {
  it('are handed out without being looked at one by one, and its tensors are disposed of', () => {
    const before = tf.memory().numTensors;
    const looked = (): never => { throw new Error('its elements were looked at'); };
    const values = tidyValues(tf, () => ({ sum: tf.add(tf.tensor1d([1, 2]), 3).dataSync(), watched: new Proxy({}, { ownKeys: looked, get: looked, getPrototypeOf: looked }) }));
    expect(Array.from(values.sum)).toEqual([4, 5]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
