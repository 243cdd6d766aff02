import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadModel, measureBorderEffect, measurePredictor, openPredictor } from '../../src/predict/index.js';
import type { PatchOutput, PredictorOptions } from '../../src/predict/index.js';
import { chipCard, copyOf, fixture, mapCard, patches } from './cards.js';

const card = mapCard(5, { multiple_of: 2, value_scaling: { scale: 1 / 255 } }, { activation: 'softmax' });

function digest(output: PatchOutput): string {
  const hash = createHash('sha256');
  for (const values of [output.classes, output.scores]) if (values !== undefined) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest('hex');
}

describe('the same patch gives the same bytes', () => {
  const count = 6;
  const edge = 46;
  const all = patches(count, edge, edge, (i) => Math.imul(i, 2654435761) >>> 24);
  const size = edge * edge * 3;

  /** All patches in groups, asked for at once, in the given order of groups. */
  async function run(group: number, options: Partial<PredictorOptions>, backwards: 'backwards' | 'forwards' = 'forwards'): Promise<string> {
    const model = await loadModel(fixture('small_net.onnx'), { card });
    const predictor = await openPredictor(model, { outputs: ['classes', 'scores'], ...options });
    const starts = Array.from({ length: Math.ceil(count / group) }, (_, i) => i * group);
    const found = new Map<number, PatchOutput>();
    const ordered = backwards === 'backwards' ? [...starts].reverse() : starts;
    await Promise.all(ordered.map(async (start) => {
      const end = Math.min(count, start + group);
      found.set(start, await predictor.predict({ ...all, data: all.data.slice(start * size, end * size), count: end - start }));
    }));
    await predictor.close();
    const parts = starts.map((start) => found.get(start));
    const classes = parts.flatMap((part) => Array.from(part?.classes ?? []));
    const scores = parts.flatMap((part) => Array.from(part?.scores ?? []));
    expect(scores).toHaveLength(count * 5 * edge * edge);
    return digest({ width: edge, height: edge, classes: Uint8Array.from(classes), scores: Float32Array.from(scores) });
  }

  it('for any number of threads, patches per batch, and order', async () => {
    const reference = await run(1, { threads: 1 });
    expect(await run(1, { threads: 2 })).toBe(reference);
    expect(await run(1, { threads: 3 })).toBe(reference);
    expect(await run(4, { threads: 2 })).toBe(reference);
    expect(await run(6, { threads: 1 })).toBe(reference);
    expect(await run(2, { threads: 2 }, 'backwards')).toBe(reference);
    expect(await run(1, { threads: 2, patch: { width: edge, height: edge } })).toBe(reference);
  });

  it('classes are the arg-max of the scores', async () => {
    const model = await loadModel(fixture('small_net.onnx'), { card });
    const predictor = await openPredictor(model, { outputs: ['classes', 'scores'] });
    const found = await predictor.predict(copyOf(all));
    await predictor.close();
    const plane = edge * edge;
    for (let n = 0; n < count; n++) for (let i = 0; i < plane; i++) {
      const own = Array.from({ length: 5 }, (_, c) => found.scores?.[(n * 5 + c) * plane + i] ?? 0);
      if (found.classes?.[n * plane + i] !== own.indexOf(Math.max(...own))) throw new Error(`patch ${n} pixel ${i}`);
    }
  });

  it('chips: for any number of workers', async () => {
    const chips = chipCard(192, { shape: [-1, 3, 8, 8], window: 46 }, { activation: 'sigmoid' });
    const model = await loadModel(fixture('pixels8.onnx'), { card: chips });
    const digests = new Set<string>();
    for (const threads of [1, 3]) {
      const predictor = await openPredictor(model, { outputs: ['scores'], threads });
      expect(predictor.concurrency).toBe(threads);
      digests.add(digest(await predictor.predict(copyOf(all))));
      await predictor.close();
    }
    expect(digests.size).toBe(1);
  });
});

describe('measureBorderEffect', () => {
  it('finds how far zeros from outside reach', async () => {
    const model = await loadModel(fixture('mean5.onnx'), { card: mapCard(3, { value_scaling: { scale: 1 / 255 } }) });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    const found = await measureBorderEffect(predictor, { size: 32 });
    expect(found).toMatchObject({ pixels: 2, ends: true });
    expect(found?.profile.slice(2).every((difference) => difference === 0)).toBe(true);
    await predictor.close();
  });

  it('is nothing for a model that looks at single pixels, and unknown for a fixed size', async () => {
    const free = await openPredictor(await loadModel(fixture('identity.onnx'), { card: mapCard(3) }), { outputs: ['scores'] });
    expect((await measureBorderEffect(free, { size: 16 }))?.pixels).toBe(0);
    await free.close();
    const fixed = await openPredictor(await loadModel(fixture('identity_fixed.onnx'), { card: mapCard(3, { shape: [1, 3, 16, 16] }) }), { outputs: ['scores'] });
    expect(await measureBorderEffect(fixed)).toBeUndefined();
    await fixed.close();
  });
});

describe('measurePredictor', () => {
  it('gives time per patch and memory', async () => {
    const predictor = await openPredictor(await loadModel(fixture('small_net.onnx'), { card }), { outputs: ['classes'], patch: { width: 512, height: 512 } });
    const cost = await measurePredictor(predictor, { width: 512, height: 512 });
    await predictor.close();
    expect(cost.millisecondsPerPatch).toBeGreaterThan(0);
    expect(cost.baseBytes).toBeGreaterThan(30e6);
    // The joined layer alone has 24 channels of 512×512 floats.
    expect(cost.growthBytes).toBeGreaterThan(24 * 512 * 512 * 4);
    expect(cost.growthBytes).toBeLessThan(500e6);
  });
});
