import type { SymbolicTensor } from '@tensorflow/tfjs';
import { heNormal } from './he-normal.js';
import type { Network, Tensorflow } from './types.js';

export interface UnetOptions {
  readonly classes: number;
  /** Channels per level, outermost first. Default `[64, 128, 256]`, as in Ronneberger et al. 2015 but half as wide and two levels less deep. */
  readonly widths?: readonly number[];
  /** Batch normalisation after every convolution (which then has no bias). Default false. */
  readonly batchNorm?: boolean;
  /** The input is averaged over squares of this many pixels and the answer repeated as often, inside the network. Default 1. */
  readonly reduce?: number;
  /** Default 3. */
  readonly bands?: number;
  /** Last activation. Default `softmax`. */
  readonly activation?: 'softmax' | 'sigmoid';
  /** Seed of the first weights. Default 1. */
  readonly seed?: number;
}

export const UNET_WIDTHS = [64, 128, 256] as const;

/**
 * U-Net: two 3×3 convolutions per level, max pooling down, nearest up-sampling and concatenation up, 1×1 head with softmax.
 * Input `[n, height, width, bands]` of any size that is a multiple of {@link unetMultiple}, samples from 0 to 255; output
 * `[n, height, width, classes]`. The plain setting (7 classes) has 1,883,527 parameters.
 */
export function unet(tf: Tensorflow, options: UnetOptions): Network {
  const { classes, widths = UNET_WIDTHS, batchNorm = false, reduce = 1, bands = 3, activation = 'softmax', seed = 1 } = options;
  let weights = 0;
  const convolution = (x: SymbolicTensor, filters: number, name: string): SymbolicTensor => {
    const kernelInitializer = heNormal(tf, seed * 1000 + weights++);
    const out = tf.layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: !batchNorm, kernelInitializer, name }).apply(x) as SymbolicTensor;
    const normal = batchNorm ? tf.layers.batchNormalization({ momentum: 0.95, epsilon: 1e-3, name: `${name}_bn` }).apply(out) as SymbolicTensor : out;
    return tf.layers.reLU({ name: `${name}_relu` }).apply(normal) as SymbolicTensor;
  };
  const level = (x: SymbolicTensor, filters: number, name: string): SymbolicTensor => convolution(convolution(x, filters, `${name}_a`), filters, `${name}_b`);

  const input = tf.input({ shape: [null, null, bands], name: 'image' });
  let x: SymbolicTensor = input;
  if (reduce > 1) x = tf.layers.averagePooling2d({ poolSize: reduce, strides: reduce, name: 'reduce' }).apply(x) as SymbolicTensor;
  x = tf.layers.rescaling({ scale: 1 / 127.5, offset: -1, name: 'scale' }).apply(x) as SymbolicTensor;
  const skips: SymbolicTensor[] = [];
  widths.forEach((filters, depth) => {
    if (depth > 0) x = tf.layers.maxPooling2d({ poolSize: 2, name: `pool${depth}` }).apply(x) as SymbolicTensor;
    x = level(x, filters, `down${depth}`);
    skips.push(x);
  });
  for (let depth = widths.length - 2; depth >= 0; depth--) {
    x = tf.layers.upSampling2d({ size: [2, 2], name: `up${depth}_double` }).apply(x) as SymbolicTensor;
    x = tf.layers.concatenate({ name: `up${depth}_join` }).apply([x, skips[depth]!]) as SymbolicTensor;
    x = level(x, widths[depth]!, `up${depth}`);
  }
  const kernelInitializer = tf.initializers.glorotUniform({ seed: seed * 1000 + weights });
  const logits = tf.layers.conv2d({ filters: classes, kernelSize: 1, kernelInitializer, name: 'logits' }).apply(x) as SymbolicTensor;
  let scores = tf.layers.activation({ activation, name: activation }).apply(logits) as SymbolicTensor;
  if (reduce > 1) scores = tf.layers.upSampling2d({ size: [reduce, reduce], name: 'repeat' }).apply(scores) as SymbolicTensor;
  return { scores: tf.model({ inputs: input, outputs: scores, name: 'unet' }), logits: tf.model({ inputs: input, outputs: logits, name: 'unet_logits' }) };
}

/** Width and height of the input must be a multiple of this. */
export function unetMultiple(options: Pick<UnetOptions, 'widths' | 'reduce'>): number {
  return 2 ** ((options.widths ?? UNET_WIDTHS).length - 1) * (options.reduce ?? 1);
}

/**
 * Edge of the square of input pixels that can influence one output pixel; where it depends on the pixel's place in the
 * coarsest cell, the largest. Walks from one output pixel back through the deepest level: a level's two 3×3 convolutions
 * reach 2 pixels further to either side, doubling reads from half the place, pooling from both pixels of a pair.
 */
export function unetReceptiveField(options: Pick<UnetOptions, 'widths' | 'reduce'>): number {
  const levels = (options.widths ?? UNET_WIDTHS).length;
  const reduce = options.reduce ?? 1;
  let largest = 0;
  for (let place = 0; place < 2 ** (levels - 1); place++) {
    let low = place;
    let high = place;
    for (let depth = 0; depth < levels - 1; depth++) {
      low = Math.floor((low - 2) / 2);
      high = Math.floor((high + 2) / 2);
    }
    low -= 2;
    high += 2;
    for (let depth = levels - 2; depth >= 0; depth--) {
      low = low * 2 - 2;
      high = high * 2 + 1 + 2;
    }
    largest = Math.max(largest, high - low + 1);
  }
  return largest * reduce;
}
