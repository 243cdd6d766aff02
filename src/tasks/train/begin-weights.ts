import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import { architectureOf, encoderOf, loadLayers, mapTensors, setForeignWeights, type Recipe, type RecipeNetworks, type Tensorflow } from '../../train/index.js';
import { readWeights } from '../../weights/index.js';

/** Gives the networks the weights that a recipe begins with: of an earlier training, or of another library; else they stay random. */
export async function beginWith(tf: Tensorflow, recipe: Recipe, networks: RecipeNetworks, data: string): Promise<void> {
  const { start_from: folder } = recipe.training;
  if (folder !== undefined) await startFrom(tf, networks, folder);
  else if (recipe.network.weights !== undefined) await takeForeign(tf, recipe, networks, await findWeights(recipe.network.weights, data));
}

async function startFrom(tf: Tensorflow, networks: RecipeNetworks, folder: string): Promise<void> {
  const weights = (await loadLayers(tf, folder)).getWeights();
  const wanted = networks.training.scores.getWeights();
  if (weights.map((weight) => weight.shape.join()).join(' ') !== wanted.map((weight) => weight.shape.join()).join(' ')) {
    throw new InvalidFileError(folder, 'expected weights of the same network as the recipe\'s, found others');
  }
  networks.training.scores.setWeights(weights);
}

/** Everything but the head comes from the file. */
async function takeForeign(tf: Tensorflow, recipe: Recipe, networks: RecipeNetworks, file: string): Promise<void> {
  const weights = await readWeights(file);
  try {
    const architecture = architectureOf(recipe);
    const mapped = mapTensors(recipe.task === 'segmenter' ? encoderOf(architecture) : architecture, weights.tensors, file);
    const { variant } = recipe.network;
    if (variant !== undefined && variant !== mapped.mapping.variant) throw new InvalidOptionError('network.variant', `expected ${mapped.mapping.variant}, as the weights of ${file} are, found ${variant}`);
    await setForeignWeights(tf, networks.training.scores, mapped, { head: 'keep' });
  } finally {
    await weights.close();
  }
}

/** A file, by its path or in the data folder. */
async function findWeights(name: string, data: string): Promise<string> {
  for (const path of [name, join(data, name)]) if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  throw new InvalidFileError(name, 'expected a file of weights to begin with, found none', { advice: 'get it, and name it with --set network.weights=<file>; --set network.weights=null begins with random weights' });
}
