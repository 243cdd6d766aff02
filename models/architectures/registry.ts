import { ENCODER_UNETS } from './encoder-unet.js';
import { MOBILENET_V1 } from './mobilenet-v1.js';
import { MOBILENET_V2 } from './mobilenet-v2.js';
import { RESNET_CHIPS_WIDTHS, resnetChips } from './resnet-chips.js';
import { RESNET_18, RESNET_34, RESNET_50 } from './resnet.js';
import { SQUEEZENET } from './squeezenet.js';
import { THEME_CNN } from './theme-cnn.js';
import type { Architecture, NetworkOptions } from './types.js';
import { unet, UNET_WIDTHS, unetMultiple } from './unet.js';
import { VGG_16, VGG_19 } from './vgg.js';
import { VGG_3, VGG_3_DROPOUT } from './vgg-3.js';

const RESNET_CHIPS: Architecture = {
  name: 'resnet-chips', title: 'A small ResNet for chips', gives: 'chips', size: 32, smallest: 4,
  takes: ['size', 'widths', 'blocks', 'dropout', 'reduce'],
  stages: { stem: ['stem'], ...Object.fromEntries(Array.from({ length: 5 }, (_, stage) => [`stage${stage}`, [`stage${stage}`]])) },
  build: (tf, { outputs, activation = 'softmax', ...options }: NetworkOptions) => resnetChips(tf, { ...options, tags: outputs, activation, widths: options.widths ?? RESNET_CHIPS_WIDTHS }),
};

const UNET: Architecture = {
  name: 'unet', title: 'U-Net (Ronneberger et al. 2015) of free depth and width', gives: 'maps', smallest: 1,
  takes: ['widths', 'batchNorm', 'reduce'],
  stages: Object.fromEntries(Array.from({ length: 7 }, (_, depth) => [`down${depth}`, [`down${depth}`]])),
  multiple: unetMultiple,
  build: (tf, { outputs, activation = 'softmax', ...options }: NetworkOptions) => unet(tf, { ...options, classes: outputs, activation, widths: options.widths ?? UNET_WIDTHS }),
};

/** All networks, simplest first. */
export const ARCHITECTURES: readonly Architecture[] = [
  RESNET_CHIPS, VGG_3, VGG_3_DROPOUT, THEME_CNN, SQUEEZENET, MOBILENET_V1, MOBILENET_V2, VGG_16, VGG_19, RESNET_18, RESNET_34, RESNET_50, UNET, ...ENCODER_UNETS,
];

/** The network of this name, if there is one. */
export function findArchitecture(name: string): Architecture | undefined {
  return ARCHITECTURES.find((architecture) => architecture.name === name);
}

/** The part of an architecture that a layer belongs to; layers in no part are the `head`, for maps the `decoder`. */
export function stageOf(architecture: Architecture, layer: string): string {
  const found = Object.entries(architecture.stages).find(([, beginnings]) => beginnings.some((beginning) => layer === beginning || layer.startsWith(`${beginning}_`)));
  return found?.[0] ?? (architecture.gives === 'maps' ? 'decoder' : 'head');
}

/** Names of all parts, from the input on. */
export function stagesOf(architecture: Architecture): readonly string[] {
  return [...Object.keys(architecture.stages), architecture.gives === 'maps' ? 'decoder' : 'head'];
}

/** Of these layers, those that a name means: a stage, or a layer, or the beginning of layers' names that go on with `_`. */
export function layersNamed(architecture: Architecture, layers: readonly string[], name: string): readonly string[] {
  if (stagesOf(architecture).includes(name)) return layers.filter((layer) => stageOf(architecture, layer) === name);
  return layers.filter((layer) => layer === name || layer.startsWith(`${name}_`));
}
