import { join } from 'node:path';
import {
  cacheKey, cutChips, loadChips, loadPairs, readCache, readMaskClasses, splitByGroup, splitRandomly, writeCache, type MaskClasses,
} from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import type { ChipSet, MaskedPicture, Split } from '../../samples/index.js';
import type { Recipe } from '../../train/index.js';

export interface TagSamples { readonly kind: 'chips'; readonly chips: ChipSet; readonly split: Split; readonly outputs: readonly string[]; readonly colors: readonly string[] }
export interface MapSamples { readonly kind: 'maps'; readonly pictures: readonly MaskedPicture[]; readonly split: Split; readonly outputs: readonly string[]; readonly colors: readonly string[] }

/** Reads the samples of a recipe, from the cache where that fits, and splits them. */
export async function loadSamples(recipe: Recipe, folder: string, cacheFolder: string, context: TaskContext): Promise<TagSamples | MapSamples> {
  if (recipe.data.table !== undefined) return loadTable(recipe, folder, cacheFolder, context);
  const { data } = recipe;
  const classes = await readMaskClasses(join(folder, data.classes!), data.leave_out ?? []);
  const names = classes.classes.map((item) => item.name);
  const colors = classes.classes.map((item) => `#${item.color.map((part) => part.toString(16).padStart(2, '0')).join('')}`);
  const pictures = await loadMasked(recipe, folder, classes, context);
  if (recipe.task === 'segmenter') return { kind: 'maps', pictures, split: splitSamples(recipe, pictures.map((picture) => picture.group)), outputs: names, colors };
  const chips = cutChips(pictures, { chip: data.chip ?? 256, stride: data.stride ?? data.chip ?? 256, size: recipe.network.size!, classes: names, leastShare: data.least_share ?? 0.05 });
  return { kind: 'chips', chips, split: splitSamples(recipe, chips.groups), outputs: names, colors };
}

async function loadTable(recipe: Recipe, folder: string, cacheFolder: string, context: TaskContext): Promise<TagSamples> {
  const { data, network } = recipe;
  const table = join(folder, data.table!);
  const pictures = join(folder, data.pictures!);
  const swap = data.swap_red_blue ?? false;
  const key = await cacheKey([table, pictures], { size: network.size, swap }).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidFileError(cause.path ?? folder, 'expected the data of the recipe, found nothing', { cause, advice: '--data is the folder that the recipe\'s paths start from' });
  });
  const file = join(cacheFolder, 'samples.bin');
  interface Header { readonly names: readonly string[]; readonly tags: readonly string[] }
  const cached = await readCache<Header>(file, key);
  let chips: ChipSet;
  if (cached === undefined) {
    chips = await loadChips({
      table, pictures, size: network.size!, swapRedBlue: swap, signal: context.signal,
      onProgress: (done, total) => { if (done === total || done % 2048 === 0) context.onProgress?.({ stage: 'decode', done, total, unit: 'chips' }); },
    });
    await writeCache<Header>(file, key, { header: { names: chips.names, tags: chips.tags }, arrays: [chips.pixels, chips.targets] });
  } else {
    chips = { size: network.size!, ...cached.header, groups: cached.header.names.map(() => ''), pixels: cached.arrays[0]!, targets: cached.arrays[1]! };
  }
  return { kind: 'chips', chips, split: splitSamples(recipe, chips.groups), outputs: chips.tags, colors: [] };
}

async function loadMasked(recipe: Recipe, folder: string, classes: MaskClasses, context: TaskContext): Promise<MaskedPicture[]> {
  const { data, network } = recipe;
  return loadPairs({
    folder, classes, reduce: recipe.task === 'segmenter' ? network.reduce ?? 1 : 1, swapRedBlue: data.swap_red_blue ?? false, frame: data.frame ?? 0, signal: context.signal,
    onProgress: (done, total) => context.onProgress?.({ stage: 'decode', done, total, unit: 'pictures' }),
  });
}

function splitSamples(recipe: Recipe, groups: readonly string[]): Split {
  const { validation, test, seed } = recipe.split;
  if (typeof validation === 'number' && typeof test === 'number') return splitRandomly(groups.length, { validation, test, seed: seed ?? 1 });
  if (typeof validation === 'number' || typeof test === 'number') throw new InvalidFileError(recipe.name, 'expected split.validation and split.test both as shares or both as names of groups, found one of each');
  return splitByGroup(groups, { validation, test });
}
