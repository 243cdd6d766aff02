export { resnetChips, RESNET_CHIPS_BLOCKS, RESNET_CHIPS_WIDTHS, type ResnetChipsOptions } from './resnet-chips.js';
export { unet, UNET_WIDTHS, unetMultiple, unetReceptiveField, type UnetOptions } from './unet.js';
export { ARCHITECTURES, findArchitecture, layersNamed, stageOf, stagesOf } from './registry.js';
export { NORMALIZATIONS, sampleRule, type Normalization, type SampleRule } from './image-input.js';
export { RESNETS, resnetVariant, type ResnetName } from './resnet.js';
export { VGG_BLOCKS, type VggName } from './vgg.js';
export { invertedBlockName, MOBILENET_V2_BLOCKS } from './mobilenet-v2.js';
export type { HeadOptions } from './head.js';
export type { Architecture, Network, NetworkOptions, Tensorflow, Variant } from './types.js';
