import type { ResnetName } from '../architectures/index.js';
import type { Mapping } from './types.js';

/** ResNet. Keras has no 18 and 34; files of theirs with Keras's names are read all the same. */
export function resnetMappings(_name: ResnetName): readonly Mapping[] {
  return [
    { naming: 'keras', variant: 'keras', normalization: 'caffe', order: 'keras', nameOf: (layer) => (layer === 'logits' ? 'predictions' : layer) },
    { naming: 'torchvision', variant: 'torch', normalization: 'torch', order: 'torch', nameOf: torchName },
  ];
}

function torchName(layer: string): string {
  if (layer === 'logits') return 'fc';
  const stem = /^conv1_(conv|bn)$/.exec(layer);
  if (stem !== null) return stem[1] === 'conv' ? 'conv1' : 'bn1';
  const found = /^conv(\d)_block(\d+)_(\d)_(conv|bn)$/.exec(layer);
  if (found === null) return layer;
  const [, stage, block, part, kind] = found;
  const module = `layer${Number(stage) - 1}.${Number(block) - 1}`;
  if (part === '0') return `${module}.downsample.${kind === 'conv' ? 0 : 1}`;
  return `${module}.${kind!}${part!}`;
}
