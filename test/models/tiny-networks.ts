import type { LayersModel } from '@tensorflow/tfjs';
import { ARCHITECTURES, type Architecture, type Network, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';

/** Every architecture so small that plain JavaScript runs it in a moment. */
export const TINY: Readonly<Record<string, readonly Partial<NetworkOptions>[]>> = {
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
export const OUTPUTS = 5;

/** `[title, architecture, options]` of each. */
export const TINY_CASES = ARCHITECTURES.flatMap((architecture) => (TINY[architecture.name] ?? []).map((tiny) => [`${architecture.name} ${JSON.stringify(tiny)}`, architecture, tiny] as const));

/** Sizes `[height, width]` that it takes: fixed ones as they are, free ones odd and not square; for maps multiples. */
export function sizesOf(architecture: Architecture, network: Network, options: Partial<NetworkOptions>): readonly (readonly [number, number])[] {
  const [, height, width] = network.scores.inputs[0]!.shape;
  if (height !== null && width !== null) return [[height!, width!]];
  const step = architecture.multiple?.({ outputs: OUTPUTS, ...options });
  return step === undefined ? [[architecture.smallest, architecture.smallest], [47, 38]] : [[step, 3 * step]];
}

/** Networks as they come have normalisations and biases that do nothing; these have been somewhere. */
export function shake(tf: Tensorflow, model: LayersModel): void {
  const random = seededRandom(7);
  const weights = model.getWeights().map((weight) => (weight.rank > 1 ? weight.clone() : tf.tensor1d(Float32Array.from(weight.dataSync(), (value) => value + 0.3 * random()))));
  model.setWeights(weights);
  tf.dispose(weights);
}
