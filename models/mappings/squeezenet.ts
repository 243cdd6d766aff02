import type { Mapping } from './types.js';

/** Places of the fire modules 2 to 9 in torchvision's list, in which pooling counts, too. */
const FIRES = [3, 4, 6, 7, 9, 10, 11, 12] as const;

/** SqueezeNet 1.1: torchvision has it; Keras files are those with the layers' names as here (and in Caffe). */
export function squeezenetMappings(): readonly Mapping[] {
  return [
    { naming: 'keras', variant: 'keras', normalization: 'caffe', order: 'keras', nameOf: (layer) => layer },
    { naming: 'torchvision', variant: 'torch', normalization: 'torch', order: 'torch', nameOf: torchName },
  ];
}

function torchName(layer: string): string {
  if (layer === 'conv1') return 'features.0';
  if (layer === 'conv10') return 'classifier.1';
  const found = /^fire(\d)_(squeeze|expand)(1x1|3x3)$/.exec(layer);
  if (found === null) return layer;
  const [, fire, part, size] = found;
  return `features.${FIRES[Number(fire) - 2]!}.${part === 'squeeze' ? 'squeeze' : `expand${size!}`}`;
}
