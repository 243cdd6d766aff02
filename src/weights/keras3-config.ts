import { InvalidFileError } from '../errors.js';
import { isObject, type JsonObject } from './bytes.js';
import { ADVICE, nameOf, NETWORKS, type LayerDescription } from './layer-config.js';

/**
 * A network as Keras 3 describes it (keras/src/saving/serialization_lib.py) in the form of Keras 2: `batch_shape` becomes
 * `batch_input_shape`, the tensors that a layer was called with become `[layer, node, tensor, {}]`. Layers themselves are
 * looked at later.
 */
export function fromKeras3(file: string, description: LayerDescription): LayerDescription {
  const { class_name, config } = description;
  if (!NETWORKS.includes(class_name)) return { ...description, config: layerConfig(config) };
  const layers = config['layers'];
  if (!Array.isArray(layers)) throw new InvalidFileError(file, `expected layers in ${nameOf(class_name, config)}`);
  const translated = (layers as readonly unknown[]).map((layer) => {
    if (!isObject(layer) || typeof layer['class_name'] !== 'string' || !isObject(layer['config'])) throw new InvalidFileError(file, 'expected class_name and config of each layer');
    const inner = fromKeras3(file, { class_name: layer['class_name'], config: layer['config'] });
    const name = String(layer['name'] ?? layer['config']['name']);
    return { ...inner, name, inbound_nodes: ((layer['inbound_nodes'] ?? []) as readonly unknown[]).map((call) => inbound(file, name, call)) };
  });
  return {
    class_name,
    config: {
      name: config['name'], layers: translated,
      ...(config['input_layers'] === undefined ? {} : { input_layers: ends(config['input_layers']), output_layers: ends(config['output_layers']) }),
    },
  };
}

function layerConfig(config: JsonObject): JsonObject {
  const { batch_shape, ...others } = config;
  return batch_shape === undefined ? config : { ...others, batch_input_shape: batch_shape };
}

/** One call of a layer: the tensors that it got. */
function inbound(file: string, name: string, call: unknown): readonly unknown[] {
  if (!isObject(call) || !Array.isArray(call['args'])) throw new InvalidFileError(file, `expected the arguments that layer ${name} was called with`);
  const extra = isObject(call['kwargs']) ? Object.entries(call['kwargs']).filter(([key, value]) => !['training', 'mask'].includes(key) && value !== null) : [];
  if (extra.length > 0) throw new InvalidFileError(file, `expected only tensors as arguments of layer ${name}, found ${extra[0]![0]}`, { advice: ADVICE });
  const tensors = (call['args'] as readonly unknown[]).flatMap((item) => (Array.isArray(item) ? item as unknown[] : [item]));
  return tensors.map((tensor) => {
    const history = isObject(tensor) && isObject(tensor['config']) ? tensor['config']['keras_history'] : undefined;
    if (!Array.isArray(history) || history.length !== 3) throw new InvalidFileError(file, `expected tensors as arguments of layer ${name}, found another value`, { advice: ADVICE });
    return [...history as unknown[], {}];
  });
}

/** `[layer, node, tensor]`, alone or in a list, as a list. */
function ends(value: unknown): readonly unknown[] {
  const list = Array.isArray(value) ? value as unknown[] : [];
  return typeof list[0] === 'string' ? [list] : list;
}
