import { finish } from './head.js';
import { imageInput } from './image-input.js';
import { layerMaker } from './layer-maker.js';
import { RESNET_STAGES, resnetEncoder, resnetVariant, type ResnetName } from './resnet.js';
import type { Architecture, NetworkOptions } from './types.js';
import { VGG_STAGES, vggEncoder, type VggName } from './vgg.js';

/** Channels of the decoder, from its deepest level to full resolution. */
const DECODER = [256, 128, 64, 32, 16] as const;

/**
 * A U-Net whose way down is a classifier's, so that weights pretrained on pictures fit: the encoder's maps before each
 * halving are joined on the way up, by nearest doubling and two 3×3 convolutions with batch normalisation per level.
 */
function encoderUnet(encoder: VggName | ResnetName, title: string): Architecture {
  const isVgg = encoder === 'vgg16' || encoder === 'vgg19';
  return {
    name: `unet-${encoder}`, title, gives: 'maps', smallest: 32,
    takes: ['width', 'widths', 'batchNorm', 'normalization', 'initial', ...(isVgg ? [] : ['variant' as const])],
    stages: isVgg ? VGG_STAGES : RESNET_STAGES,
    multiple: () => 32,
    build(tf, options: NetworkOptions) {
      const { outputs, bands = 3, normalization = 'none', widths = DECODER, batchNorm = true } = options;
      if (widths.length !== DECODER.length) throw new RangeError(`expected ${DECODER.length} widths for the decoder, found ${widths.length}`);
      const maker = layerMaker(tf, options);
      const { input, x: samples } = imageInput(tf, { bands, normalization });
      const encoded = isVgg ? vggEncoder(maker, samples, encoder) : resnetEncoder(maker, samples, encoder, options.variant ?? resnetVariant(encoder));
      let { x } = encoded;
      // Five levels. A ResNet halves before its first map, so its topmost level has nothing to join.
      const skips = encoded.skips.length === widths.length ? encoded.skips : [undefined, ...encoded.skips];
      widths.forEach((filters, index) => {
        const level = widths.length - index;
        const name = `decoder${level}`;
        const skip = skips[level - 1];
        x = maker.double(x, `${name}_double`);
        if (skip !== undefined) x = maker.concatenate([x, skip], `${name}_join`);
        for (const part of ['a', 'b']) {
          x = maker.convolution(x, `${name}_${part}`, { filters: maker.channels(filters), size: 3, bias: !batchNorm });
          if (batchNorm) x = maker.normalization(x, `${name}_${part}_bn`);
          x = maker.relu(x, `${name}_${part}_relu`);
        }
      });
      const logits = maker.convolution(x, 'logits', { filters: outputs, size: 1 });
      return finish(maker, input, logits, { ...options, name: `unet_${encoder}` });
    },
  };
}

export const ENCODER_UNETS: readonly Architecture[] = [
  encoderUnet('vgg16', 'U-Net on VGG-16'),
  encoderUnet('vgg19', 'U-Net on VGG-19'),
  encoderUnet('resnet18', 'U-Net on ResNet-18'),
  encoderUnet('resnet34', 'U-Net on ResNet-34'),
  encoderUnet('resnet50', 'U-Net on ResNet-50'),
];
