import { join } from 'node:path';
import type { CardInput, CardOutput, ModelCard } from '../../src/card/index.js';
import { loadModel, openPredictor } from '../../src/predict/index.js';
import type { PatchOutput, PredictorOptions } from '../../src/predict/index.js';
import type { PatchBatch } from '../../src/grid/index.js';
import { root } from '../places.js';

export function fixture(name: string): string {
  return join(root, 'fixtures', 'predict', name);
}

/** A segmentation card over three bands, changed where a test needs it. */
export function mapCard(classes: number, input: Partial<CardInput> = {}, output: Partial<CardOutput> = {}, over: Partial<ModelCard> = {}): ModelCard {
  return {
    card_version: 1, name: 'test-model', task: 'semantic-segmentation', file: 'model.onnx',
    input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32', ...input },
    output: {
      dim_order: 'bchw', activation: 'none',
      classes: Array.from({ length: classes }, (_, value) => ({ value, name: `class-${value}`, color_hint: '#102030' })),
      ...output,
    },
    ...over,
  };
}

/** A card for answers per patch. */
export function chipCard(classes: number, input: Partial<CardInput> = {}, output: Partial<CardOutput> = {}, over: Partial<ModelCard> = {}): ModelCard {
  return mapCard(classes, input, { dim_order: 'bc', ...output }, { task: 'multi-label-classification', ...over });
}

/** Opens a fixture with a card, predicts one batch, closes. */
export async function answer(file: string, card: ModelCard, batch: PatchBatch, options: PredictorOptions): Promise<PatchOutput> {
  const model = await loadModel(fixture(file), { card });
  const predictor = await openPredictor(model, options);
  try {
    return await predictor.predict(batch);
  } finally {
    await predictor.close();
  }
}

/** Patches of three bands with samples that differ from pixel to pixel, patch to patch and band to band. */
export function patches(count: number, width: number, height: number, fill: (index: number) => number = (i) => (i * 37 + (i >> 5)) % 256): PatchBatch & { readonly data: Uint8Array } {
  return { data: Uint8Array.from({ length: count * width * height * 3 }, (_, i) => fill(i)), count, width, height, bands: 3 };
}

/** The sample of a pixel-interleaved batch. */
export function sample(batch: PatchBatch, patch: number, y: number, x: number, band: number): number {
  return batch.data[((patch * batch.height + y) * batch.width + x) * batch.bands + band] ?? Number.NaN;
}

/** What the identity must give: samples as `[count, bands, height, width]`. */
export function bandsFirst(batch: PatchBatch, change: (value: number) => number = (value) => value): Float32Array {
  const result = new Float32Array(batch.data.length);
  let at = 0;
  for (let n = 0; n < batch.count; n++) for (let c = 0; c < batch.bands; c++) for (let y = 0; y < batch.height; y++) for (let x = 0; x < batch.width; x++) result[at++] = change(sample(batch, n, y, x, c));
  return result;
}

/** A batch that may be handed over while the test keeps the original. */
export function copyOf(batch: PatchBatch): PatchBatch {
  return { ...batch, data: batch.data.slice() };
}
