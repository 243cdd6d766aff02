import type { Tensor } from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { resnetChips, unet, unetMultiple, unetReceptiveField, type Tensorflow } from '../../models/architectures/index.js';
import { plainTensorflow } from '../train/engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('U-Net', () => {
  it('has the published count of parameters in the plain setting', () => {
    expect(unet(tf, { classes: 7 }).scores.countParams()).toBe(1_883_527);
  });

  it('gives probabilities at the size of its input', () => {
    const { scores, logits } = unet(tf, { classes: 3, widths: [2, 3, 4], reduce: 2 });
    tf.tidy(() => {
      const out = scores.predict(tf.fill([1, 8, 16, 3], 100)) as Tensor;
      expect(out.shape).toEqual([1, 8, 16, 3]);
      expect(Array.from(tf.sum(out, -1).dataSync()).every((sum) => Math.abs(sum - 1) < 1e-5)).toBe(true);
      expect((logits.predict(tf.zeros([1, 8, 16, 3])) as Tensor).shape).toEqual([1, 4, 8, 3]);
    });
  });

  it.each([{ widths: [1, 1] }, { widths: [1, 1, 1] }, { widths: [1, 1], reduce: 2 }])('is reached by no pixel outside its receptive field, and by the outermost ones inside: $widths $reduce', (options) => {
    const { scores: network, logits } = unet(tf, { classes: 2, ...options });
    // Kernels that pass on only their leftmost or only their rightmost column: the outermost path arrives undiminished.
    const lookTo = (column: number): void => logits.setWeights(logits.getWeights().map((weight) => {
      const [height, width, from, to] = weight.shape as [number, number, number, number];
      if (weight.rank !== 4 || width === 1) return tf.fill(weight.shape, weight.rank === 4 ? 1 : 0);
      const values = new Float32Array(height * width * from * to);
      values.fill(1, (width + column) * from * to, (width + column + 1) * from * to);
      return tf.tensor(values, weight.shape);
    }));
    const field = unetReceptiveField(options);
    const multiple = unetMultiple(options);
    const size = Math.ceil((2.5 * field) / multiple) * multiple;
    const reduce = options.reduce ?? 1;
    const run = (pixels: Float32Array): Float32Array => tf.tidy(() => (logits.predict(tf.tensor4d(pixels, [1, multiple, size, 3])) as Tensor).dataSync<'float32'>().slice());
    const flat = new Float32Array(multiple * size * 3).fill(150);
    // By output pixel: how far to the left and right the pixels are that change it.
    const first = new Map<number, number>();
    const last = new Map<number, number>();
    const columns = size / reduce;
    for (const [column, seen, pick] of [[0, first, Math.min], [2, last, Math.max]] as const) {
      lookTo(column);
      const before = run(flat);
      for (let x = 0; x < size; x++) {
        const changed = flat.slice();
        for (let y = 0; y < multiple; y++) changed.fill(255, (y * size + x) * 3, (y * size + x) * 3 + 3);
        run(changed).forEach((value, at) => {
          if (Math.abs(value - before[at]!) <= 1e-4) return;
          const place = Math.floor(at / 2) % columns;
          seen.set(place, pick(seen.get(place) ?? x, x));
        });
      }
    }
    const middle = Math.floor(columns / 2);
    const reaches = Array.from({ length: multiple }, (_, offset) => last.get(middle + offset)! - first.get(middle + offset)! + 1);
    expect(Math.max(...reaches)).toBe(field);
    network.dispose();
  });
});

describe('the chip network', () => {
  it('gives tags and features, and is smaller than a million parameters', () => {
    const { scores, features } = resnetChips(tf, { tags: 17 });
    expect(scores.countParams()).toBe(699_761);
    expect(features!.outputs[0]!.shape).toEqual([null, 128]);
    expect(scores.outputs[0]!.shape).toEqual([null, 17]);
  });

  it('starts from the same weights for the same seed', () => {
    const sums = [1, 1, 2].map((seed) => resnetChips(tf, { tags: 2, size: 8, widths: [2], blocks: [1], seed }).scores.getWeights()[0]!.dataSync()[0]);
    expect(sums[0]).toBe(sums[1]);
    expect(sums[0]).not.toBe(sums[2]);
  });
});
