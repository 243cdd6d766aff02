import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '../../card/index.js';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import { architectureOf, buildNetworks, encoderOf, loadLayers, mapTensors, resolveStages, setForeignWeights, weightShapes, type MappedTensors, type Recipe, type RecipeNetworks, type Tensorflow } from '../../train/index.js';
import { readWeights } from '../../weights/index.js';
import { PUBLIC_WEIGHTS, type PublicWeights } from '../models/catalogue.js';
import { checkPulled, pulledFile } from '../models/pulled.js';

/** What a recipe's networks begin with. */
export type BeginWith = (tf: Tensorflow, networks: RecipeNetworks) => Promise<void>;

export interface Beginning {
  readonly begin: BeginWith;
  /** How many classes or tags there must be, where the head goes on, too. */
  readonly outputs?: number;
}

/**
 * Finds the weights that a recipe begins with, of an earlier training or of another library, and sees that they are those of its
 * network; nothing of the data is looked at. Without any the networks stay random.
 * @throws {InvalidFileError | InvalidOptionError} if there are none by that name, or others; in one line, with the command that gets them
 */
export async function findBeginning(tf: Tensorflow, recipe: Recipe, data: string, context: TaskContext = {}, catalogue: readonly PublicWeights[] = PUBLIC_WEIGHTS): Promise<Beginning> {
  const { start_from: folder } = recipe.training;
  if (folder !== undefined) return { begin: (_, networks) => startFrom(tf, networks, folder), outputs: await outputsOf(tf, recipe, folder) };
  const name = recipe.network.weights;
  if (name === undefined) return { begin: () => Promise.resolve() };
  const file = await findWeights(name, data, context, catalogue);
  await withMapped(recipe, file, () => Promise.resolve());
  // Everything but the head comes from the file.
  return { begin: (_, networks) => withMapped(recipe, file, async (mapped) => { await setForeignWeights(tf, networks.training.scores, mapped, { head: 'keep' }); }) };
}

async function startFrom(tf: Tensorflow, networks: RecipeNetworks, folder: string): Promise<void> {
  const loaded = await loadLayers(tf, folder);
  networks.training.scores.setWeights(loaded.getWeights());
  loaded.dispose();
}

/** Classes of an earlier training's network, which must be the recipe's. */
async function outputsOf(tf: Tensorflow, recipe: Recipe, folder: string): Promise<number> {
  if (!await isFile(join(folder, 'model.json'))) throw new InvalidFileError(folder, 'expected the layers folder of an earlier training for training.start_from, found none');
  const weights = await weightShapes(folder);
  const outputs = weights.at(-1)?.shape.at(-1) ?? 0;
  const { training, shipped } = buildNetworks(tf, recipe, Math.max(1, outputs), resolveStages(recipe)[0]!.size);
  const wanted = training.scores.weights.map(({ originalName, shape }) => ({ name: originalName, shape: shape as number[] }));
  training.scores.dispose();
  if (shipped !== training) shipped.scores.dispose();
  const text = (weight: { readonly name: string; readonly shape: readonly number[] } | undefined): string => (weight === undefined ? 'nothing' : `${weight.name} of ${weight.shape.join(' × ')}`);
  const place = wanted.length === weights.length ? wanted.findIndex(({ shape }, at) => shape.join() !== weights[at]!.shape.join()) : Math.max(0, wanted.findIndex(({ shape }, at) => shape.join() !== weights[at]?.shape.join()));
  if (place >= 0) throw new InvalidOptionError('training.start_from', `expected weights of the recipe's network (${recipe.network.architecture}), found ${text(weights[place])} in ${folder} where it has ${text(wanted[place])}`, { advice: 'its recipe.yaml beside that folder says what it was made with' });
  return outputs;
}

async function withMapped(recipe: Recipe, file: string, use: (mapped: MappedTensors) => Promise<void>): Promise<void> {
  const weights = await readWeights(file);
  try {
    const architecture = architectureOf(recipe);
    const mapped = mapTensors(recipe.task === 'segmenter' ? encoderOf(architecture) : architecture, weights.tensors, file);
    const { variant } = recipe.network;
    if (variant !== undefined && variant !== mapped.mapping.variant) throw new InvalidOptionError('network.variant', `expected ${mapped.mapping.variant}, as the weights of ${file} are, found ${variant}`);
    await use(mapped);
  } finally {
    await weights.close();
  }
}

/** A file, by its path, in the data folder, or by a name of `models pull` in its cache. */
async function findWeights(name: string, data: string, context: TaskContext, catalogue: readonly PublicWeights[]): Promise<string> {
  for (const path of [name, join(data, name)]) if (await isFile(path)) return path;
  const known = catalogue.find((weights) => weights.name === name);
  const random = '--set network.weights=null begins with random weights';
  if (known === undefined) {
    const near = nearestName(name, catalogue.map((weights) => weights.name));
    throw new InvalidFileError(name, 'expected network.weights as a file or a name of models pull, found neither', { advice: near === undefined ? `name a file with --set network.weights=<file>; ${random}` : `did you mean ${near}?` });
  }
  const file = pulledFile(known);
  if (!await isFile(file)) {
    throw new InvalidFileError(name, 'expected these weights in the cache, found none', { advice: `get them once: tilewright models pull ${name}, or from a file at hand with --from <file>; other weights: --set network.weights=<file>; ${random}` });
  }
  await checkPulled(known, file, context.signal);
  return file;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
