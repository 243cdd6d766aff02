import {
  copies, describeData, leaksByContent, leaksByPlace, MOST_PAIRS, pairCount, splitByBlock, splitByGroup, splitName, splitRandomly, splitStratified, splitText,
  type CachedMaps, type Leak, type SamplePlace,
} from '../dataset/index.js';
import { InvalidFileError, InvalidOptionError, throwIfAborted } from '../errors.js';
import { groundSize, pixelToCrs, toLonLat } from '../georef/index.js';
import type { SceneProfile } from '../raster/index.js';
import { checkOutput, writeWhole, type TaskContext } from '../run/index.js';
import type { ChipSamples, Split } from '../samples/index.js';
import { openScene } from '../scene/index.js';
import { listData, openChips, openMaps } from './dataset/open.js';

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

export interface FoundLeak {
  readonly first: string;
  readonly second: string;
  readonly by: Leak['by'];
  /** Whether the two are in different parts, so that one part knows of the other. */
  readonly acrossParts: boolean;
  readonly overlap?: Leak['overlap'];
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

/** Samples as a split sees them. */
interface Splittable {
  readonly names: readonly string[];
  readonly groups: readonly string[];
  /** `[samples, tags]`: how much of each class; 0 or 1 for chips, shares for pictures. */
  readonly amounts: readonly (readonly number[])[];
  readonly classes: readonly string[];
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  readonly pixels: (index: number) => Uint8Array;
  /** Paths of the scenes or pictures that the samples come from, and their windows in them. */
  readonly origin: (index: number) => { readonly file: string; readonly window?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } } | undefined;
  close(): Promise<void>;
}

/** A class that covers this share of a picture counts as its tag when pictures are stratified. */
const PRESENT = 0.02;
const SPLITS = ['train', 'validation', 'test'] as const;
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
    const leaks = options.leaks === false ? [] : await findLeaks({ samples, split, places, notes }, context);
    const made = { by: options.by ?? 'random', seed: options.seed ?? 1, validation: options.validationGroups ?? options.validation ?? 0.1, test: options.testGroups ?? options.test ?? 0.1, ...(options.block === undefined ? {} : { block: options.block }), ...(options.set === undefined || options.set.length === 0 ? {} : { set: options.set }) };
    await writeWhole(options.output, splitText(split, samples.names, made));
    const { train, validation, test } = split;
    return { output: options.output, by: made.by, train: train.length, validation: validation.length, test: test.length, left: split.left?.length ?? 0, classes: shares(samples, split), leaks, notes };
  } finally {
    await samples.close();
  }
}

async function openSplittable(options: DatasetSplitOptions, context: TaskContext): Promise<Splittable> {
  const found = await describeData(options.data);
  const common = { data: found, ...(options.set === undefined ? {} : { set: options.set }) };
  const { list, found: changed } = await listData(common);
  await list.close();
  if (list.kind === 'chips') return chipsAsSplittable((await openChips({ ...common, size: COMPARED }, context)).samples, list.files.length === list.names.length || list.files.length === list.names.length + 1 ? list.files.slice(-list.names.length) : undefined);
  const files = new Map(list.entries.map(({ group, name, file }) => [`${group}/${name}`, file]));
  if (changed.description.chip !== undefined) {
    const { samples } = await openChips({ ...common, size: changed.description.chip }, context);
    return chipsAsSplittable(samples, undefined, files);
  }
  return mapsAsSplittable((await openMaps(common, context)).samples, files);
}

type WithWindows = ChipSamples & { readonly windowOf?: (index: number) => { readonly x: number; readonly y: number; readonly width: number; readonly height: number }; readonly pictureOf?: (index: number) => string };

function chipsAsSplittable(samples: WithWindows, files: readonly string[] | undefined, pictures?: ReadonlyMap<string, string | undefined>): Splittable {
  const tags = samples.tags.length;
  const buffer = new Uint8Array(samples.size * samples.size * 3);
  const indices = Array.from({ length: samples.count }, (_, index) => index);
  return {
    names: indices.map((index) => splitName(samples.groups[index]!, samples.nameOf(index))), groups: samples.groups, classes: samples.tags,
    amounts: indices.map((index) => Array.from(samples.targets.subarray(index * tags, (index + 1) * tags))),
    sizes: indices.map(() => ({ width: samples.size, height: samples.size })),
    pixels: (index) => { samples.read(index, buffer, 0); return buffer; },
    origin(index) {
      const window = samples.windowOf?.(index);
      const file = window === undefined ? files?.[index] : pictures?.get(samples.pictureOf!(index)) ?? samples.pictureOf!(index);
      return file === undefined ? undefined : { file, ...(window === undefined ? {} : { window }) };
    },
    close: () => samples.close(),
  };
}

function mapsAsSplittable(samples: CachedMaps, files: ReadonlyMap<string, string | undefined>): Splittable {
  const { pictures } = samples;
  return {
    names: pictures.map(({ group, name }) => splitName(group, name)), groups: pictures.map(({ group }) => group), classes: samples.classes,
    amounts: samples.counts.map((counts) => { const total = counts.reduce((sum, count) => sum + count, 0); return counts.map((count) => (total === 0 ? 0 : count / total)); }),
    sizes: pictures,
    pixels: (index) => samples.read(index).pixels,
    origin: (index) => { const file = files.get(`${pictures[index]!.group}/${pictures[index]!.name}`); return file === undefined ? undefined : { file }; },
    close: () => samples.close(),
  };
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
      if (places === undefined || places.kind === 'none') throw new InvalidFileError(options.data, 'expected samples whose place is known (GeoTIFFs, or chips cut from scenes), found others', { advice: 'split by group' });
      const split = splitByBlock(places.list, { ...shareOptions, block: options.block });
      notes.push(`${split.blocks} blocks of ${options.block} ${places.kind === 'ground' ? 'm' : 'pixels'}`);
      return split;
    }
  }
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

interface Places { readonly kind: 'ground' | 'pixels' | 'none'; readonly list: readonly SamplePlace[] }

/** Boxes on the ground in metres, where every origin has a place; else pixels of the scenes; else none. */
async function placesOf(samples: Splittable): Promise<Places> {
  const profiles = new Map<string, SceneProfile | undefined>();
  const list: SamplePlace[] = [];
  const onGround: DegreeBox[] = [];
  for (let index = 0; index < samples.names.length; index++) {
    const origin = samples.origin(index);
    if (origin === undefined) return { kind: 'none', list: [] };
    if (!profiles.has(origin.file)) profiles.set(origin.file, await profileOf(origin.file));
    const profile = profiles.get(origin.file);
    const window = origin.window ?? { x: 0, y: 0, width: profile?.width ?? 1, height: profile?.height ?? 1 };
    if (origin.window !== undefined) list.push({ frame: origin.file, left: window.x, top: window.y, right: window.x + window.width, bottom: window.y + window.height });
    const box = profile === undefined ? undefined : degreeBox(profile, window);
    if (box !== undefined) onGround.push(box);
    // The first chip without a place and without a scene decides: looking into all others would be in vain.
    else if (origin.window === undefined) return { kind: 'none', list: [] };
  }
  if (onGround.length === samples.names.length) return { kind: 'ground', list: inMetres(onGround) };
  return list.length === samples.names.length ? { kind: 'pixels', list } : { kind: 'none', list: [] };
}

async function profileOf(file: string): Promise<SceneProfile | undefined> {
  try {
    const scene = await openScene(file);
    await scene.close();
    return scene.profile;
  } catch {
    return undefined; // a picture of an archive, or one that is read otherwise: without a place
  }
}

interface DegreeBox { readonly west: number; readonly east: number; readonly south: number; readonly north: number }

/** A window's box along meridians and parallels, in degrees. */
function degreeBox(profile: SceneProfile, window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): DegreeBox | undefined {
  const lonLat = toLonLat(profile.crs);
  if (profile.transform === undefined || lonLat === undefined || groundSize(profile.transform, profile.crs, window.x, window.y) === undefined) return undefined;
  const corners = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([u, v]) => lonLat(...pixelToCrs(profile.transform!, window.x + u! * window.width, window.y + v! * window.height)));
  if (corners.some((corner) => corner === undefined)) return undefined;
  const lons = corners.map((corner) => corner![0]);
  const lats = corners.map((corner) => corner![1]);
  return { west: Math.min(...lons), east: Math.max(...lons), south: Math.min(...lats), north: Math.max(...lats) };
}

const METRES_PER_DEGREE = 111_320;

/**
 * Boxes in metres from 0°, 0°. All longitudes have one scale, that of the mean latitude: boxes that overlap in degrees overlap
 * here and the other way round. Far from that latitude east and west are not true to scale, which only changes how wide blocks are.
 */
function inMetres(boxes: readonly DegreeBox[]): SamplePlace[] {
  const latitude = boxes.reduce((sum, { south, north }) => sum + (south + north) / 2, 0) / boxes.length;
  const scale = METRES_PER_DEGREE * Math.cos((latitude * Math.PI) / 180);
  return boxes.map(({ west, east, south, north }) => ({ frame: 'ground', left: west * scale, right: east * scale, top: -north * METRES_PER_DEGREE, bottom: -south * METRES_PER_DEGREE }));
}

interface LeakSearch { readonly samples: Splittable; readonly split: MadeSplit; readonly places: Places | undefined; readonly notes: string[] }

async function findLeaks({ samples, split, places, notes }: LeakSearch, context: TaskContext): Promise<FoundLeak[]> {
  const count = samples.names.length;
  const part = new Int8Array(count).fill(-1);
  SPLITS.forEach((name, id) => { for (const index of split[name]) part[index] = id; });
  const acrossParts = (a: number, b: number): boolean => part[a] !== part[b] && part[a] !== -1 && part[b] !== -1;
  const acrossGroups = (a: number, b: number): boolean => samples.groups[a] !== samples.groups[b];
  const leaks = copies(count, samples.pixels, (a, b) => acrossParts(a, b) || acrossGroups(a, b));
  if (places !== undefined && places.kind !== 'none') leaks.push(...leaksByPlace(places.list, acrossParts));
  else {
    const grouped = new Set(samples.groups).size > 1;
    const apart = (a: number, b: number): boolean => !grouped || acrossGroups(a, b);
    const pairs = pairCount(grouped ? samples.groups : samples.names);
    if (pairs > MOST_PAIRS) notes.push(`${count} samples without a known place: equal ones were looked for, overlapping ones were not (${pairs.toLocaleString('en')} pairs)`);
    else {
      leaks.push(...await leaksByContent({
        sizes: samples.sizes, pixels: samples.pixels, apart,
        onPair: async (done) => {
          if (done % 100 !== 0 && done !== pairs) return;
          await new Promise(setImmediate);
          throwIfAborted(context.signal);
          context.onProgress?.({ stage: 'compare', done, total: pairs, unit: 'pairs' });
        },
      }));
    }
  }
  return leaks.map(({ first, second, by, overlap }) => ({ first: samples.names[first]!, second: samples.names[second]!, by, acrossParts: acrossParts(first, second), ...(overlap === undefined ? {} : { overlap }) }));
}

function shares(samples: Splittable, split: Split): DatasetSplitResult['classes'] {
  const of = (places: Int32Array, id: number): number => (places.length === 0 ? 0 : places.reduce((sum, index) => sum + samples.amounts[index]![id]!, 0) / places.length);
  return samples.classes.map((name, id) => ({ name, train: of(split.train, id), validation: of(split.validation, id), test: of(split.test, id) }));
}
