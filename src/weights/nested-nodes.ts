import type { JsonObject } from './bytes.js';
import { layersOf, NETWORKS, type LayerDescription } from './layer-config.js';

/**
 * Numbers the calls of networks inside a functional network as TensorFlow.js does: there, as in Keras before 2020, a
 * network's own definition is its call 0, and the first use is call 1. TensorFlow's Keras and Keras 3 leave the definition
 * out. Which of the two a file does shows where it mentions a call 0 of an inner network, which is no use of it.
 */
export function countDefinitions(description: LayerDescription): LayerDescription {
  if (!NETWORKS.includes(description.class_name)) return description;
  const layers = layersOf(description).map(countDefinitions);
  const inner = new Set(layers.filter((layer) => NETWORKS.includes(layer.class_name)).map((layer) => layer.name ?? layer.config['name']));
  const mentions: unknown[][] = [];
  const collect = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    if (inner.has(value[0]) && typeof value[1] === 'number') mentions.push(value);
    else value.forEach(collect);
  };
  const ends = [description.config['input_layers'], description.config['output_layers']];
  for (const layer of layers) collect(layer.inbound_nodes);
  ends.forEach(collect);
  const counted = new Set(mentions.filter((mention) => mention[1] === 0).map((mention) => mention[0]));
  const shift = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value;
    return counted.has(value[0]) && typeof value[1] === 'number' ? [value[0], value[1] + 1, ...value.slice(2) as unknown[]] : value.map(shift);
  };
  const config: JsonObject = {
    ...description.config,
    layers: layers.map((layer) => (layer.inbound_nodes === undefined ? layer : { ...layer, inbound_nodes: shift(layer.inbound_nodes) })),
    ...(ends[0] === undefined ? {} : { input_layers: shift(ends[0]), output_layers: shift(ends[1]) }),
  };
  return { ...description, config };
}
