import { resolve } from 'node:path';
import { readSplit, splitByGroup, splitName, splitRandomly, type CachedMaps } from '../../dataset/index.js';
import type { TaskContext } from '../../run/index.js';
import { seededRandom, shuffled, type ChipSamples, type MapSamples, type Split } from '../../samples/index.js';
import type { Recipe } from '../../train/index.js';
import { openChips, openMaps, type Opened } from '../dataset/open.js';

interface Loaded extends Pick<Opened<unknown>, 'chipFiles' | 'mapFiles'> { readonly split: Split; readonly outputs: readonly string[] }
export interface LoadedChips extends Loaded { readonly samples: ChipSamples }
export interface LoadedMaps extends Loaded { readonly samples: CachedMaps }
export type LoadedSamples = LoadedChips | LoadedMaps;

export interface LoadOptions {
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Where decoded samples are kept. */
  readonly cacheFolder: string;
  /** Chips: edge in pixels. Default: the network's. */
  readonly size?: number;
  /** Maps: as they are, whatever the network reduces. Default false. */
  readonly fullSize?: boolean;
  /** Called with the key of the decoded samples before anything is decoded; may refuse. */
  readonly onKey?: (key: string) => Promise<void>;
}

/** Whether samples are chips. */
export function areChips(loaded: LoadedSamples): loaded is LoadedChips {
  return loaded.samples.kind === 'chips';
}

/** Opens the samples of a recipe, decoded before or now, and splits them. */
export async function loadSamples(recipe: Recipe, options: LoadOptions, context: TaskContext): Promise<LoadedSamples> {
  const { resize, ...description } = recipe.data;
  // What a recipe does not say is found out from what lies in the folder.
  const data = Object.keys(description).some((key) => ['table', 'class_folders', 'images', 'masks', 'scenes', 'classes'].includes(key))
    ? { description, folder: options.data, by: 'recipe' } : options.data;
  const set = typeof data === 'string' ? Object.entries(description).map(([key, value]) => `${key}=${JSON.stringify(value)}`) : [];
  const splitOf = async (samples: ChipSamples | MapSamples, list: readonly { readonly group: string; readonly name: string }[]): Promise<Split> => {
    try {
      if (recipe.split.file !== undefined) return await readSplit(resolve(options.data, recipe.split.file), list.map(({ group, name }) => splitName(group, name)));
      return splitSamples(recipe, list.map(({ group }) => group), samples.parts);
    } catch (error) {
      await samples.close();
      throw error;
    }
  };
  const keyed = options.onKey === undefined ? {} : { onKey: options.onKey };
  if (recipe.task === 'segmenter') {
    const reduce = options.fullSize === true ? 1 : recipe.network.reduce ?? 1;
    const { samples, mapFiles } = await openMaps({ data, set, cacheFolder: options.cacheFolder, reduce, ...keyed, ...(resize === undefined || options.fullSize === true ? {} : { resize }) }, context);
    return { samples, split: await splitOf(samples, samples.pictures), outputs: samples.classes, ...(mapFiles === undefined ? {} : { mapFiles }) };
  }
  const { samples, found, chipFiles, mapFiles } = await openChips({ data, set, cacheFolder: options.cacheFolder, ...keyed, oneClass: recipe.task === 'classifier', size: options.size ?? recipe.network.size! }, context);
  const split = await splitOf(samples, samples.groups.map((group, index) => ({ group, name: samples.nameOf(index) })));
  const { chip, stride } = found.description;
  if (chip !== undefined && stride !== undefined && stride < chip && isRandom(recipe, samples.parts)) {
    context.onProgress?.({ stage: 'split', done: 1, total: 1, unit: 'times', detail: `note: chips of ${chip} pixels every ${stride} overlap, and are split at random: validation and test show ground that is trained on; split by groups, or with dataset split --by block and split.file` });
  }
  return { samples, split, outputs: samples.tags, ...(chipFiles === undefined ? {} : { chipFiles }), ...(mapFiles === undefined ? {} : { mapFiles }) };
}

/** Shares where neither the recipe nor the data say how to split. */
const SHARE = 0.15;

/** Whether chance decides of every single sample. */
function isRandom({ split: { file, validation, test }, training }: Recipe, parts: Split | undefined): boolean {
  if (file !== undefined || training.finalise === true) return false;
  return validation === undefined && test === undefined ? parts === undefined || parts.validation.length === 0 : !Array.isArray(validation) && !Array.isArray(test);
}

function splitSamples(recipe: Recipe, groups: readonly string[], parts: Split | undefined): Split {
  const { validation, test, seed = 1 } = recipe.split;
  if (recipe.training.finalise === true) return { train: Int32Array.from(groups, (_, place) => place), validation: new Int32Array(0), test: new Int32Array(0) };
  if (validation === undefined && test === undefined) return parts === undefined ? splitRandomly(groups.length, { validation: SHARE, test: SHARE, seed }) : withValidation(parts, seed);
  const [v, t] = [validation ?? 0, test ?? 0];
  if (typeof v === 'number' && typeof t === 'number') return splitRandomly(groups.length, { validation: v, test: t, seed });
  return splitByGroup(groups, { validation: typeof v === 'number' ? [] : v, test: typeof t === 'number' ? [] : t });
}

/** Data with folders for training and test only: a part of the training samples is for choices. */
function withValidation(parts: Split, seed: number): Split {
  if (parts.validation.length > 0 || parts.train.length < 2) return parts;
  const order = shuffled(parts.train.length, seededRandom(seed));
  const count = Math.max(1, Math.round(parts.train.length * SHARE));
  const pick = (places: Int32Array): Int32Array => Int32Array.from(places, (place) => parts.train[place]!).sort();
  return { ...parts, validation: pick(order.slice(0, count)), train: pick(order.slice(count)) };
}
