import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { classColors } from '../../card/index.js';
import {
  cacheChips, cacheMaps, changeDescription, collectProblems, describeData, listClassFolders, listPairs, listScenes, listTable, windowChips,
  type CachedMaps, type ChipList, type FoundData, type MapList, type Problem, type Problems,
} from '../../dataset/index.js';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import type { ChipSamples, DataDescription, Split } from '../../samples/index.js';
import { openScene } from '../../scene/index.js';
import { polygonReader } from './polygons.js';

export interface OpenDataOptions {
  /** Folder, table, archive or description; or what was found before. */
  readonly data: string | FoundData;
  /** Keys of the description with other values: `chip=64`. */
  readonly set?: readonly string[];
}

/** A data set whose parts are listed; nothing is decoded. */
export interface ListedData {
  readonly source: string;
  readonly found: FoundData;
  readonly list: ChipList | MapList;
  readonly problems: Problems;
}

/** Finds out what a data set is and lists its samples. Faults are collected, not thrown. @throws {InvalidFileError} if it is none. */
export async function listData(options: OpenDataOptions): Promise<ListedData> {
  const described = typeof options.data === 'string' ? await describeData(options.data, options.set) : options.data;
  const found = options.set === undefined || options.set.length === 0 ? described : { ...described, description: changeDescription(described.description, options.set) };
  const problems = collectProblems();
  const common = { description: found.description, folder: found.folder, problems, openScene: (path: string) => openScene(path) };
  const source = typeof options.data === 'string' ? options.data : found.folder;
  return { source, found, problems, list: await listOf(found.description, common) };
}

async function listOf(description: DataDescription, common: Parameters<typeof listTable>[0]): Promise<ChipList | MapList> {
  if (description.table !== undefined) return listTable(common);
  if (description.class_folders === true) return listClassFolders(common);
  if (description.scenes !== undefined) return listScenes({ ...common, polygons: polygonReader });
  if (description.images !== undefined || description.masks !== undefined || description.classes !== undefined) return listPairs(common);
  throw new InvalidFileError(common.folder, 'expected one of table, class_folders, images with masks, or scenes in the description, found none');
}

/** What is known of data when their parts are listed, before anything is decoded. */
export interface Listing {
  readonly description: DataDescription;
  /** Names of classes or tags, in their order. */
  readonly classes: readonly string[];
  /** Chips or pictures with their groups; of chips that are cut from pictures, the pictures. */
  readonly entries: readonly { readonly group: string; readonly name: string }[];
  /** Whether chips are cut from the entries: how many, only the masks tell. */
  readonly cut: boolean;
  readonly parts?: Split;
}

/** Looked at between listing and decoding; may refuse. */
export type OnListed = (listing: Listing) => Promise<void>;

export interface OpenSamplesOptions extends OpenDataOptions {
  /** Chips: edge in pixels that they are brought to. */
  readonly size: number;
  /** Folder for the decoded samples. Default: {@link defaultCacheFolder}. */
  readonly cacheFolder?: string;
  /** Whether chips must have one class each. Default false: any number of tags. */
  readonly oneClass?: boolean;
  readonly onListed?: OnListed;
  /** Called with the key of the data before anything is decoded; may refuse. Copies of the files have the same. */
  readonly onKey?: (key: string) => Promise<void>;
}

export interface OpenMapsOptions extends OpenDataOptions {
  /** Pictures are reduced so many times. Default 1. */
  readonly reduce?: number;
  /** Or brought to this size. */
  readonly resize?: readonly [width: number, height: number];
  readonly cacheFolder?: string;
  readonly onListed?: OnListed;
  readonly onKey?: (key: string) => Promise<void>;
}

export interface Opened<S> {
  readonly samples: S;
  readonly found: FoundData;
  /** What is worth knowing of the data; there are no faults. */
  readonly remarks: readonly Problem[];
  /** Files that the chips are, where they are files of their own. */
  readonly chipFiles?: readonly string[];
  /** Files of the pictures and scenes, by `group/name`. */
  readonly mapFiles?: ReadonlyMap<string, string | undefined>;
}

/** Files that chips are, in their order; undefined where they are in an archive. */
export function filesOfChips({ files, names }: ChipList): readonly string[] | undefined {
  return files.length === names.length || files.length === names.length + 1 ? files.slice(-names.length) : undefined;
}

/** By `group/name`: the file of a picture or scene. */
export function filesOfMaps({ entries }: MapList): ReadonlyMap<string, string | undefined> {
  return new Map(entries.map(({ group, name, file }) => [`${group}/${name}`, file]));
}

/**
 * Opens a data set as chips with tags or classes: chips that are files, or windows of pictures and scenes with truth (`chip`, `stride`,
 * `least_share`, `truth: centre` …). Pixels are decoded once into the cache folder.
 * @throws {InvalidFileError} with all faults of the data, before anything else
 */
export async function openChips(options: OpenSamplesOptions, context: TaskContext = {}): Promise<Opened<ChipSamples>> {
  const data = await listData(options);
  const { list, found, problems } = data;
  if (options.oneClass === true && !(list.kind === 'chips' ? list.exclusive : found.description.truth === 'centre')) {
    await list.close();
    throw new InvalidFileError(data.source, 'expected one class per chip for a classifier, found any number of tags', { advice: 'train a tagger on them, or say truth: centre for chips from maps' });
  }
  await tellListed(data, options.onListed, list.kind === 'maps');
  if (list.kind === 'chips') {
    const { swap_red_blue: swap, bands, range } = found.description;
    const samples = await cacheChips(list, {
      size: options.size, identity: { swap, bands, range }, colors: classColors(list.tags), problems, source: data.source,
      file: cacheFile(options.cacheFolder, data, `${options.size}`), ...keyed(options), ...progressOf(context, 'chips'),
    });
    const chipFiles = filesOfChips(list);
    return { samples, found, remarks: problems.all, ...(chipFiles === undefined ? {} : { chipFiles }) };
  }
  const { chip: asked } = found.description;
  if (asked !== undefined && asked % options.size !== 0) {
    await list.close();
    throw new InvalidOptionError('data.chip', `expected a multiple of the network's input of ${options.size} pixels, so that chips are reduced by a whole factor, found ${asked}`);
  }
  const maps = await mapsOf(data, keyed(options), options.cacheFolder, context);
  const { chip, stride, least_share: leastShare, truth, limit, seed } = found.description;
  const edge = chip ?? options.size;
  const samples = windowChips(maps, {
    chip: edge, stride: stride ?? edge, size: options.size, truth: truth ?? 'share', leastShare: leastShare ?? 0.05, ...(limit === undefined ? {} : { limit }), ...(seed === undefined ? {} : { seed }),
  });
  if (samples.count === 0) {
    await samples.close();
    throw new InvalidFileError(data.source, `expected pictures of at least ${edge} pixels (data.chip) with classes in them, found none`);
  }
  return { samples, found, remarks: problems.all, mapFiles: filesOfMaps(list) };
}

/**
 * Opens a data set as pictures with masks.
 * @throws {InvalidFileError} with all faults of the data, or if it has no masks
 */
export async function openMaps(options: OpenMapsOptions, context: TaskContext = {}): Promise<Opened<CachedMaps>> {
  const data = await listData(options);
  if (data.list.kind === 'maps') await tellListed(data, options.onListed, false);
  const samples = await mapsOf(data, options, options.cacheFolder, context);
  return { samples, found: data.found, remarks: data.problems.all, ...(data.list.kind === 'maps' ? { mapFiles: filesOfMaps(data.list) } : {}) };
}

async function mapsOf(data: ListedData, options: Pick<OpenMapsOptions, 'reduce' | 'resize' | 'onKey'>, cacheFolder: string | undefined, context: TaskContext): Promise<CachedMaps> {
  const { list, problems, found } = data;
  if (list.kind !== 'maps') {
    await list.close();
    const [what, task] = list.exclusive ? ['a folder of pictures per class', 'classifier'] : ['chips with tags', 'tagger'];
    throw new InvalidFileError(data.source, `expected pictures with masks or scenes with truth, which segmenters learn from, found ${what}`, { advice: `train a ${task} on them (tilewright train ${task}), or give pictures with masks: images/ and masks/` });
  }
  const { reduce, resize } = options;
  const { swap_red_blue: swap, bands, range, frame, threshold, unknown_colors: unknown, scenes, class_names: names, leave_out: left } = found.description;
  return cacheMaps(list, {
    ...(reduce === undefined ? {} : { reduce }), ...(resize === undefined ? {} : { resize }), identity: { swap, bands, range, frame, threshold, unknown, scenes, names, left },
    problems, source: data.source, file: cacheFile(cacheFolder, data, `x${reduce ?? 1}${resize === undefined ? '' : `-${resize.join('x')}`}`), ...keyed(options), ...progressOf(context, 'pictures'),
  });
}

async function tellListed({ list, found }: ListedData, onListed: OnListed | undefined, cut: boolean): Promise<void> {
  try {
    await onListed?.({
      description: found.description, cut, ...(list.parts === undefined ? {} : { parts: list.parts }),
      ...(list.kind === 'chips' ? { classes: list.tags, entries: list.names.map((name, index) => ({ group: list.groups[index]!, name })) } : { classes: list.classes.map(({ name }) => name), entries: list.entries.map(({ group, name }) => ({ group, name })) }),
    });
  } catch (error) {
    await list.close();
    throw error;
  }
}

function keyed({ onKey }: Pick<OpenSamplesOptions, 'onKey'>): Pick<OpenSamplesOptions, 'onKey'> {
  return onKey === undefined ? {} : { onKey };
}

function progressOf(context: TaskContext, unit: string): { signal?: AbortSignal; onProgress: (done: number, total: number) => void } {
  let last = 0;
  return {
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onProgress(done, total) {
      if (done !== total && done - last < total / 10) return;
      last = done;
      context.onProgress?.({ stage: 'decode', done, total, unit });
    },
  };
}

/** Where decoded samples are kept: `TILEWRIGHT_CACHE`, else the user's folder for caches. Nothing there is needed for long. */
export function defaultCacheFolder(): string {
  return process.env['TILEWRIGHT_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tilewright', 'samples');
}

/** One file per data set, size and description: two sizes of the same data do not drive each other out. */
function cacheFile(folder: string | undefined, { source, found }: ListedData, size: string): string {
  const key = createHash('sha256').update(JSON.stringify([source, found.folder, found.description])).digest('hex').slice(0, 12);
  return join(folder ?? defaultCacheFolder(), `${basename(found.folder).replace(/[^\w.-]/g, '_')}-${size}-${key}.samples`);
}
