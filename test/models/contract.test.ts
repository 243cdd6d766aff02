import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, findArchitecture, layersNamed, stageOf, stagesOf, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { exportOnnx, loadLayers, saveLayers } from '../../src/train/index.js';
import { scratch } from '../places.js';
import { plainTensorflow } from '../train/engines.js';
import { OUTPUTS, shake, sizesOf, TINY, TINY_CASES as cases } from './tiny-networks.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });
const folder = scratch();

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

/** The largest difference, relative to the largest number where that is above 1. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [worst, largest] = [0, 0];
  for (let at = 0; at < a.length; at++) {
    worst = Math.max(worst, Math.abs(a[at]! - b[at]!));
    largest = Math.max(largest, Math.abs(a[at]!));
  }
  return worst / (1 + largest);
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
    shake(tf, network.scores);
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
