import type { SymbolicTensor } from '@tensorflow/tfjs';
import { heNormal } from './he-normal.js';
import type { Network, Tensorflow } from './types.js';

export interface ResnetChipsOptions {
  readonly tags: number;
  /** Edge of the input in pixels. Default 32. */
  readonly size?: number;
  /** Channels per stage; every stage after the first halves the size. Default `[32, 64, 128]`. */
  readonly widths?: readonly number[];
  /** Residual blocks of each stage. Default `[2, 2, 2]`. */
  readonly blocks?: readonly number[];
  /** Share of the features that is dropped in training. Default 0. */
  readonly dropout?: number;
  /** The input is averaged over squares of this many pixels, inside the network. Default 1. */
  readonly reduce?: number;
  /** Default 3. */
  readonly bands?: number;
  /** Last activation. Default `sigmoid`. */
  readonly activation?: 'softmax' | 'sigmoid';
  /** Seed of the first weights. Default 1. */
  readonly seed?: number;
}

export const RESNET_CHIPS_WIDTHS = [32, 64, 128] as const;
export const RESNET_CHIPS_BLOCKS = [2, 2, 2] as const;

/**
 * A small residual network (He et al. 2016) for chips: 3×3 stem, stages of residual blocks, global average pooling (the
 * feature layer), one sigmoid per tag (or a softmax over classes). Input `[n, size, size, bands]` with samples from 0 to 255; output `[n, tags]`.
 */
export function resnetChips(tf: Tensorflow, options: ResnetChipsOptions): Network {
  const { tags, size = 32, widths = RESNET_CHIPS_WIDTHS, blocks = RESNET_CHIPS_BLOCKS, dropout = 0, reduce = 1, bands = 3, activation = 'sigmoid', seed = 1 } = options;
  let weights = 0;
  const convolution = (x: SymbolicTensor, filters: number, kernelSize: number, strides: number, name: string): SymbolicTensor => {
    const kernelInitializer = heNormal(tf, seed * 1000 + weights++);
    const out = tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, kernelInitializer, name }).apply(x) as SymbolicTensor;
    return tf.layers.batchNormalization({ momentum: 0.95, epsilon: 1e-3, name: `${name}_bn` }).apply(out) as SymbolicTensor;
  };
  const relu = (x: SymbolicTensor, name: string): SymbolicTensor => tf.layers.reLU({ name }).apply(x) as SymbolicTensor;

  const input = tf.input({ shape: [size, size, bands], name: 'image' });
  let x: SymbolicTensor = input;
  if (reduce > 1) x = tf.layers.averagePooling2d({ poolSize: reduce, strides: reduce, name: 'reduce' }).apply(x) as SymbolicTensor;
  x = tf.layers.rescaling({ scale: 1 / 127.5, offset: -1, name: 'scale' }).apply(x) as SymbolicTensor;
  x = relu(convolution(x, widths[0]!, 3, 1, 'stem'), 'stem_relu');
  widths.forEach((filters, stage) => {
    for (let block = 0; block < (blocks[stage] ?? 0); block++) {
      const name = `stage${stage}_block${block}`;
      const strides = stage > 0 && block === 0 ? 2 : 1;
      const shortcut = strides > 1 || x.shape[3] !== filters ? convolution(x, filters, 1, strides, `${name}_shortcut`) : x;
      const inner = relu(convolution(x, filters, 3, strides, `${name}_a`), `${name}_a_relu`);
      x = relu(tf.layers.add({ name: `${name}_add` }).apply([convolution(inner, filters, 3, 1, `${name}_b`), shortcut]) as SymbolicTensor, `${name}_relu`);
    }
  });
  const features = tf.layers.globalAveragePooling2d({ name: 'features' }).apply(x) as SymbolicTensor;
  const kept = dropout > 0 ? tf.layers.dropout({ rate: dropout, seed, name: 'dropout' }).apply(features) as SymbolicTensor : features;
  const kernelInitializer = tf.initializers.glorotUniform({ seed: seed * 1000 + weights });
  const logits = tf.layers.dense({ units: tags, kernelInitializer, name: 'logits' }).apply(kept) as SymbolicTensor;
  const scores = tf.layers.activation({ activation, name: activation }).apply(logits) as SymbolicTensor;
  return {
    scores: tf.model({ inputs: input, outputs: scores, name: 'resnet_chips' }),
    logits: tf.model({ inputs: input, outputs: logits, name: 'resnet_chips_logits' }),
    features: tf.model({ inputs: input, outputs: features, name: 'resnet_chips_features' }),
  };
}
