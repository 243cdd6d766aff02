import type { LayersModel, Variable, layers } from '@tensorflow/tfjs';
import { layersNamed, stageOf, stagesOf, type Architecture } from '../../models/architectures/index.js';
import { InvalidOptionError } from '../errors.js';
import type { LearningRate } from './recipe.js';

/**
 * Layers that a list of names means: stages of the architecture, layers, beginnings of layers' names, or patterns in which `*` is any
 * text. A name with `!` in front lets layers out again.
 * @throws {InvalidOptionError} for a name that means no layer.
 */
export function chooseLayers(architecture: Architecture, model: LayersModel, names: readonly string[], option: string): ReadonlySet<string> {
  const chosen = new Set<string>();
  for (const name of names) {
    const out = name.startsWith('!');
    const found = layersOf(architecture, model, out ? name.slice(1) : name);
    if (found.length === 0) throw unknownLayers(architecture, option, name);
    for (const layer of found) { if (out) chosen.delete(layer); else chosen.add(layer); }
  }
  return chosen;
}

function layersOf(architecture: Architecture, model: LayersModel, name: string): readonly string[] {
  const all = model.layers.map((layer) => layer.name);
  if (!name.includes('*')) return layersNamed(architecture, all, name);
  const pattern = new RegExp(`^${name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
  return all.filter((layer) => pattern.test(layer));
}

function unknownLayers(architecture: Architecture, option: string, name: string): InvalidOptionError {
  return new InvalidOptionError(option, `expected a stage of ${architecture.name}, a layer, or a pattern that fits some, found ${name}`, { advice: `stages are ${stagesOf(architecture).join(', ')}` });
}

/** A weight that is trained, with the layer that has it. */
export interface TrainedWeight { readonly variable: Variable; readonly layer: layers.Layer }

/** All weights that are trained, in the network's order, but for those of frozen layers. */
export function trainedWeights(model: LayersModel, frozen: ReadonlySet<string>): TrainedWeight[] {
  return model.layers.filter((layer) => !frozen.has(layer.name)).flatMap((layer) => layer.trainableWeights.map((weight) => ({
    // A layer's weight keeps its variable in `val`, which the typings leave out.
    variable: (weight as unknown as { val: Variable }).val, layer,
  })));
}

/** The rate of each weight: one for all, evenly by ratio over the trained stages from the input on, or by name of the layer. `option` is for messages. */
export function ratesOf(architecture: Architecture, model: LayersModel, weights: readonly TrainedWeight[], rate: LearningRate, option = 'optimizer.lr'): number[] {
  if (typeof rate === 'number') return weights.map(() => rate);
  if (isPair(rate)) {
    const [low, high] = rate;
    const trained = new Set(weights.map((weight) => stageOf(architecture, weight.layer.name)));
    const stages = stagesOf(architecture).filter((stage) => trained.has(stage));
    return weights.map((weight) => (stages.length === 1 ? high : low * (high / low) ** (stages.indexOf(stageOf(architecture, weight.layer.name)) / (stages.length - 1))));
  }
  const named = Object.entries(rate).map(([name, value]) => {
    const found = new Set(layersOf(architecture, model, name));
    if (found.size === 0) throw unknownLayers(architecture, option, name);
    return { found, value };
  });
  return weights.map((weight) => {
    const fits = named.find(({ found }) => found.has(weight.layer.name));
    if (fits === undefined) throw new InvalidOptionError(option, `expected a rate for every trained layer, found none for ${weight.layer.name}`, { advice: 'add "*": rate for all others' });
    return fits.value;
  });
}

/** The largest of several rates. */
export function peakRate(rate: LearningRate): number {
  if (typeof rate === 'number') return rate;
  return Math.max(...(isPair(rate) ? rate : Object.values(rate)));
}

function isPair(rate: Exclude<LearningRate, number>): rate is readonly [number, number] {
  return Array.isArray(rate);
}
