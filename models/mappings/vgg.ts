import { VGG_BLOCKS, type VggName } from '../architectures/index.js';
import type { Mapping } from './types.js';

/** VGG: in torchvision and timm convolutions have the numbers of a list in which ReLU and pooling count, too. */
export function vggMappings(name: VggName): readonly Mapping[] {
  const features = new Map<string, string>();
  let at = 0;
  VGG_BLOCKS[name].forEach((count, block) => {
    for (let conv = 1; conv <= count; conv++, at += 2) features.set(`block${block + 1}_conv${conv}`, `features.${at}`);
    at += 1;
  });
  const torch = (heads: Readonly<Record<string, string>>) => (layer: string): string => features.get(layer) ?? heads[layer] ?? layer;
  return [
    { naming: 'keras', variant: 'keras', normalization: 'caffe', order: 'keras', nameOf: (layer) => (layer === 'logits' ? 'predictions' : layer) },
    { naming: 'torchvision', variant: 'torch', normalization: 'torch', order: 'torch', nameOf: torch({ fc1: 'classifier.0', fc2: 'classifier.3', logits: 'classifier.6' }) },
    // timm keeps the dense layers as convolutions over what is left of the picture.
    { naming: 'timm', variant: 'torch', normalization: 'torch', order: 'torch', nameOf: torch({ fc1: 'pre_logits.fc1', fc2: 'pre_logits.fc2', logits: 'head.fc' }) },
  ];
}
