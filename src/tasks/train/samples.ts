import { collectProblems, countTruth, describeData, noteUntrained, partWithoutTruth, type CachedMaps, type Problem } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import type { ChipSamples, MapSamples, Split } from '../../samples/index.js';
import type { Recipe } from '../../train/index.js';
import { openChips, openMaps, type OnListed, type Opened } from '../dataset/open.js';
import { checkData } from './check-data.js';
import { checkPatch, checkSplit, isRandom, nothingApartNote, splitEntries, type Entry } from './split-samples.js';

interface Loaded extends Pick<Opened<unknown>, 'chipFiles' | 'mapFiles' | 'remarks'> { readonly split: Split; readonly outputs: readonly string[] }
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
  /** Called with the key of the data before anything is decoded; may refuse. */
  readonly onKey?: (key: string) => Promise<void>;
  /** Classes of the network that is gone on with, which must be the data's. Default: any number. */
  readonly outputs?: number;
  /** Whether a network is to be trained on them: then everything that the recipe wants of them is looked at. Default false. */
  readonly toTrain?: boolean;
  /** Called with what is known before anything is decoded. */
  readonly onListed?: OnListed;
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
  const splitOf = async (samples: ChipSamples | MapSamples, list: readonly Entry[]): Promise<Split> => {
    try {
      const split = await splitEntries(recipe, options.data, list, samples.parts);
      if (options.toTrain !== true) return split;
      checkSplit(recipe, split, samples.kind === 'chips' ? 'chips' : 'pictures');
      const notes = [nothingApartNote(recipe, split, samples.kind === 'chips' ? 'chips' : 'pictures'), samples.kind === 'maps' ? checkPatch(recipe, samples.pictures, split.train) : undefined];
      for (const note of notes) if (note !== undefined) context.onProgress?.({ stage: 'split', done: 1, total: 1, unit: 'times', detail: note });
      return split;
    } catch (error) {
      await samples.close();
      throw error;
    }
  };
  const onListed: OnListed = async (listing) => {
    if (options.toTrain === true) await checkData(recipe, listing, { data: options.data, ...(options.outputs === undefined ? {} : { outputs: options.outputs }) });
    await options.onListed?.(listing);
  };
  const keyed = { onListed, ...(options.onKey === undefined ? {} : { onKey: options.onKey }) };
  if (recipe.task === 'segmenter') {
    const reduce = options.fullSize === true ? 1 : recipe.network.reduce ?? 1;
    const named = ['images', 'masks', 'scenes'] as const;
    const opening = openMaps({ data, set, cacheFolder: options.cacheFolder, reduce, ...keyed, ...(resize === undefined || options.fullSize === true ? {} : { resize }) }, context);
    const { samples, mapFiles, remarks } = await opening.catch(async (error: unknown) => { if (named.every((key) => recipe.data[key] === undefined)) await refuseChips(options.data, error); throw error; });
    const split = await splitOf(samples, samples.pictures);
    if (options.toTrain === true) await refuseUnknown(samples, split, options.data);
    return { samples, split, outputs: samples.classes, remarks: [...remarks, ...untrained(samples.classes, samples.count, (picture, id) => samples.counts[picture]![id]!, split)], ...(mapFiles === undefined ? {} : { mapFiles }) };
  }
  const { samples, found, chipFiles, mapFiles, remarks } = await openChips({ data, set, cacheFolder: options.cacheFolder, ...keyed, oneClass: recipe.task === 'classifier', size: options.size ?? recipe.network.size! }, context);
  const split = await splitOf(samples, samples.groups.map((group, index) => ({ group, name: samples.nameOf(index) })));
  const { chip, stride } = found.description;
  if (chip !== undefined && stride !== undefined && stride < chip && isRandom(recipe, samples.parts)) {
    context.onProgress?.({ stage: 'split', done: 1, total: 1, unit: 'times', detail: `note: chips of ${chip} pixels every ${stride} overlap, and are split at random: validation and test show ground that is trained on; split by groups, or with dataset split --by block and split.file` });
  }
  const { tags, targets } = samples;
  return { samples, split, outputs: tags, remarks: [...remarks, ...untrained(tags, samples.count, (sample, id) => targets[sample * tags.length + id]!, split)], ...(chipFiles === undefined ? {} : { chipFiles }), ...(mapFiles === undefined ? {} : { mapFiles }) };
}

/** Classes that are only kept apart, as remarks. */
function untrained(names: readonly string[], count: number, of: (sample: number, id: number) => number, { train }: Split): readonly Problem[] {
  const problems = collectProblems();
  noteUntrained(problems, names, countTruth(count, names.length, of, train));
  return problems.all;
}

/** @throws {InvalidFileError} for pictures to train or to choose on that have not a single pixel of a class: every loss and score of them is no number */
async function refuseUnknown(samples: CachedMaps, split: Split, data: string): Promise<void> {
  const part = partWithoutTruth(samples.counts, split);
  if (part === undefined) return;
  await samples.close();
  throw new InvalidFileError(data, `expected masks with pixels of a class in the ${part} pictures, found none: all of their pixels are ignored`, { advice: part === 'training' ? 'look at the legend and the masks: tilewright dataset info counts what they have' : 'keep others apart with split.validation, or look at the masks: tilewright dataset info counts what they have' });
}

/** Data of chips have nothing of what a recipe for pictures with masks names: said so, rather than that it is missing. */
async function refuseChips(data: string, error: unknown): Promise<void> {
  if (!(error instanceof InvalidFileError)) return;
  const description = await describeData(data).then((found) => found.description, () => undefined);
  const task = description?.table !== undefined ? 'tagger' : description?.class_folders === true ? 'classifier' : undefined;
  if (task === undefined) return;
  throw new InvalidFileError(data, `expected pictures with masks, which this recipe is for, found ${task === 'tagger' ? 'chips with tags' : 'a folder of pictures per class'}`, { cause: error, advice: `train a ${task} on them: tilewright train ${task}` });
}
