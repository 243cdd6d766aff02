import type { Normalization, Variant } from '../architectures/index.js';

/** Libraries whose names of weights are known. torchvision and timm have the same in ResNets. */
export type Naming = 'keras' | 'torchvision' | 'timm';

/** How a library names and arranges the weights of one of the architectures. */
export interface Mapping {
  readonly naming: Naming;
  /** The variant of the network that gives this library's numbers. */
  readonly variant: Variant;
  /** What the library's own pretrained weights expect of samples. */
  readonly normalization: Normalization;
  /** PyTorch: kernels are `[out, in, height, width]` and `[out, in]`; Keras: `[height, width, in, out]` and `[in, out]`. */
  readonly order: 'torch' | 'keras';
  /** The library's name of one of our layers: Keras's layer, PyTorch's module. */
  nameOf(layer: string): string;
  /** Where the width of the network can be told from: channels that this layer gives at width 1. */
  readonly widest?: { readonly layer: string; readonly channels: number };
}

/** Weights of a PyTorch module by what they are in a layer here. */
export const TORCH_WEIGHTS: Readonly<Record<string, string>> = {
  kernel: 'weight', depthwise_kernel: 'weight', bias: 'bias', gamma: 'weight', beta: 'bias', moving_mean: 'running_mean', moving_variance: 'running_var',
};

/** Tensors of state dicts that are no weights: counters of batch normalisation. */
export const TORCH_COUNTERS = /(^|\.)num_batches_tracked$/;

/** Keras: tensors that are no weights of the network. */
export const KERAS_STATE = /(^|\/)(seed_generator|seed_generator_state|optimizer|optimizer_weights)(\/|$)/;
