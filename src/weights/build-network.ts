import type { LayersModel, layers, Tensor } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import { InvalidFileError } from '../errors.js';
import { isObject } from './bytes.js';
import { channelsLast, rowsChannelsLast } from './channels.js';
import { fromKeras3 } from './keras3-config.js';
import { ADVICE, knownLayer, layersOf, nameOf, NETWORKS, type LayerDescription } from './layer-config.js';
import { registerForeign } from './foreign-layers.js';
import { countDefinitions } from './nested-nodes.js';
import type { ModelConfiguration, NamedTensor, WeightFile } from './types.js';

/**
 * The network that a file holds, with its weights: Sequential and functional networks of Keras 2, Keras 3 and
 * TensorFlow.js, also inside each other. Networks with channels first become ones with channels last.
 * @throws {InvalidFileError} if it has a layer that is not known, or a tensor is missing, too many or of another shape.
 */
export async function buildNetwork(tf: Tensorflow, file: WeightFile): Promise<LayersModel> {
  const { path, model } = file;
  if (model === undefined) throw new InvalidFileError(path, 'expected a whole model, found weights only', { advice: 'say which network they are for with --architecture' });
  const given: LayerDescription = { class_name: model.config.class_name, config: isObject(model.config.config) ? model.config.config : {} };
  if (!NETWORKS.includes(given.class_name)) throw new InvalidFileError(path, `expected a Sequential or functional network, found ${given.class_name}`, { advice: ADVICE });
  const read = model.kind === 'keras-3' ? fromKeras3(path, given) : given;
  const plain = known(path, read, model.kind);
  const { description, flattened } = channelsLast(path, plain);
  const network = await deserialise(tf, path, countDefinitions(description));
  const weights = new Weights(file);
  try {
    for (const place of weights.places(network, read)) {
      const values = await Promise.all(place.tensors.map((tensor) => tensor.floats()));
      const flatten = flattened.get(place.layer.name);
      if (flatten !== undefined) {
        const [, height, width, channels] = network.getLayer(flatten).input instanceof Array ? [] : (network.getLayer(flatten).input as { shape: number[] }).shape;
        values[0] = rowsChannelsLast(values[0]!, channels!, height!, width!);
      }
      setWeights(tf, path, place, values);
    }
    weights.checkAllUsed();
  } catch (error) {
    disposeNetwork(network);
    throw error;
  }
  return network;
}

/** Frees a network's weights; `dispose` of TensorFlow.js leaves those of networks inside it. */
export function disposeNetwork(network: LayersModel): void {
  for (const weight of new Set(leafLayers(network).flatMap(({ weights }) => weights))) weight.dispose();
}

/** Whether bilinear doubling is by pixel centres, as Keras in Python does it, or by corners, as TensorFlow.js does. */
export function doublesByCentres(file: WeightFile): boolean {
  return file.format !== 'tfjs-layers';
}

function known(path: string, description: LayerDescription, kind: ModelConfiguration['kind']): LayerDescription {
  const { class_name, config } = description;
  if (!NETWORKS.includes(class_name)) return { ...description, ...knownLayer(path, description, kind) };
  const layers = config['layers'];
  if (!Array.isArray(layers) || layers.length !== layersOf(description).length) throw new InvalidFileError(path, `expected class_name and config of each layer in ${nameOf(class_name, config)}`);
  const { name, input_layers, output_layers } = config;
  return {
    ...description,
    // The name that TensorFlow.js has for it since it was renamed.
    class_name: class_name === 'Model' ? 'Functional' : class_name,
    config: { name, layers: layersOf(description).map((layer) => known(path, layer, kind)), ...(input_layers === undefined ? {} : { input_layers, output_layers }) },
  };
}

async function deserialise(tf: Tensorflow, path: string, description: LayerDescription): Promise<LayersModel> {
  registerForeign(tf);
  const { class_name, config } = withZeros(description);
  try {
    return await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: { class_name, config } as unknown as object }));
  } catch (cause) {
    throw new InvalidFileError(path, `expected a network that can be built, found one that cannot: ${(cause as Error).message.split('\n')[0] ?? ''}`, { cause, advice: ADVICE });
  }
}

/** Weights are set right after; drawing millions of random numbers first would only take time. */
function withZeros(description: LayerDescription): LayerDescription {
  const { class_name, config } = description;
  if (NETWORKS.includes(class_name)) return { ...description, config: { ...config, layers: layersOf(description).map(withZeros) } };
  if (!('use_bias' in config)) return description;
  const zeros = { class_name: 'Zeros', config: {} };
  const kernels = class_name === 'SeparableConv2D' ? { depthwise_initializer: zeros, pointwise_initializer: zeros } : { kernel_initializer: zeros, depthwise_initializer: zeros };
  return { ...description, config: { ...config, ...kernels, bias_initializer: zeros } };
}

interface Place { readonly layer: layers.Layer; readonly tensors: readonly NamedTensor[] }

/** Which tensors of a file are whose. */
class Weights {
  private readonly used = new Set<string>();

  constructor(private readonly file: WeightFile) {}

  places(network: LayersModel, description: LayerDescription): Place[] {
    // Keras 3 writes whole models as `.h5`, too: its own description, with weights as Keras 2 lays them out.
    if (this.file.format === 'keras-archive') return this.keras3(network, description, '');
    if (this.file.format === 'tfjs-layers') return this.byName(network, [], this.file.tensors);
    return network.layers.flatMap((layer) => {
      const own = this.file.tensors.filter((tensor) => tensor.layer === layer.name);
      return isNetwork(layer) ? this.byName(layer, [layer.name], own) : this.inOrder(layer, own);
    });
  }

  checkAllUsed(): void {
    const extra = this.file.tensors.find((tensor) => !this.used.has(tensor.name));
    if (extra !== undefined) throw new InvalidFileError(this.file.path, `expected only tensors of the network, found ${extra.name} ([${extra.shape.join(', ')}]) that no layer has`);
  }

  /** Keras 3 names groups by kind and number: `layers/conv2d_2/vars/0`. */
  private keras3(network: LayersModel, description: LayerDescription, prefix: string): Place[] {
    const byPath = new Map(this.file.tensors.map((tensor) => [tensor.name, tensor]));
    const counts = new Map<string, number>();
    return layersOf(description).flatMap((entry) => {
      const kind = snakeCase(entry.class_name);
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      const path = `${prefix}layers/${kind}${count === 0 ? '' : `_${count}`}`;
      if (entry.class_name === 'InputLayer') return [];
      const layer = network.getLayer(String(entry.name ?? entry.config['name']));
      if (isNetwork(layer)) return this.keras3(layer, entry, `${path}/`);
      const own: NamedTensor[] = [];
      for (let n = 0; byPath.has(`${path}/vars/${n}`); n++) own.push(byPath.get(`${path}/vars/${n}`)!);
      const other = own.find((tensor) => tensor.layer !== undefined && tensor.layer !== layer.name);
      if (other !== undefined) throw new InvalidFileError(this.file.path, `expected the weights of ${layer.name} in ${path}, found those of ${other.layer ?? ''}`);
      return this.inOrder(layer, own);
    });
  }

  private inOrder(layer: layers.Layer, own: readonly NamedTensor[]): Place[] {
    const expected = layer.weights.length;
    if (own.length !== expected) {
      throw new InvalidFileError(this.file.path, `expected ${expected} tensors of layer ${layer.name} (${layer.weights.map((weight) => `${weight.originalName} [${weight.shape.join(', ')}]`).join(', ')}), found ${own.length === 0 ? 'none' : own.map((tensor) => tensor.name).join(', ')}`);
    }
    for (const tensor of own) this.used.add(tensor.name);
    return expected === 0 ? [] : [{ layer, tensors: own }];
  }

  /** `inner/conv/kernel:0`: of names that fit a layer's, the one that names most of the networks around it. */
  private byName(network: LayersModel, around: readonly string[], tensors: readonly NamedTensor[]): Place[] {
    const groups = new Map<string, Map<string, NamedTensor>>();
    for (const tensor of tensors) {
      const [, group = '', name = ''] = /^(.*)\/([^/]*?)(?::\d+)?$/.exec(tensor.name) ?? [];
      groups.set(group, (groups.get(group) ?? new Map<string, NamedTensor>()).set(name, tensor));
    }
    return leafPaths(network, around).flatMap(({ layer, path }) => {
      if (layer.weights.length === 0) return [];
      let own = new Map<string, NamedTensor>();
      for (let from = path.length - 1; from >= 0; from--) {
        const wanted = path.slice(from).join('/');
        const [fits, ...others] = [...groups].filter(([group]) => `/${group}`.endsWith(`/${wanted}`));
        if (fits === undefined) break;
        own = fits[1];
        if (others.length === 0) break;
      }
      const inOrder = [...own.values()];
      return this.inOrder(layer, layer.weights.map((weight, index) => {
        // Keras 3 calls the kernels of depthwise convolutions otherwise; within a layer all have the same order.
        const found = own.get(weight.originalName.slice(layer.name.length + 1)) ?? (inOrder.length === layer.weights.length ? inOrder[index] : undefined);
        if (found === undefined) throw new InvalidFileError(this.file.path, `expected the tensor ${weight.originalName} ([${weight.shape.join(', ')}]) in the file, found none`);
        return found;
      }));
    });
  }
}

function setWeights(tf: Tensorflow, path: string, { layer, tensors }: Place, values: readonly Float32Array[]): void {
  layer.weights.forEach((weight, index) => {
    const tensor = tensors[index]!;
    if (tensor.shape.join() !== weight.shape.join()) throw new InvalidFileError(path, `expected ${weight.originalName} of the shape [${weight.shape.join(', ')}], found ${tensor.name} of [${tensor.shape.join(', ')}]`);
  });
  const made: Tensor[] = values.map((data, index) => tf.tensor(data, [...tensors[index]!.shape]));
  layer.setWeights(made);
  for (const tensor of made) tensor.dispose();
}

function isNetwork(layer: layers.Layer): layer is LayersModel {
  return 'layers' in layer;
}

function leafLayers(network: LayersModel): layers.Layer[] {
  return leafPaths(network, []).map(({ layer }) => layer);
}

/** Layers that are no networks, each with the names of the networks that it is in, and its own. */
function leafPaths(network: LayersModel, around: readonly string[]): { readonly layer: layers.Layer; readonly path: readonly string[] }[] {
  return network.layers.flatMap((layer) => (isNetwork(layer) ? leafPaths(layer, [...around, layer.name]) : [{ layer, path: [...around, layer.name] }]));
}

/** `MaxPooling2D` → `max_pooling2d`, as keras/src/utils/naming.py writes it. */
function snakeCase(name: string): string {
  return name.replace(/\W+/g, '').replace(/(.)([A-Z][a-z]+)/g, '$1_$2').replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
}

