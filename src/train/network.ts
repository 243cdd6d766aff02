import type { LayersModel, SymbolicTensor, layers } from '@tensorflow/tfjs';
import { findArchitecture, type Architecture, type Network, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { InvalidOptionError } from '../errors.js';
import type { Recipe } from './recipe.js';

/** The same weights twice: as trained, on pictures that are already reduced, and as shipped, which reduces by itself. */
export interface RecipeNetworks {
  readonly training: Network;
  readonly shipped: Network;
  /** Width and height that the training network takes must be a multiple of this. */
  readonly multiple: number;
}

/** The architecture of a recipe. */
export function architectureOf(recipe: Recipe): Architecture {
  const found = findArchitecture(recipe.network.architecture)!;
  const gives = recipe.task === 'segmenter' ? 'maps' : 'chips';
  if (found.gives !== gives) throw new InvalidOptionError('network.architecture', `expected a network that gives ${gives} for a ${recipe.task}, found ${found.name}`);
  return found;
}

/**
 * The network of a recipe for so many classes or tags; chips of another size where one is given. The shipped one takes its
 * weights by {@link shareWeights}.
 */
export function buildNetworks(tf: Tensorflow, recipe: Recipe, outputs: number, size = recipe.network.size): RecipeNetworks {
  const architecture = architectureOf(recipe);
  const options = networkOptions(recipe, outputs);
  const reduce = recipe.network.reduce ?? 1;
  const trained = { ...options, ...(reduce > 1 ? { reduce: 1 } : {}), ...(recipe.task === 'segmenter' ? {} : { size }) };
  const training = architecture.build(tf, trained);
  const multiple = architecture.multiple?.(trained) ?? 1;
  if (reduce === 1) return { training, shipped: training, multiple };
  return { training, shipped: architecture.build(tf, { ...options, ...(recipe.task === 'segmenter' ? {} : { size: size! * reduce }) }), multiple };
}

/** What the input of a recipe's network must be a multiple of, and how far it sees. */
export function mapShape(recipe: Recipe, network: Pick<Network, 'scores'>): { readonly multiple: number; readonly receptiveField: number } {
  const architecture = architectureOf(recipe);
  return { multiple: architecture.multiple?.(networkOptions(recipe, 1)) ?? 1, receptiveField: receptiveField(network.scores) };
}

/** @throws {InvalidOptionError} for an option that the architecture does not take. */
function networkOptions(recipe: Recipe, outputs: number): NetworkOptions {
  const { network, training, task } = recipe;
  const architecture = architectureOf(recipe);
  const { head } = network;
  const given: Partial<NetworkOptions> = {
    width: network.width, widths: network.widths, blocks: network.blocks, batchNorm: network.batch_norm, dropout: network.dropout, reduce: network.reduce,
    head: head === undefined ? undefined : { ...(head.pool === undefined ? {} : { pool: head.pool }), ...(head.dense === undefined ? {} : { dense: head.dense }), ...(head.dropout === undefined ? {} : { dropout: head.dropout }), ...(head.batch_norm === undefined ? {} : { batchNorm: head.batch_norm }) },
    normalization: network.normalization, variant: network.variant,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const unknown = set.find(([key]) => !architecture.takes.includes(key as keyof NetworkOptions));
  if (unknown !== undefined) {
    const key = unknown[0] === 'batchNorm' ? 'batch_norm' : unknown[0];
    throw new InvalidOptionError(`network.${key}`, `expected options that ${architecture.name} takes (${architecture.takes.join(', ')}), found ${key} as well`, { advice: `take it away with --set network.${key}=null` });
  }
  if (task !== 'segmenter' && network.size! < architecture.smallest) throw new InvalidOptionError('network.size', `expected at least ${architecture.smallest} pixels for ${architecture.name}, found ${network.size!}`);
  return { outputs, activation: task === 'tagger' ? 'sigmoid' : 'softmax', seed: training.seed, ...Object.fromEntries(set) };
}

/** Copies the trained weights into the shipped network: it has the same layers with weights, in the same order. */
export function shareWeights({ training, shipped }: RecipeNetworks): void {
  if (shipped !== training) shipped.scores.setWeights(training.scores.getWeights());
}

interface Reach { readonly field: number; readonly step: number }

/**
 * Edge of the square of input pixels that can influence one output pixel, from the network's layers (Araujo et al. 2019): a
 * window of k places adds k − 1 steps, a stride makes steps longer, doubling makes them shorter and may shift by a step.
 */
export function receptiveField(model: LayersModel): number {
  const known = new Map<string, Reach>();
  const visit = (tensor: SymbolicTensor): Reach => {
    const found = known.get(tensor.name);
    if (found !== undefined) return found;
    const inputs = inputsOf(tensor).map(visit);
    const before = { field: Math.max(1, ...inputs.map((input) => input.field)), step: Math.max(...inputs.map((input) => input.step), inputs.length === 0 ? 1 : 0) };
    const reach = through(tensor.sourceLayer, before);
    known.set(tensor.name, reach);
    return reach;
  };
  return Math.ceil(visit(model.outputs[0]!).field);
}

function through(layer: layers.Layer, { field, step }: Reach): Reach {
  const config = layer.getConfig();
  const first = (value: unknown, otherwise: number): number => (Array.isArray(value) ? value[0] as number : (value as number | undefined) ?? otherwise);
  switch (layer.getClassName()) {
    case 'Conv2D': case 'DepthwiseConv2D': case 'SeparableConv2D':
      return { field: field + (first(config['kernelSize'], 1) - 1) * first(config['dilationRate'], 1) * step, step: step * first(config['strides'], 1) };
    case 'MaxPooling2D': case 'AveragePooling2D': {
      const size = first(config['poolSize'], 2);
      return { field: field + (size - 1) * step, step: step * first(config['strides'], size) };
    }
    case 'UpSampling2D': { const factor = first(config['size'], 2); return { field: field + step / factor * (factor - 1), step: step / factor }; }
    default: return { field, step };
  }
}

/** What a value is made from; nothing for inputs, which TensorFlow.js says are made from themselves. */
export function inputsOf(tensor: SymbolicTensor): SymbolicTensor[] {
  if (tensor.sourceLayer.getClassName() === 'InputLayer') return [];
  return (tensor.sourceLayer.inboundNodes[tensor.nodeIndex] as unknown as { inputTensors: SymbolicTensor[] }).inputTensors;
}
