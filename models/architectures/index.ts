export { resnetChips, RESNET_CHIPS_BLOCKS, RESNET_CHIPS_WIDTHS, type ResnetChipsOptions } from './resnet-chips.js';
export { unet, UNET_WIDTHS, unetMultiple, unetReceptiveField, type UnetOptions } from './unet.js';
export type { Network, Tensorflow } from './types.js';
