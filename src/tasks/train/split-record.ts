import { splitName, splitText } from '../../dataset/index.js';
import { writeWhole, type Recipe } from '../../train/index.js';
import { areChips, type LoadedSamples } from './samples.js';

/** Beside a trained model: which samples were for what, in the format of `dataset split`. */
export const SPLIT_FILE = 'split.json';

/** Writes the names of a training's samples by part, so that `evaluate` and others can take the same parts again. */
export async function writeSplit(folder: string, recipe: Pick<Recipe, 'name' | 'split' | 'training'>, loaded: LoadedSamples): Promise<void> {
  const names = areChips(loaded)
    ? loaded.samples.groups.map((group, index) => splitName(group, loaded.samples.nameOf(index)))
    : loaded.samples.pictures.map(({ group, name }) => splitName(group, name));
  const taken = new Uint8Array(names.length);
  for (const part of Object.values(loaded.split)) for (const place of part as Int32Array) taken[place] = 1;
  const left = Int32Array.from(names.keys()).filter((place) => taken[place] === 0);
  await writeWhole(folder, SPLIT_FILE, splitText({ ...loaded.split, left }, names, { by: 'training', recipe: recipe.name, ...recipe.split, ...(recipe.training.finalise === true ? { finalise: true } : {}) }));
}
