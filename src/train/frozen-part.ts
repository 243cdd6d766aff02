import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import type { RunNetwork } from './chip-learner.js';
import { inputsOf } from './network.js';

/** A network cut in two: what always says the same of a sample, and what is trained. */
export interface SplitNetwork {
  /** Samples from 0 to 255 → what comes through the cut. */
  readonly frozen: LayersModel;
  /** What comes through the cut → answers; the layers are those of the whole network. */
  readonly trained: RunNetwork;
  /** Of one sample, at the cut. */
  readonly shape: readonly number[];
  /** Name of the last frozen layer. */
  readonly layer: string;
}

/**
 * Cuts a network after the last layer up to which nothing is trained and nothing is random, if all that follows reads from
 * that layer only; undefined where there is no such layer with weights before it.
 */
export function splitFrozen(tf: Tensorflow, network: Network, frozen: ReadonlySet<string>): SplitNetwork | undefined {
  const { layers } = network.logits;
  const places = new Map(layers.map((layer, place) => [layer.name, place]));
  // Up to where each layer's answer is read.
  const readUpTo = layers.map((_, place) => place);
  for (const [place, layer] of layers.entries()) {
    for (const tensor of inputsOfLayer(network.logits, layer.name)) {
      const from = places.get(tensor.sourceLayer.name)!;
      readUpTo[from] = Math.max(readUpTo[from]!, place);
    }
  }
  let cut = -1;
  let reach = 0;
  for (const [place, layer] of layers.entries()) {
    const trains = !frozen.has(layer.name) && layer.trainableWeights.length > 0;
    const draws = layer.getClassName() === 'Dropout' && (layer.getConfig()['rate'] as number) > 0;
    if (trains || draws || place === layers.length - 1) break;
    if (reach <= place && layers.slice(0, place + 1).some((before) => before.trainableWeights.length > 0)) cut = place;
    reach = Math.max(reach, readUpTo[place]!);
  }
  if (cut < 0) return undefined;
  const layer = layers[cut]!;
  const through = outputOf(network.logits, layer.name);
  const shape = through.shape.slice(1);
  if (shape.some((size) => size === null)) return undefined;
  const input = tf.input({ shape: shape as number[], name: `${layer.name}_input` });
  const made = new Map<string, SymbolicTensor>([[through.name, input]]);
  const again = (tensor: SymbolicTensor): SymbolicTensor => {
    const found = made.get(tensor.name);
    if (found !== undefined) return found;
    const inputs = inputsOf(tensor).map(again);
    const out = tensor.sourceLayer.apply(inputs.length === 1 ? inputs[0]! : inputs) as SymbolicTensor;
    made.set(tensor.name, out);
    return out;
  };
  const logits = again(network.logits.outputs[0]!);
  const scores = again(network.scores.outputs[0]!);
  return {
    frozen: tf.model({ inputs: network.logits.inputs[0]!, outputs: through, name: `${network.logits.name}_frozen` }),
    trained: { logits: tf.model({ inputs: input, outputs: logits, name: `${network.logits.name}_trained` }), scores: tf.model({ inputs: input, outputs: scores, name: `${network.scores.name}_trained` }) },
    shape: shape as number[],
    layer: layer.name,
  };
}

function inputsOfLayer(model: LayersModel, name: string): SymbolicTensor[] {
  const tensor = outputOf(model, name);
  return inputsOf(tensor);
}

/** A layer's answer inside this model: a layer may be part of several. */
function outputOf(model: LayersModel, name: string): SymbolicTensor {
  const visited = new Set<string>();
  const find = (tensor: SymbolicTensor): SymbolicTensor | undefined => {
    if (tensor.sourceLayer.name === name) return tensor;
    if (visited.has(tensor.name)) return undefined;
    visited.add(tensor.name);
    for (const input of inputsOf(tensor)) { const found = find(input); if (found !== undefined) return found; }
    return undefined;
  };
  return find(model.outputs[0]!)!;
}
