import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { Tensorflow } from './types.js';

/**
 * What is done to samples from 0 to 255 before the first layer:
 * `none`: nothing · `unit`: 0–1 · `signed`: −1–1 (Keras's mode "tf") · `caffe`: blue, green, red, less their means · `torch`: 0–1, less
 * the means, by the standard deviations of ImageNet. The last two take red, green and blue.
 */
export const NORMALIZATIONS = ['none', 'unit', 'signed', 'caffe', 'torch'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

/** Means and deviations per band: `(value × scale − mean) / deviation`, with the bands in this order. */
export interface SampleRule {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Whether blue comes first. */
  readonly reversed: boolean;
}

/**
 * Numbers of the rules for three bands. Means of `caffe` are in the order blue, green, red, as in keras-applications'
 * `preprocess_input`; those of `torch` in the order red, green, blue, as in torchvision's ImageNet presets.
 */
export function sampleRule(normalization: Normalization): SampleRule {
  const same = (value: number): readonly number[] => [value, value, value];
  switch (normalization) {
    case 'none': return { scale: 1, mean: same(0), deviation: same(1), reversed: false };
    case 'unit': return { scale: 1 / 255, mean: same(0), deviation: same(1), reversed: false };
    case 'signed': return { scale: 1 / 127.5, mean: same(1), deviation: same(1), reversed: false };
    case 'caffe': return { scale: 1, mean: [103.939, 116.779, 123.68], deviation: same(1), reversed: true };
    case 'torch': return { scale: 1 / 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225], reversed: false };
  }
}

export interface ImageInputOptions {
  /** Edge in pixels. Absent: free. */
  readonly size?: number | undefined;
  readonly bands: number;
  readonly normalization: Normalization;
}

/**
 * The input of a network, and its samples after the rule. Rules that differ per band are a frozen 1×1 convolution called
 * `normalize` (12 weights that are no parameters of the network), so that a saved model needs nothing but standard layers.
 */
export function imageInput(tf: Tensorflow, { size, bands, normalization }: ImageInputOptions): { readonly input: SymbolicTensor; readonly x: SymbolicTensor } {
  const input = tf.input({ shape: [size ?? null, size ?? null, bands], name: 'image' });
  if (normalization === 'none') return { input, x: input };
  const { scale, mean, deviation, reversed } = sampleRule(normalization);
  if (normalization === 'unit' || normalization === 'signed') {
    return { input, x: tf.layers.rescaling({ scale, offset: -mean[0]!, name: 'scale' }).apply(input) as SymbolicTensor };
  }
  if (bands !== 3) throw new RangeError(`expected 3 bands for the normalisation ${normalization}, found ${bands}`);
  const layer = tf.layers.conv2d({ filters: 3, kernelSize: 1, kernelInitializer: 'zeros', trainable: false, name: 'normalize' });
  const x = layer.apply(input) as SymbolicTensor;
  const kernel = new Float32Array(9);
  for (let to = 0; to < 3; to++) kernel[(reversed ? 2 - to : to) * 3 + to] = scale / deviation[to]!;
  const weights = [tf.tensor4d(kernel, [1, 1, 3, 3]), tf.tensor1d(mean.map((value, band) => -value / deviation[band]!))];
  layer.setWeights(weights);
  tf.dispose(weights);
  return { input, x };
}
