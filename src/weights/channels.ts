import { InvalidFileError } from '../errors.js';
import { isObject, type JsonObject } from './bytes.js';
import { NETWORKS, type LayerDescription } from './layer-config.js';

/** A network with channels last, and where the old order still shows. */
export interface ChannelsLast {
  readonly description: LayerDescription;
  /** Dense layers that read a plane flattened as channels, rows, columns, by name: the flattening layer before them. */
  readonly flattened: ReadonlyMap<string, string>;
}

/** Layers between a flattening and a dense layer that treat every number alike. */
const PASSING = ['Dropout', 'Activation', 'ReLU'];

/**
 * Turns a network whose tensors are `[batch, channels, rows, columns]` into the same one with channels last: sizes of
 * the input, axes, and, where a plane is flattened, the order of the next dense layer's rows (by the caller). Networks
 * with channels last come back as they are.
 * @throws {InvalidFileError} if it mixes both orders, or flattens in a way that is not followed.
 */
export function channelsLast(file: string, description: LayerDescription): ChannelsLast {
  const orders = new Set(leaves(description).map((layer) => layer.config['data_format']).filter((order) => order !== undefined && order !== null));
  // Flatten of Keras has a data_format of its own, which only says in which order it flattens.
  const planes = new Set(leaves(description).filter((layer) => layer.class_name !== 'Flatten').map((layer) => layer.config['data_format']).filter((order) => order !== undefined && order !== null));
  if (!orders.has('channels_first')) return { description, flattened: new Map() };
  if (planes.size !== 1 || !planes.has('channels_first')) throw new InvalidFileError(file, 'expected one order of channels in all layers, found channels_first and channels_last', { advice: 'export the model to ONNX and import that' });
  if (description.class_name !== 'Sequential' || layersOf(description).some((layer) => NETWORKS.includes(layer.class_name))) {
    const flat = leaves(description).find((layer) => layer.class_name === 'Flatten' && layer.config['data_format'] !== 'channels_first');
    if (flat !== undefined) throw new InvalidFileError(file, `expected a plain Sequential network where ${String(flat.config['name'])} flattens channels first`, { advice: 'export the model to ONNX and import that' });
  }
  return { description: turn(description), flattened: flattenedBy(file, description) };
}

function turn(description: LayerDescription): LayerDescription {
  const { config } = description;
  if (NETWORKS.includes(description.class_name)) return { ...description, config: { ...config, layers: layersOf(description).map(turn) } };
  const turned: Record<string, unknown> = { ...config };
  if (turned['data_format'] !== undefined) turned['data_format'] = 'channels_last';
  const shape = turned['batch_input_shape'];
  if (Array.isArray(shape) && shape.length === 4) turned['batch_input_shape'] = [shape[0], shape[2], shape[3], shape[1]] as unknown[];
  if (turned['axis'] === 1 && ['BatchNormalization', 'Concatenate', 'Softmax'].includes(description.class_name)) turned['axis'] = -1;
  return { ...description, config: turned };
}

function flattenedBy(file: string, description: LayerDescription): Map<string, string> {
  const found = new Map<string, string>();
  if (description.class_name !== 'Sequential') return found;
  let flatten: string | undefined;
  for (const layer of layersOf(description)) {
    const name = String(layer.config['name']);
    // With channels_first Flatten itself puts the channels last before it flattens.
    if (layer.class_name === 'Flatten') flatten = layer.config['data_format'] === 'channels_first' ? undefined : name;
    else if (flatten !== undefined && layer.class_name === 'Dense') {
      found.set(name, flatten);
      flatten = undefined;
    } else if (flatten !== undefined && !PASSING.includes(layer.class_name)) throw new InvalidFileError(file, `expected a dense layer after ${flatten}, which flattens channels first, found ${name} (${layer.class_name})`, { advice: 'export the model to ONNX and import that' });
  }
  return found;
}

function leaves(description: LayerDescription): LayerDescription[] {
  return NETWORKS.includes(description.class_name) ? layersOf(description).flatMap(leaves) : [description];
}

export function layersOf(description: LayerDescription): readonly LayerDescription[] {
  const layers = description.config['layers'];
  return Array.isArray(layers) ? (layers as readonly unknown[]).filter((layer): layer is LayerDescription & JsonObject => isObject(layer) && typeof layer['class_name'] === 'string' && isObject(layer['config'])) : [];
}

/** Rows of a dense kernel `[channels·height·width, units]` in the order height, width, channels. */
export function rowsChannelsLast(values: Float32Array, channels: number, height: number, width: number): Float32Array {
  const units = values.length / (channels * height * width);
  const turned = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let spot = 0; spot < height * width; spot++) {
      const from = (channel * height * width + spot) * units;
      turned.set(values.subarray(from, from + units), (spot * channels + channel) * units);
    }
  }
  return turned;
}
