import type { Tensor } from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ort from 'onnxruntime-node';
import { decodeModel } from '../../src/onnx/index.js';
import { exportOnnx, loadTensorflow } from '../../src/train/index.js';
import { buildNetwork, disposeNetwork, type NamedTensor, type WeightFile } from '../../src/weights/index.js';
import { root } from '../places.js';

/** As fixtures/weights/make_layers.py writes it. */
interface Case {
  readonly config: { readonly class_name: string; readonly config: object };
  readonly tensors: readonly { readonly name: string; readonly layer?: string; readonly shape: readonly number[]; readonly sixty_fourths: readonly number[] }[];
  readonly input: readonly [number, number, number];
  readonly output: readonly number[];
  readonly answer: readonly number[];
}

const cases = JSON.parse(readFileSync(join(root, 'fixtures', 'weights', 'layers.json'), 'utf8')) as Record<string, Case>;

function fileOf(name: string, { config, tensors }: Pick<Case, 'config' | 'tensors'>): WeightFile {
  return {
    path: name, format: name.endsWith('.h5') ? 'keras-h5' : 'keras-archive', metadata: {}, model: { kind: 'keras-3', config }, close: () => Promise.resolve(),
    tensors: tensors.map(({ sixty_fourths, ...facts }): NamedTensor => {
      const floats = Float32Array.from(sixty_fourths, (value) => value / 64);
      return { ...facts, dtype: 'float32', bytes: () => Promise.resolve(new Uint8Array(floats.buffer)), floats: () => Promise.resolve(floats) };
    }),
  };
}

function samplesOf({ input: [height, width, bands] }: Case): Float32Array {
  return Float32Array.from({ length: height * width * bands }, (_, at) => {
    const spot = Math.floor(at / bands);
    return ((Math.floor(spot / width) * 31 + (spot % width) * 17 + (at % bands) * 7) % 64) / 16 - 2;
  });
}

function worst(given: Case, found: (at: number) => number): number {
  return given.answer.reduce((most, value, at) => Math.max(most, Math.abs(value - found(at)) / (1 + Math.abs(value))), 0);
}

/** Networks with layers or activations that TensorFlow.js is taught. */
const OWN = /^(activation|pooling-kept|reshape|mobilenet)/;

/** The network as ONNX; that TensorFlow.js computes what it is taught as Keras does is held on the way. */
async function exported(name: string, given: Case): Promise<Uint8Array> {
  const { tf } = await loadTensorflow();
  const network = await buildNetwork(tf, fileOf(name, given));
  try {
    if (OWN.test(name)) {
      const answer = tf.tidy(() => (network.predict(tf.tensor4d(samplesOf(given), [1, ...given.input])) as Tensor).dataSync());
      expect(answer.length).toBe(given.answer.length);
      expect(worst(given, (at) => answer[at]!)).toBeLessThan(1e-5);
    }
    return exportOnnx({ outputs: { scores: network }, name: 'network', input: 'float32', doubling: 'by centres' });
  } finally {
    disposeNetwork(network);
  }
}

describe('networks of Keras answer as Keras says', () => {
  it.each(Object.entries(cases))('%s', async (name, given) => {
    const bytes = await exported(name, given);
    const { graph } = decodeModel(bytes);
    const constants = graph.initializer!.map((tensor) => tensor.name);
    expect(new Set([...constants, ...graph.node.flatMap((node) => node.output)]).size).toBe(constants.length + graph.node.length);
    const session = await ort.InferenceSession.create(bytes);
    const { scores } = await session.run({ image: new ort.Tensor('float32', samplesOf(given), [1, ...given.input]) });
    await session.release();
    const data = scores!.data as Float32Array;
    const sizes = scores!.dims.slice(1);
    expect(sizes.length === 3 ? [sizes[1], sizes[2], sizes[0]] : sizes).toEqual(given.output);
    const [channels, plane] = sizes.length === 3 ? [sizes[0]!, sizes[1]! * sizes[2]!] : [data.length, 1];
    expect(worst(given, (at) => data[(at % channels) * plane + Math.floor(at / channels)]!)).toBeLessThan(1e-5);
  });

  it('with the weights of a network that is called twice in the file once', async () => {
    const { graph } = decodeModel(await exported('shared-functional.keras', cases['shared-functional.keras']!));
    expect(graph.node.filter(({ opType }) => opType === 'Conv').length).toBe(4);
    expect(graph.initializer!.filter(({ dims }) => dims.length === 4).length).toBe(1);
  });
});
