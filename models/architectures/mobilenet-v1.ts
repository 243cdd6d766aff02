import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

/** Channels after each block, and by how much it reduces. */
const BLOCKS = [
  [64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2], [1024, 1],
] as const;

const SIX = 6;

/**
 * MobileNet (Howard et al. 2017), named as in keras-applications; `width` is its alpha. The variants differ in epsilon (1e-3,
 * 1e-5) and in where zeros stand when a convolution halves.
 */
export const MOBILENET_V1: Architecture = {
  name: 'mobilenet-v1', title: 'MobileNet (Howard et al. 2017)', gives: 'chips', size: 224, smallest: 32,
  takes: ['size', 'width', 'head', 'normalization', 'variant', 'initial'],
  stages: { conv1: ['conv1'], ...Object.fromEntries(BLOCKS.map((_, index) => [`block${index + 1}`, [`conv_pad_${index + 1}`, `conv_dw_${index + 1}`, `conv_pw_${index + 1}`]])) },
  build(tf, options: NetworkOptions) {
    const { bands = 3, normalization = 'none', variant = 'keras', width = 1, head = { dropout: [0.001] } } = options;
    const maker = layerMaker(tf, options);
    const epsilon = variant === 'keras' ? 1e-3 : 1e-5;
    const padding = variant === 'keras' ? 'same' : 'symmetric';
    const channels = (count: number): number => Math.max(1, Math.floor(count * width));
    const size = options.size ?? (head.pool === 'flatten' ? 224 : undefined);
    const { input, x: samples } = imageInput(tf, { size, bands, normalization });
    const finishBlock = (x: SymbolicTensor, name: string): SymbolicTensor => maker.relu(maker.normalization(x, `${name}_bn`, { epsilon }), `${name}_relu`, SIX);
    let x = finishBlock(maker.convolution(samples, 'conv1', { filters: channels(32), size: 3, strides: 2, padding, bias: false }), 'conv1');
    BLOCKS.forEach(([filters, strides], index) => {
      const [depthwise, pointwise] = [`conv_dw_${index + 1}`, `conv_pw_${index + 1}`];
      if (strides > 1 && variant === 'keras') x = maker.depthwise(maker.pad(x, `conv_pad_${index + 1}`, 0, 1), depthwise, { size: 3, strides, padding: 'valid', bias: false });
      else x = maker.depthwise(x, depthwise, { size: 3, strides, padding, bias: false });
      x = finishBlock(maker.convolution(finishBlock(x, depthwise), pointwise, { filters: channels(filters), size: 1, bias: false }), pointwise);
    });
    return chipHead(maker, input, x, { ...options, name: 'mobilenet_v1', head });
  },
};
