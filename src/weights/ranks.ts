import { layersOf, NETWORKS, type LayerDescription } from './layer-config.js';

export interface Ranks {
  /** By layer: how many axes the values have that it reads, in its first call. Empty for inputs. */
  readonly inputs: ReadonlyMap<LayerDescription, readonly number[]>;
  /** Of the network's first answer. */
  readonly output: number;
}

/** Layers that make vectors of maps. */
const TO_VECTORS = ['Flatten', 'GlobalAveragePooling2D', 'GlobalMaxPooling2D'];
const MAP = 4;

/** Ranks of the values in a network in the form of Keras 2, as far as telling maps from vectors needs it. */
export function ranksOf(network: LayerDescription): Ranks {
  const layers = layersOf(network);
  const byName = new Map(layers.map((layer) => [nameIn(layer), layer]));
  const inputs = new Map<LayerDescription, readonly number[]>();
  const read = (layer: LayerDescription): readonly number[] => {
    const known = inputs.get(layer);
    if (known !== undefined) return known;
    inputs.set(layer, []);
    const before = network.class_name === 'Sequential' ? layers.slice(0, layers.indexOf(layer)).slice(-1) : sourcesOf(layer).flatMap((name) => byName.get(name) ?? []);
    const stated = layer.config['batch_input_shape'];
    const ranks = before.length === 0 && Array.isArray(stated) ? [stated.length] : before.map(given);
    inputs.set(layer, ranks);
    return ranks;
  };
  const given = (layer: LayerDescription): number => {
    if (NETWORKS.includes(layer.class_name)) return ranksOf(layer).output;
    return TO_VECTORS.includes(layer.class_name) ? 2 : read(layer)[0] ?? MAP;
  };
  for (const layer of layers) read(layer);
  const last = network.class_name === 'Sequential' ? layers.at(-1) : byName.get(firstName(network.config['output_layers']));
  return { inputs, output: last === undefined ? MAP : given(last) };
}

function nameIn(layer: LayerDescription): unknown {
  return layer.name ?? layer.config['name'];
}

/** Names of the layers whose values a layer was first called with. */
function sourcesOf(layer: LayerDescription): unknown[] {
  const [call] = layer.inbound_nodes ?? [];
  return Array.isArray(call) ? (call as readonly unknown[]).map((source) => (Array.isArray(source) ? (source as readonly unknown[])[0] : undefined)) : [];
}

/** The first text in lists inside each other. */
function firstName(value: unknown): unknown {
  return Array.isArray(value) ? firstName((value as readonly unknown[])[0]) : value;
}
