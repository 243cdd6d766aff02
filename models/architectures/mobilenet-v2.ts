import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

/** Groups of blocks: by how much channels are expanded inside, channels after, blocks, by how much the first reduces. */
const GROUPS = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]] as const;

const SIX = 6;
const FIRST = 32;
const LAST = 1280;

/** The nearest multiple of 8, at least 8, and not below nine tenths of what was asked for: how all libraries scale its widths. */
function eighths(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** Every block, numbered from 0, with its sizes. */
const BLOCKS = GROUPS.flatMap(([expansion, filters, count, strides]) => Array.from({ length: count }, (_, index) => ({ expansion, filters, strides: index === 0 ? strides : 1 })));

/** The names of a block's layers begin with this, as in keras-applications. */
export function invertedBlockName(block: number): string {
  return block === 0 ? 'expanded_conv' : `block_${block}`;
}

export const MOBILENET_V2_BLOCKS = BLOCKS.length;

/**
 * MobileNetV2 (Sandler et al. 2018), named as in keras-applications; `width` is its alpha. The variants differ in epsilon
 * (1e-3, 1e-5) and in where zeros stand when a convolution halves.
 */
export const MOBILENET_V2: Architecture = {
  name: 'mobilenet-v2', title: 'MobileNetV2 (Sandler et al. 2018)', gives: 'chips', size: 224, smallest: 32,
  takes: ['size', 'width', 'head', 'normalization', 'variant', 'initial'],
  stages: {
    conv1: ['Conv1', 'bn_Conv1'], ...Object.fromEntries(BLOCKS.map((_, index) => [`block${index}`, [invertedBlockName(index)]])), last: ['Conv_1', 'out_relu'],
  },
  build(tf, options: NetworkOptions) {
    const { bands = 3, normalization = 'none', variant = 'keras', width = 1, head = {} } = options;
    const maker = layerMaker(tf, options);
    const epsilon = variant === 'keras' ? 1e-3 : 1e-5;
    const padding = variant === 'keras' ? 'same' : 'symmetric';
    const size = options.size ?? (head.pool === 'flatten' ? 224 : undefined);
    const { input, x: samples } = imageInput(tf, { size, bands, normalization });
    let x: SymbolicTensor = maker.convolution(samples, 'Conv1', { filters: eighths(FIRST * width), size: 3, strides: 2, padding, bias: false });
    x = maker.relu(maker.normalization(x, 'bn_Conv1', { epsilon }), 'Conv1_relu', SIX);
    BLOCKS.forEach(({ expansion, filters, strides }, index) => {
      const name = invertedBlockName(index);
      const channels = eighths(Math.floor(filters * width));
      const part = (y: SymbolicTensor, layer: string): SymbolicTensor => maker.normalization(y, `${layer}_BN`, { epsilon });
      let y = x;
      if (index > 0) {
        y = maker.convolution(y, `${name}_expand`, { filters: x.shape[3]! * expansion, size: 1, bias: false });
        y = maker.relu(part(y, `${name}_expand`), `${name}_expand_relu`, SIX);
      }
      y = maker.depthwise(y, `${name}_depthwise`, { size: 3, strides, padding, bias: false });
      y = maker.relu(part(y, `${name}_depthwise`), `${name}_depthwise_relu`, SIX);
      y = part(maker.convolution(y, `${name}_project`, { filters: channels, size: 1, bias: false }), `${name}_project`);
      x = strides === 1 && x.shape[3] === channels ? maker.add([x, y], `${name}_add`) : y;
    });
    const last = width > 1 ? eighths(LAST * width) : LAST;
    x = maker.convolution(x, 'Conv_1', { filters: last, size: 1, bias: false });
    x = maker.relu(maker.normalization(x, 'Conv_1_bn', { epsilon }), 'out_relu', SIX);
    return chipHead(maker, input, x, { ...options, name: 'mobilenet_v2', head });
  },
};
