import { InvalidFileError } from '../errors.js';
import { ranksOf } from './ranks.js';
import { ADVICE, layersOf, nameOf, NETWORKS, type LayerDescription } from './layer-config.js';

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
  if (planes.size !== 1 || !planes.has('channels_first')) throw new InvalidFileError(file, 'expected one order of channels in all layers, found channels_first and channels_last', { advice: ADVICE });
  if (description.class_name !== 'Sequential' || layersOf(description).some((layer) => NETWORKS.includes(layer.class_name))) {
    const flat = leaves(description).find((layer) => layer.class_name === 'Flatten' && layer.config['data_format'] !== 'channels_first');
    if (flat !== undefined) throw new InvalidFileError(file, `expected a plain Sequential network where ${String(flat.config['name'])} flattens channels first`, { advice: ADVICE });
  }
  return { description: turn(file, description), flattened: flattenedBy(file, description) };
}

/** Where an axis of `[batch, channels, rows, columns]` is with channels last. */
const TURNED_AXES: Readonly<Record<number, number>> = { 0: 0, 1: 3, 2: 1, 3: 2, [-1]: 2, [-2]: 1, [-3]: 3, [-4]: 0 };

function turn(file: string, description: LayerDescription): LayerDescription {
  const ranks = ranksOf(description).inputs;
  const layers = layersOf(description).map((layer): LayerDescription => {
    if (NETWORKS.includes(layer.class_name)) return turn(file, layer);
    const own = ranks.get(layer) ?? [];
    const many = layer.class_name === 'FittedReshape' || (own[0] === 4 && (layer.class_name === 'Dense' || ['scale', 'offset'].some((field) => Array.isArray(layer.config[field])))) || new Set(own).size > 1;
    if (many) throw new InvalidFileError(file, `expected layers of maps that do not depend on the order of axes where channels are first, found ${nameOf(layer.class_name, layer.config)}`, { advice: ADVICE });
    const turned: Record<string, unknown> = { ...layer.config };
    if (turned['data_format'] !== undefined) turned['data_format'] = 'channels_last';
    const shape = turned['batch_input_shape'];
    if (Array.isArray(shape) && shape.length === 4) turned['batch_input_shape'] = [shape[0], shape[2], shape[3], shape[1]] as unknown[];
    const axis = turned['axis'] ?? -1;
    if (own[0] === 4 && ['BatchNormalization', 'Concatenate', 'Softmax'].includes(layer.class_name) && typeof axis === 'number') turned['axis'] = TURNED_AXES[axis] ?? axis;
    return { ...layer, config: turned };
  });
  return { ...description, config: { ...description.config, layers } };
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
    } else if (flatten !== undefined && !PASSING.includes(layer.class_name)) throw new InvalidFileError(file, `expected a dense layer after ${flatten}, which flattens channels first, found ${name} (${layer.class_name})`, { advice: ADVICE });
  }
  return found;
}

function leaves(description: LayerDescription): LayerDescription[] {
  return NETWORKS.includes(description.class_name) ? layersOf(description).flatMap(leaves) : [description];
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
