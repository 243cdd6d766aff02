import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

/**
 * A small classifier of the theme at the centre of a patch: 30 convolutions of 5×5 and 15 of 3×3 without padding, each
 * halved by max pooling, then dense layers of 128 and 50.
 */
export const THEME_CNN: Architecture = {
  name: 'theme-cnn', title: 'Theme CNN: 30 5×5, 15 3×3, dense 128-50', gives: 'chips', size: 28, smallest: 10,
  takes: ['size', 'width', 'head', 'normalization', 'initial'],
  stages: { block1: ['block1'], block2: ['block2'] },
  build(tf, options: NetworkOptions) {
    const { size = 28, bands = 3, normalization = 'none' } = options;
    const maker = layerMaker(tf, options);
    const { input, x: samples } = imageInput(tf, { size, bands, normalization });
    let x = maker.relu(maker.convolution(samples, 'block1_conv', { filters: maker.channels(30), size: 5, padding: 'valid' }), 'block1_relu');
    x = maker.maxPool(x, 'block1_pool', 2, 2);
    x = maker.relu(maker.convolution(x, 'block2_conv', { filters: maker.channels(15), size: 3, padding: 'valid' }), 'block2_relu');
    x = maker.maxPool(x, 'block2_pool', 2, 2);
    x = maker.dropout(x, 'block2_dropout', 0.2);
    return chipHead(maker, input, x, { ...options, name: 'theme_cnn', head: options.head ?? { pool: 'flatten', dense: [maker.channels(128), maker.channels(50)] } });
  },
};
