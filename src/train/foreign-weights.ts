import type { LayersModel, layers } from '@tensorflow/tfjs';
import { findArchitecture, stageOf, type Architecture, type Tensorflow } from '../../models/architectures/index.js';
import { KERAS_STATE, mappingsOf, TORCH_COUNTERS, TORCH_WEIGHTS, type Mapping } from '../../models/mappings/index.js';
import { InvalidFileError } from '../errors.js';
import { arrange } from './foreign-layout.js';

/** A tensor of another library's file. */
export interface ForeignTensor {
  readonly name: string;
  /** Keras: the layer that it belongs to. */
  readonly layer?: string;
  readonly shape: readonly number[];
  floats(): Promise<Float32Array>;
}

/** A file's tensors under the names that a library gives to an architecture. */
export interface MappedTensors {
  readonly file: string;
  readonly architecture: Architecture;
  readonly mapping: Mapping;
  /** By our layer and weight (`conv1_conv/kernel`): the tensor, where there is one. */
  find(layer: string, weight: string): ForeignTensor | undefined;
  /** What the library calls a weight of ours. */
  nameOf(layer: string, weight: string): string;
  /** Tensors that are weights; counters and the optimizer's are none. */
  readonly tensors: readonly ForeignTensor[];
  /** Whether the file has the classifier, too. */
  readonly top: boolean;
}

/**
 * Finds out which library's names a file has for an architecture.
 * @throws {InvalidFileError} if it has none of them; names what was expected first, for each library.
 */
export function mapTensors(architecture: Architecture, tensors: readonly ForeignTensor[], file: string): MappedTensors {
  const mappings = mappingsOf(architecture.name);
  if (mappings.length === 0) throw new InvalidFileError(file, `expected an architecture that other libraries have weights for, found ${architecture.name}`, { advice: 'those are vgg16, vgg19, resnet18, resnet34, resnet50, squeezenet, mobilenet-v1 and mobilenet-v2' });
  const layers = SAMPLE_LAYERS[architecture.name.replace(/^unet-/, '')]!;
  const tries = mappings.map((mapping) => mapped(architecture, mapping, tensors, file, layers[0]!));
  const counts = tries.map((one) => layers.filter((layer) => one.find(layer, 'kernel') !== undefined || one.find(layer, 'depthwise_kernel') !== undefined).length);
  const best = counts.indexOf(Math.max(...counts));
  if (counts[best] === 0) {
    const wanted = tries.map((one) => `${one.nameOf(layers[0]!, 'kernel')} (${one.mapping.naming})`).join(' or ');
    throw new InvalidFileError(file, `expected the weights of ${architecture.name}, such as ${wanted}, found ${tensors.slice(0, 3).map(({ name }) => name).join(', ') || 'none'}`);
  }
  return tries[best]!;
}

/** Layers by which a library's names are told from another's: first, middle, last. */
const SAMPLE_LAYERS: Readonly<Record<string, readonly string[]>> = {
  'vgg16': ['block1_conv1', 'block5_conv3', 'fc1', 'logits'], 'vgg19': ['block1_conv1', 'block5_conv4', 'fc1', 'logits'],
  'resnet18': ['conv1_conv', 'conv5_block2_2_conv', 'logits'], 'resnet34': ['conv1_conv', 'conv5_block3_2_conv', 'logits'], 'resnet50': ['conv1_conv', 'conv5_block3_3_conv', 'logits'],
  'squeezenet': ['conv1', 'fire9_squeeze1x1', 'conv10'], 'mobilenet-v1': ['conv1', 'conv_dw_13', 'logits'], 'mobilenet-v2': ['Conv1', 'block_16_project', 'logits'],
};

/** Layers of the classifier, which files without a top lack. */
const TOPS: readonly string[] = ['fc1', 'fc2', 'logits', 'conv10'];

function mapped(architecture: Architecture, mapping: Mapping, all: readonly ForeignTensor[], file: string, first: string): MappedTensors {
  const tensors = all.filter(({ name }) => !TORCH_COUNTERS.test(name) && !KERAS_STATE.test(name));
  if (mapping.order === 'keras') return mappedKeras({ file, architecture, mapping, tensors });
  // Names may begin with where the network was kept: `module.` of DataParallel, `model.`, `backbone.` …
  const sample = `${mapping.nameOf(first)}.weight`;
  const prefix = tensors.find(({ name }) => name.endsWith(`.${sample}`))?.name.slice(0, -sample.length) ?? '';
  const shared = tensors.every(({ name }) => name.startsWith(prefix)) ? prefix : '';
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const nameOf = (layer: string, weight: string): string => `${shared}${mapping.nameOf(layer)}.${TORCH_WEIGHTS[weight] ?? weight}`;
  const find = (layer: string, weight: string): ForeignTensor | undefined => byName.get(nameOf(layer, weight));
  return { file, architecture, mapping, tensors, nameOf, find, top: TOPS.some((layer) => find(layer, 'kernel') !== undefined) };
}

/** Order of a layer's tensors in Keras files, and the names that they had over the years (`block1_conv1_W_1:0`). */
const KERAS_ORDER: readonly (readonly [string, RegExp])[] = [
  ['depthwise_kernel', /(^|[/_])(depthwise_)?kernel(:0)?$/], ['kernel', /(^|[/_])(kernel|W(_\d+)?)(:0)?$/], ['bias', /(^|[/_])(bias|b(_\d+)?)(:0)?$/],
  ['gamma', /(^|[/_])gamma(_\d+)?(:0)?$/], ['beta', /(^|[/_])beta(_\d+)?(:0)?$/], ['moving_mean', /(^|[/_])(moving_mean|running_mean)(_\d+)?(:0)?$/], ['moving_variance', /(^|[/_])(moving_variance|moving_var|running_std|running_var)(_\d+)?(:0)?$/],
];

function mappedKeras({ file, architecture, mapping, tensors }: Pick<MappedTensors, 'file' | 'architecture' | 'mapping' | 'tensors'>): MappedTensors {
  const byLayer = new Map<string, ForeignTensor[]>();
  for (const tensor of tensors) {
    const layer = tensor.layer ?? tensor.name.split('/')[0]!;
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), tensor]);
  }
  const find = (layer: string, weight: string): ForeignTensor | undefined => {
    const own = byLayer.get(mapping.nameOf(layer)) ?? [];
    const expression = KERAS_ORDER.find(([name]) => name === weight)?.[1];
    const byName = own.find(({ name }) => expression?.test(name) === true);
    if (byName !== undefined) return byName;
    // Keras 3 numbers a layer's variables: 0 is the kernel or gamma, and so on.
    const place = ['beta', 'bias'].includes(weight) ? 1 : weight === 'moving_mean' ? 2 : weight === 'moving_variance' ? 3 : 0;
    return own.find(({ name }) => name.endsWith(`vars/${place}`));
  };
  const nameOf = (layer: string, weight: string): string => `${mapping.nameOf(layer)}/${weight}`;
  return { file, architecture, mapping, tensors, nameOf, find, top: TOPS.some((layer) => find(layer, 'kernel') !== undefined) };
}

/**
 * Gives a network the weights of a file, layer by layer. Everything is compared before anything is set.
 * @param options.head `load`: the classifier, too; `keep`: its layers stay as they are, and the file's are left out.
 * @returns how many tensors were taken
 * @throws {InvalidFileError} naming the tensors that are missing, too many, or of another shape, with both shapes.
 */
export async function setForeignWeights(tf: Tensorflow, network: LayersModel, mapped: MappedTensors, options: { readonly head: 'load' | 'keep' }): Promise<number> {
  const { architecture, mapping } = mapped;
  const own = new Set(['head', 'decoder']);
  const filled = network.layers.filter((layer) => layer.weights.length > 0 && layer.name !== 'normalize' && (options.head === 'load' || !own.has(stageOf(architecture, layer.name))));
  const used = new Set<string>();
  const faults: string[] = [];
  const parts: { readonly layer: layers.Layer; readonly sources: readonly { readonly tensor: ForeignTensor; readonly take: (values: Float32Array) => Float32Array }[] }[] = [];
  for (const layer of filled) {
    const sources = layer.weights.flatMap((weight) => {
      const kind = weight.originalName.split('/').at(-1)!;
      const tensor = mapped.find(layer.name, kind);
      const shape = weight.shape as number[];
      if (tensor === undefined) {
        faults.push(`${mapped.nameOf(layer.name, kind)} (${layer.name}/${kind}, ${sizes(shape)}) is missing`);
        return [];
      }
      used.add(tensor.name);
      const arranged = arrange(layer, kind, shape, tensor.shape, mapping.order);
      if ('expected' in arranged) {
        faults.push(`${tensor.name} is ${sizes(tensor.shape)}, expected ${sizes(arranged.expected)} (${layer.name}/${kind})`);
        return [];
      }
      return [{ tensor, take: arranged.take }];
    });
    parts.push({ layer, sources });
  }
  for (const tensor of mapped.tensors) if (!used.has(tensor.name) && !(options.head === 'keep' && isTop(mapped, tensor))) faults.push(`${tensor.name} (${sizes(tensor.shape)}) is of no layer of ${architecture.name}`);
  if (faults.length > 0) {
    throw new InvalidFileError(mapped.file, `expected the weights of ${architecture.name} as in ${mapping.naming}, found that ${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${faults.length - 3} more` : ''}`);
  }
  for (const { layer, sources } of parts) {
    const weights = [];
    for (const [index, { tensor, take }] of sources.entries()) weights.push(tf.tensor(take(await tensor.floats()), layer.weights[index]!.shape as number[]));
    layer.setWeights(weights);
    tf.dispose(weights);
  }
  return used.size;
}

function isTop(mapped: MappedTensors, tensor: ForeignTensor): boolean {
  return TOPS.some((layer) => ['kernel', 'bias'].some((weight) => mapped.find(layer, weight)?.name === tensor.name));
}

/** Width of a MobileNet, edge of a VGG's input and number of classes, as far as the file's shapes say. */
export function sizesOfFile(mapped: MappedTensors): { readonly width?: number; readonly size?: number; readonly outputs?: number } {
  const { mapping } = mapped;
  const last = (layer: string): number | undefined => {
    const shape = mapped.find(layer, 'kernel')?.shape;
    return mapping.order === 'torch' ? shape?.[0] : shape?.at(-1);
  };
  const outputs = last('logits') ?? last('conv10');
  const widest = mapping.widest === undefined ? undefined : last(mapping.widest.layer);
  const dense = mapped.find('fc1', 'kernel')?.shape;
  const places = dense === undefined ? 0 : dense.reduce((product, size) => product * size, 1) / (last('fc1') ?? 1) / VGG_CHANNELS;
  const edge = Math.sqrt(places) * VGG_STEP;
  return {
    ...(outputs === undefined ? {} : { outputs }),
    ...(widest === undefined ? {} : { width: widest / mapping.widest!.channels }),
    ...(places > 0 && Number.isInteger(edge) ? { size: edge } : {}),
  };
}

const VGG_CHANNELS = 512;
const VGG_STEP = 32;

/** The architecture whose encoder a network has: `unet-vgg16` → `vgg16`. */
export function encoderOf(architecture: Architecture): Architecture {
  return findArchitecture(architecture.name.replace(/^unet-/, '')) ?? architecture;
}

function sizes(shape: readonly number[]): string {
  return shape.length === 0 ? 'a single number' : shape.join('×');
}
