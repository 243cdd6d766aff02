import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  collectContradictions, countTruth, hashPixels, noteNotSquare, noteUnreadable, noteUntrained, noteUnusable, partWithoutTruth, problemText, splitName, toRgba, type ChipList, type Contradiction, type MapList, type Picture, type Problem, type Problems,
} from '../dataset/index.js';
import { classColors } from '../card/index.js';
import { InvalidFileError, throwIfAborted, TilewrightError } from '../errors.js';
import { barChart, contactSheet, matrixChart, type SheetItem } from '../picture/index.js';
import { checkOutput, makeFolder, ordered, writeWhole, type TaskContext } from '../run/index.js';
import { IGNORE, type DataDescription, type Split } from '../samples/index.js';
import { listData, openChips, type ListedData } from './dataset/open.js';
import { sheetPicture } from './dataset/sheet-picture.js';

export interface DatasetInfoOptions {
  /** Folder, table, archive or description. */
  readonly data: string;
  /** Keys of the description with other values: `threshold=128`. */
  readonly set?: readonly string[];
  /** Folder for the pictures: `classes.png`, `together.png`, `samples.png`. Default: none are drawn. */
  readonly output?: string;
  /** Samples on the sheet. Default 9. */
  readonly samples?: number;
  /** Read no pixels of chips: counts only. Default false. */
  readonly quick?: boolean;
  readonly overwrite?: boolean;
}

export interface ClassCount {
  readonly name: string;
  readonly color: string;
  /** Chips with it, or pixels of it. */
  readonly count: number;
  /** Of all chips, or of all pixels that have a class. */
  readonly share: number;
}

export interface DatasetInfoResult {
  readonly data: string;
  /** What it was taken for, and why. */
  readonly kind: 'chips' | 'maps';
  readonly by: string;
  readonly description: DataDescription;
  readonly count: number;
  readonly groups: readonly { readonly name: string; readonly count: number }[];
  readonly parts?: { readonly train: number; readonly validation: number; readonly test: number };
  /** Smallest and largest; absent where nothing was decoded. */
  readonly width?: readonly [number, number];
  readonly height?: readonly [number, number];
  readonly classes: readonly ClassCount[];
  /** Chips: mean number of tags, and chips with both of two tags `[tags][tags]`. */
  readonly tagsPerChip?: number;
  readonly together?: readonly (readonly number[])[];
  /** Maps: pixels of no class, of all. */
  readonly ignoredShare?: number;
  /** Everything that is wrong or worth knowing. */
  readonly problems: readonly Problem[];
  readonly files: readonly string[];
}

interface Gathered {
  readonly classes: readonly ClassCount[];
  readonly sizes: Sizes;
  readonly items: readonly SheetItem[];
  readonly more: Partial<DatasetInfoResult>;
}

const FILES = ['classes.png', 'together.png', 'samples.png'] as const;

/**
 * Looks at a data set: what it was taken for, how many samples of which classes, which tags go together, and everything that
 * would keep it from being trained on, with counts and names. Every picture is decoded once, unless `quick`.
 */
export async function datasetInfo(options: DatasetInfoOptions, context: TaskContext = {}): Promise<DatasetInfoResult> {
  if (options.output !== undefined) for (const name of FILES) await checkOutput(join(options.output, name), { overwrite: options.overwrite ?? false, option: '-o' });
  const data = await listData({ data: options.data, ...(options.set === undefined ? {} : { set: options.set }) });
  try {
    const { list, problems, found } = data;
    const gathered = list.kind === 'chips' ? await lookAtChips(list, data, options, context) : await lookAtMaps(list, data, options, context);
    const groups = countGroups(list.kind === 'chips' ? list.groups : list.entries.map(({ group }) => group));
    const result: DatasetInfoResult = {
      data: options.data, kind: list.kind, by: found.by, description: found.description, count: list.kind === 'chips' ? list.names.length : list.entries.length, groups,
      ...(list.parts === undefined ? {} : { parts: sizesOf(list.parts) }), ...gathered.sizes.ranges(), classes: gathered.classes, ...gathered.more, problems: problems.all, files: [],
    };
    return options.output === undefined ? result : { ...result, files: await draw(result, gathered.items, options.output) };
  } finally {
    await data.list.close();
  }
}

interface Sizes {
  add(picture: { readonly width: number; readonly height: number }): void;
  ranges(): { readonly width?: readonly [number, number]; readonly height?: readonly [number, number] };
}

function collectSizes(): Sizes {
  let range: [number, number, number, number] | undefined;
  return {
    add({ width, height }) {
      range = range === undefined ? [width, width, height, height] : [Math.min(range[0], width), Math.max(range[1], width), Math.min(range[2], height), Math.max(range[3], height)];
    },
    ranges: () => (range === undefined ? {} : { width: [range[0], range[1]], height: [range[2], range[3]] }),
  };
}

function sizesOf(parts: Split): { train: number; validation: number; test: number } {
  return { train: parts.train.length, validation: parts.validation.length, test: parts.test.length };
}

function countGroups(groups: readonly string[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count }));
}

/** Places of the samples on the sheet: the first of a table, evenly spread where samples come sorted by class. */
function shown(count: number, wanted: number, spread: boolean): number[] {
  const total = Math.min(count, wanted);
  return Array.from({ length: total }, (_, i) => (spread ? Math.floor((i * count) / total) : i));
}

/** Chips that are decoded side by side. */
const AT_A_TIME = 16;

async function lookAtChips(list: ChipList, { problems }: ListedData, options: DatasetInfoOptions, context: TaskContext): Promise<Gathered> {
  const sizes = collectSizes();
  const places = shown(list.names.length, options.samples ?? 9, list.exclusive);
  const pictures = new Map<number, Picture>();
  const wanted = options.quick === true ? places : Array.from(list.names.keys());
  const onSheet = new Set(places);
  const contradictions = collectContradictions();
  let done = 0;
  const decode = (index: number): Promise<{ index: number; picture?: Picture; error?: unknown }> => list.decode(index).then((picture) => ({ index, picture }), (error: unknown) => ({ index, error }));
  for await (const { index, picture, error } of ordered(wanted, AT_A_TIME, decode, context.signal)) {
    if (picture === undefined) {
      // Told in the order of the list, whichever was decoded first.
      noteUnreadable(problems, error, list.fileOf(index));
    } else {
      sizes.add(picture);
      noteNotSquare(problems, picture, list.fileOf(index));
      if (onSheet.has(index)) pictures.set(index, picture);
      const labels = labelsOf(list, index);
      noteContradiction(problems, contradictions.add({ key: hashPixels(picture).update(picture.data).digest('base64'), labels, name: `${splitName(list.groups[index]!, list.names[index]!)} (${labels === '' ? 'no tag' : labels})` }));
    }
    if (++done % 1024 === 0 || done === wanted.length) context.onProgress?.({ stage: 'check', done, total: wanted.length, unit: 'chips' });
  }
  throwIfAborted(context.signal);
  if (list.parts !== undefined) noteUntrained(problems, list.tags, countTruth(list.names.length, list.tags.length, (sample, id) => list.targets[sample * list.tags.length + id]!, list.parts.train));
  const tagged = tagCounts(list.targets, list.tags.length);
  const items = places.map((index): SheetItem => ({
    ...(pictures.has(index) ? { picture: toRgba(pictures.get(index)!) } : {}), caption: list.names[index]!,
    lines: [labelsOf(list, index)],
  }));
  return { sizes, items, ...tagSummary(list.tags, tagged, list.names.length, list.exclusive) };
}

function labelsOf({ tags, targets }: Pick<ChipList, 'tags' | 'targets'>, index: number): string {
  return tags.filter((_, tag) => targets[index * tags.length + tag] === 1).join(', ');
}

/** A remark: training goes on, but one of the two is wrong. */
function noteContradiction(problems: Problems, found: Contradiction | undefined): void {
  if (found !== undefined) problems.remark('sample with the pixels of another one and other labels', `${found.first} and ${found.second}`);
}

function tagCounts(targets: Uint8Array, tags: number): number[][] {
  const together = Array.from({ length: tags }, () => new Array<number>(tags).fill(0));
  for (let row = 0; row < targets.length; row += tags) {
    for (let a = 0; a < tags; a++) {
      if (targets[row + a] === 0) continue;
      for (let b = 0; b < tags; b++) if (targets[row + b] === 1) together[a]![b]!++;
    }
  }
  return together;
}

function tagSummary(tags: readonly string[], together: readonly (readonly number[])[], chips: number, exclusive: boolean): Pick<Gathered, 'classes' | 'more'> {
  const colors = classColors(tags);
  const classes = tags.map((name, id) => ({ name, color: colors[id]!, count: together[id]![id]!, share: chips === 0 ? 0 : together[id]![id]! / chips }));
  return { classes, more: exclusive ? {} : { together, tagsPerChip: classes.reduce((sum, { share }) => sum + share, 0) } };
}

async function lookAtMaps(list: MapList, data: ListedData, options: DatasetInfoOptions, context: TaskContext): Promise<Gathered> {
  if (data.found.description.chip !== undefined) return lookAtWindows(data, options, context);
  const { problems } = data;
  const sizes = collectSizes();
  const countsOf = list.entries.map(() => new Array<number>(list.classes.length).fill(0));
  const places = new Set(shown(list.entries.length, Math.ceil((options.samples ?? 9) / 2), true));
  const items: SheetItem[] = [];
  const contradictions = collectContradictions();
  let ignored = 0;
  for (const [index, entry] of list.entries.entries()) {
    throwIfAborted(context.signal);
    try {
      const rows = await entry.open();
      try {
        if (rows.width === 0) continue;
        sizes.add(rows);
        const sheet = places.has(index) ? sheetPicture(rows.width, rows.height) : undefined;
        const step = Math.max(1, Math.floor((16 * 1024 * 1024) / (rows.width * 3)));
        const [seen, labels] = [hashPixels(rows), createHash('sha1')];
        for (let y = 0; y < rows.height; y += step) {
          const { pixels, mask } = await rows.read(y, Math.min(step, rows.height - y));
          for (let i = 0; i < mask.length; i++) if (mask[i] === IGNORE) ignored++; else countsOf[index]![mask[i]!]!++;
          seen.update(pixels);
          labels.update(mask);
          sheet?.add(y, pixels, mask, list.classes);
        }
        noteContradiction(problems, contradictions.add({ key: seen.digest('base64'), labels: labels.digest('base64'), name: splitName(entry.group, entry.name) }));
        if (sheet !== undefined) items.push({ picture: sheet.image, caption: entry.name, lines: [entry.group] }, { picture: sheet.drawn, caption: 'classes', lines: [''] });
      } finally {
        await rows.close();
      }
    } catch (error) {
      if (!(error instanceof TilewrightError)) throw error;
      if (error instanceof InvalidFileError) noteUnusable(problems, error);
      else problems.add('file that cannot be read', error.message);
    }
    context.onProgress?.({ stage: 'check', done: index + 1, total: list.entries.length, unit: 'pictures' });
  }
  const names = list.classes.map(({ name }) => name);
  const every = Int32Array.from(list.entries.keys());
  const truth = countTruth(list.entries.length, names.length, (picture, id) => countsOf[picture]![id]!, list.parts?.train ?? every);
  const counts = truth.all;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const lacking = ignored === 0 || problems.faults > 0 ? undefined : total === 0 ? 'truth' : list.parts === undefined ? undefined : partWithoutTruth(countsOf, list.parts);
  if (lacking !== undefined) problems.add(`${lacking === 'truth' ? lacking : `${lacking} part`} without a single pixel of a class`, 'all are ignored');
  noteUntrained(problems, names, truth);
  list.classes.forEach(({ name }, id) => { if (counts[id] === 0) problems.remark('class without a pixel', name); });
  const classes = list.classes.map(({ name, color }, id) => ({ name, color: hex(color), count: counts[id]!, share: total === 0 ? 0 : counts[id]! / total }));
  return { sizes, items, classes, more: { ignoredShare: total + ignored === 0 ? 0 : ignored / (total + ignored) } };
}

/** Chips that are windows of pictures or scenes: their tags are known when the masks have been read. */
async function lookAtWindows(data: ListedData, options: DatasetInfoOptions, context: TaskContext): Promise<Gathered> {
  const { chip } = data.found.description;
  const { samples, remarks } = await openChips({ data: data.found, size: chip! }, context);
  try {
    for (const { kind, count, examples } of remarks) data.problems.remark(kind, examples, count);
    const sizes = collectSizes();
    sizes.add({ width: samples.size, height: samples.size });
    const items = shown(samples.count, options.samples ?? 9, true).map((index): SheetItem => {
      const pixels = new Uint8Array(samples.size * samples.size * 3);
      samples.read(index, pixels, 0);
      return { picture: toRgba({ width: samples.size, height: samples.size, data: pixels }), caption: samples.nameOf(index), lines: [samples.tags.filter((_, tag) => samples.targets[index * samples.tags.length + tag] === 1).join(', ')] };
    });
    const summary = tagSummary(samples.tags, tagCounts(samples.targets, samples.tags.length), samples.count, samples.exclusive);
    return { sizes, items, ...summary, classes: summary.classes.map((entry, id) => ({ ...entry, color: samples.colors[id]! })), more: { ...summary.more, count: samples.count, kind: 'chips', groups: countGroups(samples.groups) } };
  } finally {
    await samples.close();
  }
}

async function draw(result: DatasetInfoResult, items: readonly SheetItem[], folder: string): Promise<string[]> {
  await makeFolder(folder);
  const files: string[] = [];
  const write = async (name: (typeof FILES)[number], png: Buffer): Promise<void> => { await writeWhole(join(folder, name), png); files.push(join(folder, name)); };
  const unit = result.kind === 'chips' ? 'chips' : 'pixels';
  const percent = (share: number): string => `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;
  await write('classes.png', await barChart({
    title: `Classes of ${result.data.replace(/^.*\//, '')}`, subtitle: `${result.count} ${result.kind === 'chips' ? 'chips' : 'pictures'}; share of ${unit}`,
    bars: [...result.classes].sort((a, b) => b.count - a.count).map(({ name, color, share, count }) => ({ name, color, value: share, label: `${percent(share)}  (${count.toLocaleString('en')})` })),
  }));
  if (result.together !== undefined && result.classes.length > 1) {
    await write('together.png', await matrixChart({
      title: 'Tags that go together', subtitle: 'of the chips with the tag on the left, per cent that have the tag above', names: result.classes.map(({ name }) => name), colors: result.classes.map(({ color }) => color),
      values: result.together.map((row, tag) => row.map((count) => count / row[tag]!)), rowLabel: 'has this tag', columnLabel: 'also has this tag',
    }));
  }
  await write('samples.png', await contactSheet({ title: `Samples of ${result.data.replace(/^.*\//, '')}`, items, ...(result.kind === 'chips' ? { columns: Math.ceil(Math.sqrt(items.length)) } : { columns: Math.max(2, 2 * Math.ceil(Math.sqrt(items.length / 2) / 1.4)) }) }));
  return files;
}

function hex(color: readonly number[]): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** Lines for people. */
export function describeProblems(problems: readonly Problem[]): string[] {
  return [...problems].sort((a, b) => Number(b.fault) - Number(a.fault)).map((problem) => `${problem.fault ? 'fault' : 'note '}  ${problemText(problem)}`);
}
