import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

const BLOCKS = [32, 64, 128] as const;

/** Shares dropped after each block and before the classifier, in the version with dropout. */
const BLOCK_DROPOUT = 0.2;
const HEAD_DROPOUT = 0.5;

/**
 * Three blocks of two 3×3 convolutions in the manner of VGG, each halved by max pooling, one dense layer: a baseline for
 * chips that trains from nothing. 4,483,633 parameters for 17 tags at 128 pixels.
 */
function vgg3(name: string, title: string, dropped: boolean): Architecture {
  return {
    name, title, gives: 'chips', size: 128, smallest: 8,
    takes: ['size', 'width', 'head', 'normalization', 'initial'],
    stages: { block1: ['block1'], block2: ['block2'], block3: ['block3'] },
    build(tf, options: NetworkOptions) {
      const { size = 128, bands = 3, normalization = 'none' } = options;
      const maker = layerMaker(tf, { ...options, kernels: 'he-uniform' });
      const { input, x: samples } = imageInput(tf, { size, bands, normalization });
      let x: SymbolicTensor = samples;
      BLOCKS.forEach((filters, index) => {
        const block = `block${index + 1}`;
        for (const conv of ['conv1', 'conv2']) x = maker.relu(maker.convolution(x, `${block}_${conv}`, { filters: maker.channels(filters), size: 3 }), `${block}_${conv}_relu`);
        x = maker.maxPool(x, `${block}_pool`, 2, 2);
        if (dropped) x = maker.dropout(x, `${block}_dropout`, BLOCK_DROPOUT);
      });
      const head = options.head ?? { pool: 'flatten', dense: [maker.channels(128)], dropout: dropped ? [0, HEAD_DROPOUT] : [] };
      return chipHead(maker, input, x, { ...options, name, head });
    },
  };
}

export const VGG_3 = vgg3('vgg3', 'VGG-3: three blocks in the manner of VGG', false);
export const VGG_3_DROPOUT = vgg3('vgg3-dropout', 'VGG-3 with dropout', true);
