import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import type { LayerMaker } from './layer-maker.js';
import { layerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions } from './types.js';

const WIDTHS = [64, 128, 256, 512, 512] as const;

/** 3×3 convolutions per block. */
export const VGG_BLOCKS = { vgg16: [2, 2, 3, 3, 3], vgg19: [2, 2, 4, 4, 4] } as const;
export type VggName = keyof typeof VGG_BLOCKS;

/** What an encoder gives: its last map, and by halving the map just before it, largest first. */
export interface Encoded {
  readonly x: SymbolicTensor;
  readonly skips: readonly SymbolicTensor[];
}

/** The convolutions of a VGG (Simonyan and Zisserman 2015), named as in keras-applications; every block ends in max pooling. */
export function vggEncoder(maker: LayerMaker, input: SymbolicTensor, name: VggName): Encoded {
  let x = input;
  const skips: SymbolicTensor[] = [];
  WIDTHS.forEach((filters, index) => {
    for (let conv = 1; conv <= VGG_BLOCKS[name][index]!; conv++) {
      const layer = `block${index + 1}_conv${conv}`;
      x = maker.relu(maker.convolution(x, layer, { filters: maker.channels(filters), size: 3 }), `${layer}_relu`);
    }
    skips.push(x);
    x = maker.maxPool(x, `block${index + 1}_pool`, 2, 2);
  });
  return { x, skips };
}

export const VGG_STAGES = Object.fromEntries(WIDTHS.map((_, index) => [`block${index + 1}`, [`block${index + 1}`]]));

/** The head as published: two dense layers of 4096; torchvision drops half before the second and the classifier. */
const DENSE = 4096;

function vgg(name: VggName, title: string): Architecture {
  return {
    name, title, gives: 'chips', size: 224, smallest: 32,
    takes: ['size', 'width', 'head', 'normalization', 'initial'],
    stages: VGG_STAGES,
    build(tf, options: NetworkOptions) {
      const { bands = 3, normalization = 'none' } = options;
      const maker = layerMaker(tf, options);
      const head = options.head ?? { pool: 'flatten', dense: [maker.channels(DENSE), maker.channels(DENSE)], dropout: [0, 0.5, 0.5] };
      const size = options.size ?? (head.pool === 'flatten' ? 224 : undefined);
      const { input, x } = imageInput(tf, { size, bands, normalization });
      return chipHead(maker, input, vggEncoder(maker, x, name).x, { ...options, name, head });
    },
  };
}

export const VGG_16 = vgg('vgg16', 'VGG-16 (Simonyan and Zisserman 2015)');
export const VGG_19 = vgg('vgg19', 'VGG-19 (Simonyan and Zisserman 2015)');
