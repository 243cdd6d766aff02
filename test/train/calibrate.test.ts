import { beforeAll, describe, expect, it } from 'vitest';
import { unet, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { memoryMaps } from './memory-samples.js';
import { bestOffsets, calibrate } from '../../src/train/calibrate.js';
import { predictPicture } from '../../src/train/index.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

describe('offsets of classes', () => {
  it('undo a shift of the odds, and are nothing where nothing can be gained', async () => {
    // Three classes whose true odds decide; then the second is made e^0.7 times likelier than it is.
    const random = seededRandom(8);
    const pixels = 6000;
    const right = new Float32Array(pixels * 3);
    const shifted = new Float32Array(pixels * 3);
    const mask = new Uint8Array(pixels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const odds = [random(), random(), random()];
      mask[pixel] = odds.indexOf(Math.max(...odds));
      right.set(odds, pixel * 3);
      shifted.set([odds[0]!, odds[1]! * Math.exp(0.7), odds[2]!], pixel * 3);
    }
    expect(await bestOffsets([{ probabilities: right, mask }], 3)).toEqual([0, 0, 0]);
    const [first, second, third] = await bestOffsets([{ probabilities: shifted, mask }], 3) as [number, number, number];
    expect(first).toBe(third);
    expect(Math.abs(second - first + 0.7)).toBeLessThan(0.13);
  });

  it('become part of the network', async () => {
    const network = unet(tf, { classes: 2, widths: [2, 3] });
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => (at * 31) % 256);
    const before = predictPicture(tf, network, { width: 8, height: 8, pixels }, 2);
    // The truth is the other class nearly everywhere: odds have to move.
    const mask = Uint8Array.from({ length: 64 }, (_, at) => (before[at * 2]! * 1.8 > before[at * 2 + 1]! ? 0 : 1));
    const offsets = await calibrate(tf, network, memoryMaps([{ name: 'a', group: '', width: 8, height: 8, pixels, mask }], { classes: ['a', 'b'] }), [0], { multiple: 2 });
    const after = predictPicture(tf, network, { width: 8, height: 8, pixels }, 2);
    for (let at = 0; at < 64; at++) {
      const odds = Math.log(after[at * 2]! / after[at * 2 + 1]!) - Math.log(before[at * 2]! / before[at * 2 + 1]!);
      expect(odds).toBeCloseTo(offsets[0]! - offsets[1]!, 3);
    }
  });

  it('are chosen on a part of the pixels where there are very many, to a step the same', async () => {
    const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * 31) % 256);
    const offsetsOf = async (mostKept?: number): Promise<number[]> => {
      const network = unet(tf, { classes: 2, widths: [2, 3] });
      const before = predictPicture(tf, network, { width: 64, height: 64, pixels }, 2);
      const mask = Uint8Array.from({ length: 64 * 64 }, (_, at) => (before[at * 2]! * 1.8 > before[at * 2 + 1]! ? 0 : 1));
      return calibrate(tf, network, memoryMaps([{ name: 'a', group: '', width: 64, height: 64, pixels, mask }], { classes: ['a', 'b'] }), [0], { multiple: 2, ...(mostKept === undefined ? {} : { mostKept }) });
    };
    const [all, some] = [await offsetsOf(), await offsetsOf(64 * 64)];
    expect(Math.abs((all[0]! - all[1]!) - (some[0]! - some[1]!))).toBeLessThanOrEqual(0.25);
  });
});
