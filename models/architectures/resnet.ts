import type { SymbolicTensor } from '@tensorflow/tfjs';
import { chipHead } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker, type LayerMaker } from './layer-maker.js';
import type { Architecture, NetworkOptions, Variant } from './types.js';
import type { Encoded } from './vgg.js';

export const RESNETS = {
  resnet18: { blocks: [2, 2, 2, 2], bottleneck: false },
  resnet34: { blocks: [3, 4, 6, 3], bottleneck: false },
  resnet50: { blocks: [3, 4, 6, 3], bottleneck: true },
} as const;
export type ResnetName = keyof typeof RESNETS;

const WIDTHS = [64, 128, 256, 512] as const;
const BOTTLENECK = 4;

/** In which library's manner a ResNet is made, where nothing else is said: keras-applications has no 18 and 34. */
export function resnetVariant(name: ResnetName): Variant {
  return name === 'resnet50' ? 'keras' : 'torch';
}

/**
 * The convolutions of a ResNet (He et al. 2016), named as in keras-applications. The variants differ: Keras's has biases, an
 * epsilon of 1.001e-5, and halves in the first convolution of a block, as the paper does; torchvision's and timm's have no
 * biases, 1e-5, and halve in the 3×3 convolution.
 */
export function resnetEncoder(maker: LayerMaker, input: SymbolicTensor, name: ResnetName, variant: Variant): Encoded {
  const { blocks, bottleneck } = RESNETS[name];
  const bias = variant === 'keras';
  const epsilon = variant === 'keras' ? 1.001e-5 : 1e-5;
  const convolution = (x: SymbolicTensor, layer: string, filters: number, size: number, strides: number): SymbolicTensor =>
    maker.normalization(maker.convolution(x, `${layer}_conv`, { filters, size, strides, padding: size === 1 ? 'valid' : 'symmetric', bias }), `${layer}_bn`, { epsilon });

  const stem = maker.relu(convolution(input, 'conv1', maker.channels(WIDTHS[0]), 7, 2), 'conv1_relu');
  // Nothing is below zero after ReLU, so zeros around are the same as no pixels around.
  let x = maker.maxPool(maker.pad(stem, 'pool1_pad', 1, 1), 'pool1_pool', 3, 2);
  const skips = [stem];
  WIDTHS.forEach((width, stage) => {
    const inner = maker.channels(width);
    const outer = bottleneck ? inner * BOTTLENECK : inner;
    for (let block = 1; block <= blocks[stage]!; block++) {
      const layer = `conv${stage + 2}_block${block}`;
      const strides = stage > 0 && block === 1 ? 2 : 1;
      const shortcut = block === 1 && (strides > 1 || x.shape[3] !== outer) ? convolution(x, `${layer}_0`, outer, 1, strides) : x;
      const halves = bottleneck && variant === 'torch' ? 2 : 1;
      let y = x;
      (bottleneck ? [1, 3, 1] : [3, 3]).forEach((size, index, sizes) => {
        const last = index === sizes.length - 1;
        y = convolution(y, `${layer}_${index + 1}`, last ? outer : inner, size, index + 1 === halves ? strides : 1);
        if (!last) y = maker.relu(y, `${layer}_${index + 1}_relu`);
      });
      x = maker.relu(maker.add([shortcut, y], `${layer}_add`), `${layer}_out`);
    }
    if (stage < WIDTHS.length - 1) skips.push(x);
  });
  return { x, skips };
}

export const RESNET_STAGES = { conv1: ['conv1', 'pool1'], conv2: ['conv2'], conv3: ['conv3'], conv4: ['conv4'], conv5: ['conv5'] } as const;

function resnet(name: ResnetName, title: string): Architecture {
  return {
    name, title, gives: 'chips', size: 224, smallest: 32,
    takes: ['size', 'width', 'head', 'normalization', 'variant', 'initial'],
    stages: RESNET_STAGES,
    build(tf, options: NetworkOptions) {
      const { bands = 3, normalization = 'none', variant = resnetVariant(name), head = {} } = options;
      const maker = layerMaker(tf, options);
      const size = options.size ?? (head.pool === 'flatten' ? 224 : undefined);
      const { input, x } = imageInput(tf, { size, bands, normalization });
      return chipHead(maker, input, resnetEncoder(maker, x, name, variant).x, { ...options, name, head });
    },
  };
}

export const RESNET_18 = resnet('resnet18', 'ResNet-18 (He et al. 2016)');
export const RESNET_34 = resnet('resnet34', 'ResNet-34 (He et al. 2016)');
export const RESNET_50 = resnet('resnet50', 'ResNet-50 (He et al. 2016)');
