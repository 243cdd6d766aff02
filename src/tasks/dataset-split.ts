import { describeData, splitByBlock, splitByGroup, splitRandomly, splitStratified, splitText } from '../dataset/index.js';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { checkOutput, writeWhole, type TaskContext } from '../run/index.js';
import type { Split } from '../samples/index.js';
import { findLeaks, type FoundLeak } from './dataset/leaks.js';
import { filesOfChips, filesOfMaps, listData, openChips, openMaps } from './dataset/open.js';
import { DIVIDE_SCENE, nothingApart } from './dataset/nothing-apart.js';
import { placesOf, type Places } from './dataset/places.js';
import { chipsAsSplittable, mapsAsSplittable, type Splittable } from './dataset/splittable.js';

export type { FoundLeak } from './dataset/leaks.js';

export interface DatasetSplitOptions {
  readonly data: string;
  readonly set?: readonly string[];
  /** The split as a file (JSON). */
  readonly output: string;
  /** Default `random`. */
  readonly by?: 'random' | 'stratified' | 'group' | 'block';
  /** Shares. Default 0.1 each. */
  readonly validation?: number;
  readonly test?: number;
  /** By group: the names of the groups. */
  readonly validationGroups?: readonly string[];
  readonly testGroups?: readonly string[];
  /** By block: edge in metres, or in pixels where the data have no place on the ground. */
  readonly block?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Look for samples of different parts that show the same ground. Default true. */
  readonly leaks?: boolean;
  readonly overwrite?: boolean;
}

export interface DatasetSplitResult {
  readonly output: string;
  readonly by: string;
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** Samples in no part, because they share ground with another part. */
  readonly left: number;
  /** Share of samples (chips) or pixels (maps) by class and part. */
  readonly classes: readonly { readonly name: string; readonly train: number; readonly validation: number; readonly test: number }[];
  readonly leaks: readonly FoundLeak[];
  readonly notes: readonly string[];
}

/** A class that covers this share of a picture counts as its tag when pictures are stratified. */
const PRESENT = 0.02;
/** Chips are compared at this size. */
const COMPARED = 32;

/** Splits a data set into training, validation and test, and says where the parts know of each other. */
export async function datasetSplit(options: DatasetSplitOptions, context: TaskContext = {}): Promise<DatasetSplitResult> {
  await checkOutput(options.output, { overwrite: options.overwrite ?? false, option: '-o' });
  const notes: string[] = [];
  const samples = await openSplittable(options, context);
  try {
    const places = options.by === 'block' || options.leaks !== false ? await placesOf(samples) : undefined;
    const split = makeSplit(samples, options, places, notes);
    const apart = (options.by ?? 'random') === 'random' || options.by === 'stratified' ? nothingApart(split, samples.kind, { validation: options.validation ?? 0.1, test: options.test ?? 0.1 }) : undefined;
    if (apart !== undefined) notes.push(apart);
    const leaks = options.leaks === false ? [] : await findLeaks({ samples, split, places, notes }, context);
    const made = { by: options.by ?? 'random', seed: options.seed ?? 1, validation: options.validationGroups ?? options.validation ?? 0.1, test: options.testGroups ?? options.test ?? 0.1, ...(options.block === undefined ? {} : { block: options.block }), ...(options.set === undefined || options.set.length === 0 ? {} : { set: options.set }) };
    await writeWhole(options.output, splitText(split, samples.names, made));
    const { train, validation, test } = split;
    const classes = shares(samples, split);
    const untrained = classes.filter((one) => one.train === 0 && one.validation + one.test > 0).map(({ name }) => name);
    if (untrained.length > 0) notes.push(`${untrained.length === 1 ? 'a class has' : `${untrained.length} classes have`} nothing in the training part, only in others: ${untrained.join(', ')}`);
    return { output: options.output, by: made.by, train: train.length, validation: validation.length, test: test.length, left: split.left?.length ?? 0, classes, leaks, notes };
  } finally {
    await samples.close();
  }
}

async function openSplittable(options: DatasetSplitOptions, context: TaskContext): Promise<Splittable> {
  const found = await describeData(options.data, options.set);
  const common = { data: found, ...(options.set === undefined ? {} : { set: options.set }) };
  const { list, found: changed } = await listData(common);
  await list.close();
  if (list.kind === 'chips') return chipsAsSplittable((await openChips({ ...common, size: COMPARED }, context)).samples, filesOfChips(list));
  const files = filesOfMaps(list);
  if (changed.description.chip !== undefined) {
    const { samples } = await openChips({ ...common, size: changed.description.chip }, context);
    return chipsAsSplittable(samples, undefined, files);
  }
  return mapsAsSplittable((await openMaps(common, context)).samples, files);
}

type MadeSplit = Split & { readonly left?: Int32Array };

function makeSplit(samples: Splittable, options: DatasetSplitOptions, places: Places | undefined, notes: string[]): MadeSplit {
  const count = samples.names.length;
  const shareOptions = { validation: options.validation ?? 0.1, test: options.test ?? 0.1, seed: options.seed ?? 1 };
  switch (options.by ?? 'random') {
    case 'random': return splitRandomly(count, shareOptions);
    case 'stratified': return splitStratified(count, { ...shareOptions, tags: samples.classes.length, targets: Uint8Array.from(samples.amounts.flatMap((row) => row.map((amount) => (amount >= PRESENT ? 1 : 0)))) });
    case 'group': return splitByGroup(samples.groups, groupsOf(samples, options));
    case 'block': {
      if (options.block === undefined) throw new InvalidOptionError('--block', 'expected the edge of the blocks, found none', { advice: 'in metres, or in pixels for scenes without a place' });
      refuseFew(samples, options, shareOptions);
      if (places === undefined || places.kind === 'none') throw new InvalidFileError(options.data, 'expected samples whose place is known (GeoTIFFs, or chips cut from scenes), found others', { advice: 'split by group' });
      const split = splitByBlock(places.list, { ...shareOptions, block: options.block });
      notes.push(`${split.blocks} blocks of ${options.block} ${places.kind === 'ground' ? 'm' : 'pixels'}`);
      return split;
    }
  }
}

/** @throws {InvalidFileError} for so few samples that blocks of no size can be dealt out */
function refuseFew({ names, kind }: Splittable, { data }: DatasetSplitOptions, { validation, test }: { readonly validation: number; readonly test: number }): void {
  const used = [validation, test].filter((share) => share > 0).length;
  if (names.length > used) return;
  const isOne = kind === 'pictures' && names.length === 1;
  throw new InvalidFileError(data, `expected at least ${used + 1} samples to deal out in blocks, found ${names.length}${isOne ? ': a scene or picture is one sample, whatever the edge' : ''}`, kind === 'pictures' ? { advice: isOne ? DIVIDE_SCENE : 'split by group, or take fewer parts: --test 0' } : {});
}

/** As named; or, with shares, whole groups drawn until each part has its share of samples. */
function groupsOf(samples: Splittable, options: DatasetSplitOptions): { validation: readonly string[]; test: readonly string[] } {
  if (options.validationGroups !== undefined || options.testGroups !== undefined) return { validation: options.validationGroups ?? [], test: options.testGroups ?? [] };
  const groups = [...new Set(samples.groups)];
  if (groups.length < 3) throw new InvalidOptionError('--by', `expected at least three groups of samples, found ${groups.length}`, { advice: 'split at random, or by block' });
  // A group is a block of its own: all of it in one place, which touches nothing.
  const drawn = splitByBlock(samples.groups.map((frame) => ({ frame, left: 0, top: 0, right: 0, bottom: 0 })), { validation: options.validation ?? 0.1, test: options.test ?? 0.1, seed: options.seed ?? 1, block: 1 });
  const names = (part: Int32Array): string[] => [...new Set(Array.from(part, (index) => samples.groups[index]!))];
  return { validation: names(drawn.validation), test: names(drawn.test) };
}

function shares(samples: Splittable, split: Split): DatasetSplitResult['classes'] {
  const of = (places: Int32Array, id: number): number => (places.length === 0 ? 0 : places.reduce((sum, index) => sum + samples.amounts[index]![id]!, 0) / places.length);
  return samples.classes.map((name, id) => ({ name, train: of(split.train, id), validation: of(split.validation, id), test: of(split.test, id) }));
}
