import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { exportOnnx, loadTensorflow } from '../../src/train/index.js';
import { buildNetwork, disposeNetwork, doublesByCentres, readWeights } from '../../src/weights/index.js';
import { hasShared, root, shared } from '../places.js';

const fixtures = join(root, 'fixtures', 'weights');
interface Answer { readonly input: [number, number, number]; readonly answer: number[]; readonly output: number[] }
const golden = JSON.parse(readFileSync(join(fixtures, 'golden.json'), 'utf8')) as Record<string, Answer>;

/** Builds the network of a file, exports it, and runs the export. @returns the answer as Keras has it, channels last */
async function answer(path: string, shape: readonly [number, number, number], samples: Float32Array): Promise<{ values: number[]; shape: readonly number[] }> {
  const { tf } = await loadTensorflow();
  const file = await readWeights(path);
  const before = tf.memory().numTensors;
  const network = await buildNetwork(tf, file);
  await file.close();
  const bytes = exportOnnx({ outputs: { scores: network }, name: 'network', input: 'float32', ...(doublesByCentres(file) ? { doubling: 'by centres' as const } : {}) });
  disposeNetwork(network);
  expect(tf.memory().numTensors).toBe(before);
  const session = await ort.InferenceSession.create(bytes);
  const { scores } = await session.run({ image: new ort.Tensor('float32', samples, [1, ...shape]) });
  await session.release();
  const data = scores!.data as Float32Array;
  if (scores!.dims.length === 2) return { values: [...data], shape: scores!.dims };
  const [, channels, height, width] = scores!.dims as [number, number, number, number];
  const values = Array.from({ length: data.length }, (_, at) => data[(at % channels) * height * width + Math.floor(at / channels)]!);
  return { values, shape: [1, height, width, channels] };
}

function pattern([height, width, bands]: readonly [number, number, number], change: (value: number, band: number) => number): Float32Array {
  const values = new Float32Array(height * width * bands);
  for (let at = 0; at < values.length; at++) {
    const band = at % bands;
    const spot = Math.floor(at / bands);
    values[at] = change((Math.floor(spot / width) * 31 + (spot % width) * 17 + band * 7) % 256, band);
  }
  return values;
}

function worst(found: readonly number[], expected: readonly number[]): number {
  expect(found.length).toBeGreaterThanOrEqual(expected.length);
  return Math.max(...expected.map((value, index) => Math.abs(value - found[index]!)));
}

describe('a whole model', () => {
  it.each(['nested.keras', 'nested.h5', 'plain.keras'])('answers as Keras says: %s', async (name) => {
    const expected = golden[name]!;
    const found = await answer(join(fixtures, name), expected.input, pattern(expected.input, (value) => value / 255));
    expect(found.shape.slice(1)).toEqual(expected.output);
    expect(worst(found.values, expected.answer)).toBeLessThan(1e-5);
  });

  it('with a layer that is not known is refused by its name', async () => {
    const { tf } = await loadTensorflow();
    const file = await readWeights(join(fixtures, 'strange.keras'));
    await expect(buildNetwork(tf, file)).rejects.toThrow(/gaussian_noise \(GaussianNoise\)/);
    await file.close();
  });

  it('whose weights are not those of its layers is refused, with both shapes', async () => {
    const { tf } = await loadTensorflow();
    const file = await readWeights(join(fixtures, 'plain.keras'));
    const [kernel, ...others] = file.tensors;
    await expect(buildNetwork(tf, { ...file, tensors: [{ ...kernel!, shape: [3, 3, 3, 1] }, ...others] })).rejects.toThrow(/\[3, 3, 1, 3\], found layers\/conv2d\/vars\/0 of \[3, 3, 3, 1\]/);
    await expect(buildNetwork(tf, { ...file, tensors: others })).rejects.toThrow(/expected 2 tensors of layer/);
    await expect(buildNetwork(tf, { ...file, tensors: [...file.tensors, { ...kernel!, name: 'layers/conv2d_7/vars/0' }] })).rejects.toThrow(/expected only tensors of the network, found layers\/conv2d_7\/vars\/0/);
    await file.close();
  });

  const entries = hasShared('weights/REFERENCE_OUTPUTS.json')
    ? (JSON.parse(readFileSync(join(shared, 'weights', 'REFERENCE_OUTPUTS.json'), 'utf8')) as { entries: { file: string; results: Record<string, { first10: number[]; max: number; argmax_flat: number; sum: number }> }[] }).entries : [];
  const bgr = [123, 117, 104] as const;
  it.skipIf(entries.length === 0).each([
    ['squeezenet1_1.keras', 224, 'caffe'], ['teachable_machine_lake_river.h5', 224, 'symmetric'], ['tfjs_teachable_machine/model.json', 224, 'symmetric'], ['mnist_bettercnn_keras2.h5', 28, 'unit'],
  ] as const)('of other people gives its reference outputs: %s', async (name, edge, scaling) => {
    const scale = (value: number, band: number): number => (scaling === 'unit' ? value / 255 : scaling === 'symmetric' ? value / 127.5 - 1 : value - bgr[band]!);
    const turn = (values: Float32Array): Float32Array => (scaling === 'caffe' ? values.map((_, at) => values[at - (at % 3) + 2 - (at % 3)]!) : values);
    const bands = scaling === 'unit' ? 1 : 3;
    const { results } = entries.find(({ file }) => file === name)!;
    const inputs: Record<string, Float32Array> = { deterministic: turn(pattern([edge, edge, bands], scale)) };
    if (results['photo'] !== undefined) {
      const pixels = await sharp(join(shared, 'weights', 'photo_chelsea_cat_224.png')).removeAlpha().raw().toBuffer();
      inputs['photo'] = turn(Float32Array.from(pixels, (value, at) => scale(value, at % 3)));
    }
    for (const [input, samples] of Object.entries(inputs)) {
      const { values } = await answer(join(shared, 'weights', name), [edge, edge, bands], samples);
      const expected = results[input]!;
      expect(worst(values, expected.first10)).toBeLessThan(1e-4);
      expect(values.indexOf(Math.max(...values))).toBe(expected.argmax_flat);
      expect(Math.abs(Math.max(...values) - expected.max)).toBeLessThan(1e-4);
    }
  }, 60_000);
});
