import { resnetChips, unet, unetMultiple, unetReceptiveField, type Network, type Tensorflow, type UnetOptions } from '../../models/architectures/index.js';
import type { Recipe } from './recipe.js';

/** The same weights twice: as trained, on pictures that are already reduced, and as shipped, which reduces by itself. */
export interface RecipeNetworks {
  readonly training: Network;
  readonly shipped: Network;
  /** Width and height that the training network takes must be a multiple of this. */
  readonly multiple: number;
}

/** The network of a recipe for so many classes or tags. The shipped one takes its weights by {@link shareWeights}. */
export function buildNetworks(tf: Tensorflow, recipe: Recipe, outputs: number): RecipeNetworks {
  const { network, training } = recipe;
  if (recipe.task === 'segmenter') {
    const options = unetOptions(recipe, outputs);
    return { training: unet(tf, { ...options, reduce: 1 }), shipped: unet(tf, options), multiple: unetMultiple({ ...options, reduce: 1 }) };
  }
  const size = network.size!;
  const options = {
    tags: outputs, seed: training.seed,
    ...(network.widths === undefined ? {} : { widths: network.widths }), ...(network.blocks === undefined ? {} : { blocks: network.blocks }),
    ...(network.dropout === undefined ? {} : { dropout: network.dropout }),
  };
  const reduce = chipReduction(recipe);
  return { training: resnetChips(tf, { ...options, size }), shipped: resnetChips(tf, { ...options, size: size * reduce, reduce }), multiple: 1 };
}

/** What the input of a recipe's U-Net must be a multiple of, and how far it sees. */
export function mapShape(recipe: Recipe, classes: number): { readonly multiple: number; readonly receptiveField: number } {
  const options = unetOptions(recipe, classes);
  return { multiple: unetMultiple(options), receptiveField: unetReceptiveField(options) };
}

function unetOptions(recipe: Recipe, classes: number): UnetOptions {
  const { network, training } = recipe;
  return { classes, seed: training.seed, ...(network.widths === undefined ? {} : { widths: network.widths }), batchNorm: network.batch_norm ?? false, reduce: network.reduce ?? 1 };
}

/** By how much the shipped chip network reduces its input: chips cut from masks come in whole, others as prepared. */
export function chipReduction(recipe: Recipe): number {
  return recipe.network.reduce ?? 1;
}

/** Copies the trained weights into the shipped network: it has the same layers with weights, in the same order. */
export function shareWeights({ training, shipped }: RecipeNetworks): void {
  shipped.scores.setWeights(training.scores.getWeights());
}
