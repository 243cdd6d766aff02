import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openIndex } from '../../src/index-store/index.js';
import { loadModel, openPredictor } from '../../src/predict/index.js';
import { allocate } from '../../src/raster/index.js';
import { average, reductionOf } from '../../src/tasks/chips/reduction.js';
import { embed } from '../../src/tasks/embed.js';
import { scratch } from '../places.js';
import { bandMeans, patches, writeScene } from './chip-models.js';

const folder = scratch();
/** A model that takes floating-point numbers as they are. */
const floats = bandMeans(folder, { size: 64 });

describe('chips that are larger than a model\'s input', () => {
  // 3 and 7: means that single precision rounds. The last column does not begin where means of the others do.
  it.each([[192, 64, 'aerial-features'], [256, 128, 'aerial-features'], [448, 14, 'aerial-features'], [192, 64, floats], [320, 120, floats], [448, 14, floats]])('of %i pixels, sharing %i, have the vectors that the engine gives for each alone, to the last bit (%s)', async (patchSize, overlap, source) => {
    const pixels = patches(patchSize + 211, patchSize, patchSize);
    const scene = await writeScene(join(folder, 'scene.tif'), pixels);
    const index = join(folder, 'index');
    await embed({ inputs: [scene], index, model: source, patchSize, overlap, threads: 1, overwrite: true });
    const opened = await openIndex(index);
    const model = await loadModel(source);
    const predictor = await openPredictor(model, { outputs: ['features'], patch: { width: patchSize, height: patchSize }, threads: 1 });
    try {
      const entries = await opened.entries(Array.from({ length: opened.count }, (_, row) => row));
      expect(entries.length).toBeGreaterThan(1);
      for (const [row, { window }] of entries.entries()) {
        const data = new Uint8Array(window.width * window.height * 3);
        for (let y = 0; y < window.height; y++) {
          const from = ((window.y + y) * pixels.width + window.x) * 3;
          data.set(pixels.data.subarray(from, from + window.width * 3), y * window.width * 3);
        }
        const alone = await predictor.predict({ data, count: 1, width: window.width, height: window.height, bands: 3 });
        expect(await opened.vector(row)).toEqual(alone.features);
      }
      expect(entries.at(-1)!.window.x % (patchSize / 64)).not.toBe(0);
    } finally {
      await predictor.close();
      await opened.close();
    }
  });

  it('are averaged outside of the engine only where sums are exact', () => {
    const input = { bands: ['r'], dim_order: 'bchw', shape: [-1, 1, 64, 64], data_type: 'float32' } as const;
    expect(reductionOf(input, 256, 'uint8')).toEqual({ x: 4, y: 4, width: 64, height: 64 });
    expect(reductionOf(input, 64, 'uint8')).toBeUndefined();
    expect(reductionOf(input, 100, 'uint8')).toBeUndefined();
    expect(reductionOf(input, 256, 'float32')).toBeUndefined();
    expect(reductionOf(input, 16 * 64, 'uint16')).toEqual({ x: 16, y: 16, width: 64, height: 64 });
    expect(reductionOf(input, 17 * 64, 'uint16')).toBeUndefined();
    expect(reductionOf({ ...input, shape: [-1, 1, -1, -1] }, 256, 'uint8')).toBeUndefined();
    const data = allocate('int16', 7 * 5 * 2).map((_, i) => (i * 37) % 101 - 50) as Int16Array;
    const { data: means, width, height } = average({ data, width: 7, height: 5, bands: 2, layout: 'pixel' }, { x: 1, y: 1, width: 6, height: 4 }, { x: 3, y: 2, width: 2, height: 2 });
    expect([width, height]).toEqual([2, 2]);
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 2; x++) {
        for (let band = 0; band < 2; band++) {
          let sum = 0;
          for (let j = 0; j < 2; j++) for (let i = 0; i < 3; i++) sum += data[((1 + 2 * y + j) * 7 + 1 + 3 * x + i) * 2 + band]!;
          expect(means[(y * 2 + x) * 2 + band]).toBe(Math.fround(sum / 6));
        }
      }
    }
  });
});
