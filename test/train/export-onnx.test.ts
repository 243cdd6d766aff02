import type { LayersModel, SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { resnetChips, unet, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { exportOnnx } from '../../src/train/index.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** Fresh networks have normalisations that do nothing; these have been somewhere. */
function shake(model: LayersModel): void {
  const random = seededRandom(7);
  model.setWeights(model.getWeights().map((tensor) => tf.tensor(Float32Array.from(tensor.dataSync(), (value) => value + 0.1 + 0.2 * random()), tensor.shape)));
}

async function compare(models: Record<string, LayersModel>, shape: [number, number, number, number]): Promise<Record<string, number>> {
  const session = await ort.InferenceSession.create(exportOnnx({ name: 'test', outputs: models }));
  const random = seededRandom(3);
  const pixels = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.floor(random() * 256));
  const results = await session.run({ image: new ort.Tensor('uint8', pixels, shape) });
  await session.release();
  return Object.fromEntries(Object.entries(models).map(([name, model]) => {
    const expected = tf.tidy(() => {
      const out = model.predict(tf.tensor4d(Float32Array.from(pixels), shape)) as Tensor;
      return (out.rank === 4 ? tf.transpose(out, [0, 3, 1, 2]) : out).dataSync();
    });
    const found = results[name]!.data as Float32Array;
    expect(found.length).toBe(expected.length);
    return [name, Array.from(expected).reduce((worst, value, index) => Math.max(worst, Math.abs(value - found[index]!) / (1 + Math.abs(value))), 0)];
  }));
}

describe('export to ONNX', () => {
  it('gives the numbers of a U-Net with normalisation and reduction, at sizes and batches that were left free', async () => {
    const { scores } = unet(tf, { classes: 5, widths: [4, 6, 8], batchNorm: true, reduce: 2 });
    shake(scores);
    expect((await compare({ scores }, [2, 16, 24, 3]))['scores']).toBeLessThan(1e-4);
    expect((await compare({ scores }, [1, 32, 8, 3]))['scores']).toBeLessThan(1e-4);
  });

  it('gives the numbers of a plain U-Net', async () => {
    const { scores } = unet(tf, { classes: 3, widths: [4, 6] });
    shake(scores);
    expect((await compare({ scores }, [1, 8, 10, 3]))['scores']).toBeLessThan(1e-4);
  });

  it('gives scores and features of a chip network', async () => {
    const { scores, features } = resnetChips(tf, { tags: 7, size: 16, widths: [4, 6, 8], blocks: [0, 1, 2], dropout: 0.3, reduce: 2 });
    shake(scores);
    const worst = await compare({ scores, features: features! }, [3, 16, 16, 3]);
    expect(worst['scores']).toBeLessThan(1e-4);
    expect(worst['features']).toBeLessThan(1e-4);
  });

  it('pads strided convolutions as TensorFlow does, at even and odd sizes', async () => {
    for (const size of [8, 9]) {
      const { scores } = resnetChips(tf, { tags: 2, size, widths: [4, 4], blocks: [1, 1] });
      shake(scores);
      expect((await compare({ scores }, [1, size, size, 3]))['scores']).toBeLessThan(1e-4);
    }
  });

  it('translates the layers of older networks: biases, activations inside layers, flatten, bilinear doubling', async () => {
    const input = tf.input({ shape: [8, 8, 3] });
    let x = tf.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', padding: 'valid' }).apply(input) as SymbolicTensor;
    x = tf.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }).apply(x) as SymbolicTensor;
    x = tf.layers.batchNormalization({}).apply(x) as SymbolicTensor;
    x = tf.layers.flatten().apply(x) as SymbolicTensor;
    x = tf.layers.dense({ units: 5, activation: 'relu' }).apply(x) as SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: tf.layers.dense({ units: 3, activation: 'softmax' }).apply(x) as SymbolicTensor });
    shake(model);
    expect((await compare({ scores: model }, [2, 8, 8, 3]))['scores']).toBeLessThan(1e-4);
  });

  it('refuses a layer that it does not know, by name', () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const model = tf.model({ inputs: input, outputs: tf.layers.cropping2D({ cropping: [[1, 1], [1, 1]], name: 'cut' }).apply(input) as SymbolicTensor });
    expect(() => exportOnnx({ name: 'theirs', outputs: { scores: model } })).toThrow('theirs: expected layers that can be exported to ONNX, found cut (Cropping2D)');
  });
});
