import { invertedBlockName, MOBILENET_V2_BLOCKS } from '../architectures/index.js';
import type { Mapping } from './types.js';

/** Blocks per stage in timm. */
const V1_STAGES = [1, 2, 2, 6, 2] as const;
const V2_STAGES = [1, 2, 3, 4, 3, 3, 1] as const;

/** MobileNet: keras-applications and timm have it, torchvision does not. */
export function mobilenetV1Mappings(): readonly Mapping[] {
  const widest = { layer: 'conv_pw_13', channels: 1024 };
  return [
    { naming: 'keras', variant: 'keras', normalization: 'signed', order: 'keras', widest, nameOf: (layer) => (layer === 'logits' ? 'conv_preds' : layer) },
    { naming: 'timm', variant: 'torch', normalization: 'signed', order: 'torch', widest, nameOf: timmV1 },
  ];
}

function timmV1(layer: string): string {
  const heads: Readonly<Record<string, string>> = { conv1: 'conv_stem', conv1_bn: 'bn1', logits: 'classifier' };
  const found = /^conv_(dw|pw)_(\d+)(_bn)?$/.exec(layer);
  if (found === null) return heads[layer] ?? layer;
  const [, part, block, normal] = found;
  return `blocks.${stageAndBlock(V1_STAGES, Number(block) - 1)}.${normal === undefined ? `conv_${part!}` : part === 'dw' ? 'bn1' : 'bn2'}`;
}

export function mobilenetV2Mappings(): readonly Mapping[] {
  const widest = { layer: 'block_16_project', channels: 320 };
  return [
    { naming: 'keras', variant: 'keras', normalization: 'signed', order: 'keras', widest, nameOf: (layer) => (layer === 'logits' ? 'predictions' : layer) },
    { naming: 'torchvision', variant: 'torch', normalization: 'torch', order: 'torch', widest, nameOf: named(torchvisionV2()) },
    { naming: 'timm', variant: 'torch', normalization: 'torch', order: 'torch', widest, nameOf: named(timmV2()) },
  ];
}

function named(names: ReadonlyMap<string, string>): (layer: string) => string {
  return (layer) => names.get(layer) ?? layer;
}

/** A block's convolutions and their normalisations; the first block expands nothing. */
function torchvisionV2(): ReadonlyMap<string, string> {
  const names = new Map([['Conv1', 'features.0.0'], ['bn_Conv1', 'features.0.1'], ['Conv_1', 'features.18.0'], ['Conv_1_bn', 'features.18.1'], ['logits', 'classifier.1']]);
  for (let block = 0; block < MOBILENET_V2_BLOCKS; block++) {
    const module = `features.${block + 1}.conv`;
    const parts = block === 0 ? ['depthwise', 'project'] : ['expand', 'depthwise', 'project'];
    parts.forEach((part, index) => {
      const last = index === parts.length - 1;
      names.set(`${invertedBlockName(block)}_${part}`, last ? `${module}.${index}` : `${module}.${index}.0`);
      names.set(`${invertedBlockName(block)}_${part}_BN`, last ? `${module}.${index + 1}` : `${module}.${index}.1`);
    });
  }
  return names;
}

function timmV2(): ReadonlyMap<string, string> {
  const names = new Map([['Conv1', 'conv_stem'], ['bn_Conv1', 'bn1'], ['Conv_1', 'conv_head'], ['Conv_1_bn', 'bn2'], ['logits', 'classifier']]);
  for (let block = 0; block < MOBILENET_V2_BLOCKS; block++) {
    const module = `blocks.${stageAndBlock(V2_STAGES, block)}`;
    const parts = block === 0 ? [['depthwise', 'conv_dw'], ['project', 'conv_pw']] as const : [['expand', 'conv_pw'], ['depthwise', 'conv_dw'], ['project', 'conv_pwl']] as const;
    parts.forEach(([part, convolution], index) => {
      names.set(`${invertedBlockName(block)}_${part}`, `${module}.${convolution}`);
      names.set(`${invertedBlockName(block)}_${part}_BN`, `${module}.bn${index + 1}`);
    });
  }
  return names;
}

/** `2.1`: the second block of the third stage. */
function stageAndBlock(stages: readonly number[], block: number): string {
  let left = block;
  let stage = 0;
  while (left >= stages[stage]!) left -= stages[stage++]!;
  return `${stage}.${left}`;
}
