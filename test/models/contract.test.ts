import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, findArchitecture, layersNamed, stageOf, stagesOf, type Architecture, type Network, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { exportOnnx, loadLayers, saveLayers } from '../../src/train/index.js';
import { scratch } from '../places.js';
import { plainTensorflow } from '../train/engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });
const folder = scratch();

/** Every architecture so small that plain JavaScript runs it in a moment. */
const TINY: Readonly<Record<string, readonly Partial<NetworkOptions>[]>> = {
  'resnet-chips': [{ widths: [4, 6], blocks: [1, 1], reduce: 2 }],
  'vgg3': [{ width: 1 / 8, size: 17 }, { width: 1 / 8, size: 16, normalization: 'caffe' }],
  'vgg3-dropout': [{ width: 1 / 8, size: 16, normalization: 'unit' }],
  'theme-cnn': [{ width: 1 / 5 }, { width: 1 / 5, size: 31, activation: 'sigmoid' }],
  'squeezenet': [{ width: 1 / 16, normalization: 'torch' }, { width: 1 / 16, head: { pool: 'average', dense: [6] }, activation: 'sigmoid' }],
  'mobilenet-v1': [{ width: 1 / 16 }, { width: 1 / 16, variant: 'torch' }],
  'mobilenet-v2': [{ width: 0.05 }, { width: 0.05, variant: 'torch', normalization: 'signed' }],
  'vgg16': [{ width: 1 / 32, size: 37 }, { width: 1 / 32, head: { pool: 'average', dense: [6], dropout: [0, 0.5] } }],
  'vgg19': [{ width: 1 / 32, size: 32, head: { pool: 'flatten', dense: [8, 8], dropout: [0, 0.5] } }],
  'resnet18': [{ width: 1 / 32 }, { width: 1 / 32, variant: 'keras' }],
  'resnet34': [{ width: 1 / 32 }],
  'resnet50': [{ width: 1 / 32 }, { width: 1 / 32, variant: 'torch', head: { pool: 'average-max', dense: [8], dropout: [0.25, 0.5], batchNorm: true }, activation: 'sigmoid' }],
  'unet': [{ widths: [4, 6, 8] }, { widths: [3, 4], batchNorm: true, reduce: 2 }],
  'unet-vgg16': [{ width: 1 / 32 }],
  'unet-vgg19': [{ width: 1 / 32, batchNorm: false }],
  'unet-resnet18': [{ width: 1 / 32 }],
  'unet-resnet34': [{ width: 1 / 32, normalization: 'torch' }],
  'unet-resnet50': [{ width: 1 / 32, normalization: 'signed' }, { width: 1 / 32, variant: 'torch', normalization: 'torch' }],
};
const OUTPUTS = 5;

const cases = ARCHITECTURES.flatMap((architecture) => (TINY[architecture.name] ?? []).map((tiny) => [`${architecture.name} ${JSON.stringify(tiny)}`, architecture, tiny] as const));

/** Sizes that it takes: fixed ones as they are, free ones odd and not square; for maps multiples. */
function sizesOf(architecture: Architecture, network: Network, options: Partial<NetworkOptions>): readonly (readonly [number, number])[] {
  const [, height, width] = network.scores.inputs[0]!.shape;
  if (height !== null && width !== null) return [[height!, width!]];
  const step = architecture.multiple?.({ outputs: OUTPUTS, ...options });
  return step === undefined ? [[architecture.smallest, architecture.smallest], [47, 38]] : [[step, 3 * step]];
}

/** Networks as they come have normalisations and biases that do nothing; these have been somewhere. */
function shake(model: LayersModel): void {
  const random = seededRandom(7);
  const weights = model.getWeights().map((weight) => (weight.rank > 1 ? weight.clone() : tf.tensor1d(Float32Array.from(weight.dataSync(), (value) => value + 0.3 * random()))));
  model.setWeights(weights);
  tf.dispose(weights);
}

function pixelsOf(count: number): Uint8Array {
  const random = seededRandom(3);
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
}

function predict(model: LayersModel, pixels: Uint8Array, shape: [number, number, number, number]): Float32Array {
  return tf.tidy(() => {
    const out = model.predict(tf.tensor4d(Float32Array.from(pixels), shape)) as Tensor;
    return (out.rank === 4 ? tf.transpose(out, [0, 3, 1, 2]) : out).dataSync<'float32'>().slice();
  });
}

/** The largest difference, relative for numbers above 1. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let at = 0; at < a.length; at++) worst = Math.max(worst, Math.abs(a[at]! - b[at]!) / (1 + Math.abs(a[at]!)));
  return worst;
}

describe('every architecture', () => {
  it('is in this suite, once by name', () => {
    expect(Object.keys(TINY).sort()).toEqual(ARCHITECTURES.map(({ name }) => name).sort());
    expect(findArchitecture('vgg16')?.title).toContain('VGG-16');
    expect(findArchitecture('vgg17')).toBeUndefined();
  });

  it.each(cases)('%s: gives the right shapes, the same saved and as ONNX, and leaves no tensors', async (_, architecture, tiny) => {
    const before = tf.memory().numTensors;
    const network = architecture.build(tf, { outputs: OUTPUTS, ...tiny });
    shake(network.scores);
    const built = tf.memory().numTensors;
    const onnx = exportOnnx({ name: 'test', outputs: { scores: network.scores, logits: network.logits, ...(network.features === undefined ? {} : { features: network.features }) } });
    const session = await ort.InferenceSession.create(onnx);
    const place = join(folder, `${architecture.name}-${cases.findIndex((item) => item[2] === tiny)}`);
    await saveLayers(tf, network.scores, place);
    const loaded = await loadLayers(tf, place);
    for (const [height, width] of sizesOf(architecture, network, tiny)) {
      const shape: [number, number, number, number] = [2, height, width, 3];
      const pixels = pixelsOf(shape.reduce((a, b) => a * b));
      const scores = predict(network.scores, pixels, shape);
      expect(scores.length).toBe(architecture.gives === 'maps' ? 2 * height * width * OUTPUTS : 2 * OUTPUTS);
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
      if (tiny.activation === undefined && architecture.gives === 'chips') expect(scores.subarray(0, OUTPUTS).reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 4);
      expect(difference(predict(loaded, pixels, shape), scores)).toBe(0);
      const results = await session.run({ image: new ort.Tensor('uint8', pixels, shape) });
      for (const name of ['scores', 'logits', 'features'] as const) {
        const model = network[name];
        if (model !== undefined) expect(difference(predict(model, pixels, shape), results[name]!.data as Float32Array), name).toBeLessThan(1e-4);
      }
    }
    await session.release();
    loaded.dispose();
    expect(tf.memory().numTensors).toBe(built);
    network.scores.dispose(); // the others have the same layers
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(ARCHITECTURES.map((architecture) => [architecture.name, architecture] as const))('%s: has stages that each have weights, in the order of the network, and a head', (_, architecture) => {
    const { scores } = architecture.build(tf, { outputs: OUTPUTS, ...TINY[architecture.name]![0] });
    const names = scores.layers.filter((layer) => layer.weights.length > 0 && layer.name !== 'normalize').map((layer) => layer.name);
    const found = [...new Set(names.map((name) => stageOf(architecture, name)))];
    const known = stagesOf(architecture);
    expect(found).toEqual(known.filter((stage) => found.includes(stage)));
    expect(found.at(-1)).toBe(architecture.gives === 'maps' ? 'decoder' : 'head');
    // Small ResNets and U-Nets have as many stages as they are told to.
    if (!['resnet-chips', 'unet'].includes(architecture.name)) expect(found).toEqual(known);
    expect(found.flatMap((stage) => layersNamed(architecture, names, stage)).sort()).toEqual([...names].sort());
    expect(layersNamed(architecture, names, names[0]!)).toContain(names[0]);
    expect(layersNamed(architecture, names, 'nothing')).toEqual([]);
    scores.dispose();
  });

  it('starts from the same weights for the same seed, and from none where they come later', () => {
    const vgg3 = findArchitecture('vgg3')!;
    const first = (options: Partial<NetworkOptions>): Float32Array => vgg3.build(tf, { outputs: 2, size: 8, width: 1 / 16, ...options }).scores.getWeights()[0]!.dataSync<'float32'>().slice();
    expect(first({ seed: 4 })).toEqual(first({ seed: 4 }));
    expect(first({ seed: 4 })).not.toEqual(first({ seed: 5 }));
    expect(first({ initial: 'zeros' }).every((value) => value === 0)).toBe(true);
  });
});
