import type { SymbolicTensor, layers } from '@tensorflow/tfjs';
import { heNormal } from './he-normal.js';
import type { NetworkOptions, Tensorflow } from './types.js';

export interface ConvolutionOptions {
  readonly filters: number;
  readonly size: number;
  /** Default 1. */
  readonly strides?: number;
  /** `symmetric`: as many zeros on each side as PyTorch's `padding=size//2`, also with strides. Default `same`, TensorFlow's. */
  readonly padding?: 'same' | 'valid' | 'symmetric';
  /** Default true. */
  readonly bias?: boolean;
}

export interface NormalizationOptions {
  /** Added to the variance. Default 1e-3. */
  readonly epsilon?: number;
}

/** Layers by name, with first weights that depend on one seed and the order of making. */
export interface LayerMaker {
  readonly tf: Tensorflow;
  /** So many of a layer's channels as `width` says. */
  channels(count: number): number;
  convolution(x: SymbolicTensor, name: string, options: ConvolutionOptions): SymbolicTensor;
  depthwise(x: SymbolicTensor, name: string, options: Omit<ConvolutionOptions, 'filters'>): SymbolicTensor;
  normalization(x: SymbolicTensor, name: string, options?: NormalizationOptions): SymbolicTensor;
  /** ReLU; at most `max` where given. */
  relu(x: SymbolicTensor, name: string, max?: number): SymbolicTensor;
  maxPool(x: SymbolicTensor, name: string, size: number, strides: number): SymbolicTensor;
  /** Zeros around: as many before and after rows and columns. */
  pad(x: SymbolicTensor, name: string, before: number, after: number): SymbolicTensor;
  add(parts: SymbolicTensor[], name: string): SymbolicTensor;
  concatenate(parts: SymbolicTensor[], name: string): SymbolicTensor;
  /** Every pixel twice along both axes. */
  double(x: SymbolicTensor, name: string): SymbolicTensor;
  dense(x: SymbolicTensor, name: string, units: number, initializer?: 'he' | 'glorot'): SymbolicTensor;
  dropout(x: SymbolicTensor, name: string, rate: number): SymbolicTensor;
  apply(layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
}

export interface MakerOptions extends Pick<NetworkOptions, 'seed' | 'initial' | 'width'> {
  /** How kernels start. Default `he-normal` (He et al. 2015). */
  readonly kernels?: 'he-normal' | 'he-uniform';
}

/** Momentum of running means: reaches the data's statistics within some 50 steps, as short trainings need. */
const MOMENTUM = 0.95;

export function layerMaker(tf: Tensorflow, options: MakerOptions = {}): LayerMaker {
  const { seed = 1, initial = 'random', width = 1, kernels = 'he-normal' } = options;
  let weights = 0;
  const first = (kind: 'he-normal' | 'he-uniform' | 'glorot'): ReturnType<Tensorflow['initializers']['zeros']> => {
    if (initial === 'zeros') return tf.initializers.zeros();
    const from = { seed: seed * 1000 + weights++ };
    if (kind === 'glorot') return tf.initializers.glorotUniform(from);
    return kind === 'he-uniform' ? tf.initializers.heUniform(from) : heNormal(tf, from.seed);
  };
  const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor => layer.apply(x) as SymbolicTensor;
  const pad = (x: SymbolicTensor, name: string, before: number, after: number): SymbolicTensor => apply(tf.layers.zeroPadding2d({ padding: [[before, after], [before, after]], name }), x);
  /** The input with its zeros, and what is left for the layer to pad. */
  const padded = (x: SymbolicTensor, name: string, { size, strides = 1, padding = 'same' }: Omit<ConvolutionOptions, 'filters'>): [SymbolicTensor, 'same' | 'valid'] => {
    if (padding !== 'symmetric') return [x, padding];
    // Without strides, TensorFlow pads odd kernels symmetrically, too.
    return strides === 1 ? [x, 'same'] : [pad(x, `${name}_pad`, (size - 1) / 2, (size - 1) / 2), 'valid'];
  };
  return {
    tf, apply, pad,
    channels: (count) => Math.max(1, Math.round(count * width)),
    convolution(x, name, convolution) {
      const [input, padding] = padded(x, name, convolution);
      const { filters, size, strides = 1, bias = true } = convolution;
      return apply(tf.layers.conv2d({ filters, kernelSize: size, strides, padding, useBias: bias, kernelInitializer: first(kernels), name }), input);
    },
    depthwise(x, name, convolution) {
      const [input, padding] = padded(x, name, convolution);
      const { size, strides = 1, bias = true } = convolution;
      return apply(tf.layers.depthwiseConv2d({ kernelSize: size, strides, padding, useBias: bias, depthwiseInitializer: first(kernels), name }), input);
    },
    normalization: (x, name, { epsilon = 1e-3 } = {}) => apply(tf.layers.batchNormalization({ momentum: MOMENTUM, epsilon, name }), x),
    relu: (x, name, max) => apply(tf.layers.reLU({ name, ...(max === undefined ? {} : { maxValue: max }) }), x),
    maxPool: (x, name, size, strides) => apply(tf.layers.maxPooling2d({ poolSize: size, strides, name }), x),
    add: (parts, name) => apply(tf.layers.add({ name }), parts),
    concatenate: (parts, name) => apply(tf.layers.concatenate({ name }), parts),
    double: (x, name) => apply(tf.layers.upSampling2d({ size: [2, 2], name }), x),
    dense: (x, name, units, initializer = 'glorot') => apply(tf.layers.dense({ units, kernelInitializer: first(initializer === 'he' ? kernels : 'glorot'), name }), x),
    dropout: (x, name, rate) => apply(tf.layers.dropout({ rate, seed, name }), x),
  };
}

