import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead, finish } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker, type LayerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

/** Channels of the fire modules 2 to 9: squeezed, expanded by 1×1 and by 3×3; pooled before modules 2, 4 and 6. */
const FIRES = [[16, 64], [16, 64], [32, 128], [32, 128], [48, 192], [48, 192], [64, 256], [64, 256]] as const;
const POOLED_BEFORE = [2, 4, 6];

/**
 * SqueezeNet 1.1 (Iandola et al. 2016, the version of 2016-08): its classifier is a 1×1 convolution with ReLU, averaged over
 * all places. Max pooling takes part of a window at the lower and right border in, as Caffe and torchvision (`ceil_mode`) do:
 * nothing is below zero there, so a row and a column of zeros do that at every size. A head of one's own takes the classifier's place.
 * Tags need answers below zero: where they are wanted, the classifier has no ReLU.
 */
export const SQUEEZENET: Architecture = {
  name: 'squeezenet', title: 'SqueezeNet 1.1 (Iandola et al. 2016)', gives: 'chips', size: 224, smallest: 21,
  takes: ['size', 'width', 'dropout', 'head', 'normalization', 'initial'],
  stages: { conv1: ['conv1', 'pool1'], ...Object.fromEntries(FIRES.map((_, index) => [`fire${index + 2}`, [`fire${index + 2}`, `pool${index + 2}`]])) },
  build(tf, options: NetworkOptions) {
    const { size, bands = 3, normalization = 'none', outputs, dropout = 0.5 } = options;
    const maker = layerMaker(tf, options);
    const { input, x: samples } = imageInput(tf, { size, bands, normalization });
    let x = maker.relu(maker.convolution(samples, 'conv1', { filters: maker.channels(64), size: 3, strides: 2, padding: 'valid' }), 'conv1_relu');
    FIRES.forEach(([squeezed, expanded], index) => {
      const fire = index + 2;
      if (POOLED_BEFORE.includes(fire)) x = maker.maxPool(maker.pad(x, `pool${fire - 1}_pad`, 0, 1), `pool${fire - 1}`, 3, 2);
      x = fireModule(maker, x, `fire${fire}`, maker.channels(squeezed), maker.channels(expanded));
    });
    if (options.head !== undefined) return chipHead(maker, input, x, { ...options, name: 'squeezenet', head: options.head });
    const features = maker.apply(tf.layers.globalAveragePooling2d({ name: 'features' }), x);
    const kept = dropout > 0 ? maker.dropout(x, 'drop9', dropout) : x;
    const places = maker.convolution(kept, 'conv10', { filters: outputs, size: 1, padding: 'valid' });
    const answers = options.activation === 'sigmoid' ? places : maker.relu(places, 'conv10_relu');
    const logits = maker.apply(tf.layers.globalAveragePooling2d({ name: 'pool10' }), answers);
    return finish(maker, input, logits, { ...options, name: 'squeezenet', features });
  },
};

function fireModule(maker: LayerMaker, input: SymbolicTensor, name: string, squeezed: number, expanded: number): SymbolicTensor {
  const convolution = (x: SymbolicTensor, part: string, filters: number, size: number): SymbolicTensor =>
    maker.relu(maker.convolution(x, `${name}_${part}`, { filters, size, padding: 'same' }), `${name}_${part}_relu`);
  const x = convolution(input, 'squeeze1x1', squeezed, 1);
  return maker.concatenate([convolution(x, 'expand1x1', expanded, 1), convolution(x, 'expand3x3', expanded, 3)], `${name}_concat`);
}
