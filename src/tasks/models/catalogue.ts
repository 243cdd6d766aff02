import type { Checksum } from '../../download/index.js';

/** Public weights that can be fetched. */
export interface PublicWeights {
  readonly name: string;
  readonly architecture: string;
  readonly description: string;
  readonly url: string;
  readonly checksum: Checksum;
  /** With the classifier of ImageNet's 1000 classes, or features only. */
  readonly top: boolean;
  readonly license: string;
}

const KERAS = 'https://storage.googleapis.com/tensorflow/keras-applications';
const TORCH = 'https://download.pytorch.org/models';
const VGG_LICENSE = 'CC BY 4.0 (Visual Geometry Group, Oxford); trained on ImageNet, whose pictures are for research';
const RESNET_LICENSE = 'MIT (Kaiming He); trained on ImageNet, whose pictures are for research';
const UNSTATED = 'not stated by the library for its weights; trained on ImageNet, whose pictures are for research';

/**
 * Addresses and checksums as the libraries' own sources have them: keras 3.15 (`applications/vgg16.py`, `vgg19.py`,
 * `resnet.py`: MD5), torchvision 0.29 (`models/vgg.py`, `resnet.py`) and timm 1.0 (`models/resnet.py`): the first eight
 * digits of the SHA-256 are part of the name.
 */
export const PUBLIC_WEIGHTS: readonly PublicWeights[] = [
  ...keras('vgg16', 'VGG-16', `${KERAS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels`, ['64373286793e3c8b2b4e3219cbf3544b', '6d6bbae143d832006294945121d1f1fc'], VGG_LICENSE),
  ...keras('vgg19', 'VGG-19', `${KERAS}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels`, ['cbe5617147190e668d6c5d5026f83318', '253f8cb515780f3b799900260a226db6'], VGG_LICENSE),
  ...keras('resnet50', 'ResNet-50', `${KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels`, ['2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'], RESNET_LICENSE),
  torch('vgg16-torchvision', 'vgg16', 'VGG-16 of torchvision', `${TORCH}/vgg16-397923af.pth`),
  torch('vgg19-torchvision', 'vgg19', 'VGG-19 of torchvision', `${TORCH}/vgg19-dcbb9e9d.pth`),
  torch('resnet18-torchvision', 'resnet18', 'ResNet-18 of torchvision', `${TORCH}/resnet18-f37072fd.pth`),
  torch('resnet34-torchvision', 'resnet34', 'ResNet-34 of torchvision', `${TORCH}/resnet34-b627a593.pth`),
  torch('resnet50-torchvision', 'resnet50', 'ResNet-50 of torchvision (IMAGENET1K_V1)', `${TORCH}/resnet50-0676ba61.pth`),
  torch('resnet50-torchvision-v2', 'resnet50', 'ResNet-50 of torchvision (IMAGENET1K_V2)', `${TORCH}/resnet50-11ad3fa6.pth`),
  torch('resnet50-timm', 'resnet50', 'ResNet-50 of timm (a1_in1k)', 'https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-rsb-weights/resnet50_a1_0-14fe96d1.pth'),
];

function keras(name: string, title: string, base: string, [whole, notop]: readonly [string, string], license: string): PublicWeights[] {
  return [
    { name, architecture: name, description: `${title} of keras-applications, ImageNet's 1000 classes`, url: `${base}.h5`, checksum: { algorithm: 'md5', digest: whole }, top: true, license },
    { name: `${name}-notop`, architecture: name, description: `${title} of keras-applications without its classifier`, url: `${base}_notop.h5`, checksum: { algorithm: 'md5', digest: notop }, top: false, license },
  ];
}

function torch(name: string, architecture: string, title: string, url: string): PublicWeights {
  return { name, architecture, description: `${title}, ImageNet's 1000 classes`, url, checksum: { algorithm: 'sha256', digest: /-([0-9a-f]{8})\.pth$/.exec(url)![1]! }, top: true, license: UNSTATED };
}
