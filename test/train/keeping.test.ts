import type { Tensor } from '@tensorflow/tfjs';
import { readFileSync, truncateSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { resnetChips, type Tensorflow } from '../../models/architectures/index.js';
import { drawCurves, loadLayers, readCheckpoint, saveLayers, writeCheckpoint, type Checkpoint, type EpochRecord } from '../../src/train/index.js';
import { scratch } from '../places.js';
import { plainTensorflow } from './engines.js';

const folder = scratch();
let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

const record = (epoch: number): EpochRecord => ({ epoch, rate: 0.01, loss: 1 / epoch, validationLoss: 1.1 / epoch, score: 0.3, seconds: 2, values: { f2: 0.3 } });

describe('what training keeps', () => {
  it('gives back a checkpoint, and refuses one of another run, cut off, or of another kind', async () => {
    const file = join(folder, 'checkpoint.bin');
    const checkpoint: Checkpoint = { fingerprint: 'abc', epoch: 2, steps: 7, history: [record(1), record(2)], bestEpoch: 1, weights: [Float32Array.of(1, 2), Float32Array.of(3)], best: [Float32Array.of(4, 5), Float32Array.of(6)], moments: [Float32Array.of(0.5)], average: [Float32Array.of(7, 8), Float32Array.of(9)] };
    await writeCheckpoint(file, checkpoint);
    expect(await readCheckpoint(file, 'abc')).toEqual(checkpoint);
    await expect(readCheckpoint(file, 'other')).rejects.toThrow('expected a checkpoint of the same data, network and options');
    truncateSync(file, statSync(file).size - 4);
    await expect(readCheckpoint(file, 'abc')).rejects.toThrow('expected 40 bytes of weights, found 36');
    writeFileSync(file, 'hello');
    await expect(readCheckpoint(file, 'abc')).rejects.toThrow('expected a checkpoint of tilewright');
    expect(await readCheckpoint(join(folder, 'none.bin'), 'abc')).toBeUndefined();
  });

  it('saves layers that give the same numbers when loaded', async () => {
    const { scores } = resnetChips(tf, { tags: 3, size: 8, widths: [2, 3], blocks: [0, 1] });
    await saveLayers(tf, scores, join(folder, 'layers'));
    const loaded = await loadLayers(tf, join(folder, 'layers'));
    const x = tf.randomUniform([2, 8, 8, 3], 0, 255, 'float32', 4);
    expect(Array.from((loaded.predict(x) as Tensor).dataSync())).toEqual(Array.from((scores.predict(x) as Tensor).dataSync()));
    expect(JSON.parse(readFileSync(join(folder, 'layers', 'model.json'), 'utf8'))).toMatchObject({ format: 'layers-model' });
  });

  it('draws curves, also of a single epoch', async () => {
    const unvalidated = { ...record(1), score: NaN, validationLoss: NaN };
    expect((await sharp(await drawCurves([unvalidated], 'no validation', 'F2')).metadata()).width).toBe(900);
    for (const history of [[record(1)], [record(1), record(2), record(3)]]) {
      const { data, info } = await sharp(await drawCurves(history, 'a <model> & more', 'F2')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([900, 360]);
      const has = (r: number, g: number, b: number): boolean => { for (let i = 0; i < data.length; i += 3) if (Math.abs(data[i]! - r) + Math.abs(data[i + 1]! - g) + Math.abs(data[i + 2]! - b) < 12) return true; return false; };
      expect(has(0x1f, 0x6f, 0xb2)).toBe(true);
      expect(has(0x2b, 0x8a, 0x3e)).toBe(true);
    }
  });
});
