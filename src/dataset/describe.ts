import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { parse } from 'yaml';
import { nearestName } from '../card/index.js';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { openArchive } from './archive.js';
import { folderEntries } from './folder.js';
import { createPlacer } from './class-folders.js';
import type { DataDescription, SceneEntry } from '../samples/index.js';
import { isTagHeader, tableNames } from './tags.js';
import { PICTURE_ENDINGS } from './pictures.js';

/** A description and the folder (or archive) that its paths start from. */
export interface FoundData {
  readonly description: DataDescription;
  readonly folder: string;
  /** How it was found, for people: `dataset.yaml`, `folder per class` … */
  readonly by: string;
}

/** Name of the file that says what a folder of data is. */
export const DESCRIPTION_FILE = 'dataset.yaml';
const LEGENDS = ['classes.json', 'class_dict.csv', 'classes.csv'];
const ARCHIVES = new Set(['.zip', '.tar', '.7z', '.gz', '.tgz', '.rar']);

/**
 * Finds out what a path is as a data set: a description (`.yaml`, `.json`), a table (`.csv`), an archive, or a folder: by its
 * `dataset.yaml`, else by what the settings say that it is (`scenes=[…]`, `images=` with `masks=`), else by what lies in it; where several
 * tables lie in it, by the one that the settings (`table=NAME`) choose.
 * @throws {InvalidFileError} if it is nothing of the kind, or could be two things; with what is expected.
 */
export async function describeData(path: string, settings: readonly string[] = []): Promise<FoundData> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new InvalidFileError(path, 'expected a data set, found nothing');
  if (found.isDirectory()) return describeFolder(path, settings);
  const ending = extname(path).toLowerCase();
  if (PICTURE_ENDINGS.has(ending)) throw new InvalidFileError(path, 'expected a data set (a folder, table, archive or dataset.yaml), found a picture', { advice: `give the folder that holds it: ${dirname(path)}` });
  if (LEGENDS.includes(basename(path)) && (ending === '.json' || !(await isTagTable(path)))) throw new InvalidFileError(path, 'expected a data set (a folder, table, archive or dataset.yaml), found a legend', { advice: `give its folder: ${dirname(path)}` });
  if (ending === '.yaml' || ending === '.yml' || ending === '.json') return describeRest(parseDescription(parse(await readFile(path, 'utf8')) ?? {}, path), path, settings);
  if (ending === '.csv') return describeTable(dirname(path), basename(path));
  const archive = await openArchive(path);
  const { names } = archive;
  await archive.close();
  return { ...byNames(names, path), folder: path };
}

/** Keys that say what kind of data there are. */
const KINDS = ['table', 'class_folders', 'images', 'masks', 'scenes', 'classes'] as const satisfies readonly (keyof DataDescription)[];

/** A description from a file; one that does not say of what kind the data are has that from what lies beside it. */
async function describeRest(own: DataDescription, file: string, settings: readonly string[]): Promise<FoundData> {
  const folder = dirname(file);
  if (KINDS.some((key) => own[key] !== undefined)) return { description: own, folder, by: basename(file) };
  const found = await describeFiles(folder, await filesOf(folder), settings);
  return { ...found, description: { ...found.description, ...own }, by: `${found.by}, ${basename(file)}` };
}

async function filesOf(folder: string): Promise<string[]> {
  return (await folderEntries(folder)).filter(({ kind }) => kind === 'file').map(({ name }) => name);
}

async function describeFolder(folder: string, settings: readonly string[]): Promise<FoundData> {
  const files = await filesOf(folder);
  return files.includes(DESCRIPTION_FILE) ? describeData(join(folder, DESCRIPTION_FILE), settings) : describeFiles(folder, files, settings);
}

async function describeFiles(folder: string, files: readonly string[], settings: readonly string[]): Promise<FoundData> {
  const isSet = (key: string): boolean => settings.some((setting) => setting.startsWith(`${key}=`));
  const table = settings.find((setting) => setting.startsWith('table='))?.slice('table='.length);
  if (table !== undefined && files.includes(table)) return describeTable(folder, table);
  const key = files.find((name) => /^key-.+\.txt$/.test(name));
  if (isSet('scenes')) return { description: key === undefined ? {} : { key, truth: 'centre' }, folder, by: 'the scenes that were said' };
  if (isSet('images') && isSet('masks')) return { description: legendOrThreshold(files.find((name) => LEGENDS.includes(name))), folder, by: 'the pictures and masks that were said' };
  if (key !== undefined) return describeThemes(folder, key);
  const tables: string[] = [];
  let other = '';
  for (const file of files) {
    if (!/\.csv$/i.test(file) || LEGENDS.includes(file)) continue;
    if (await isTagTable(join(folder, file))) tables.push(file);
    else other ||= `; ${file} was seen, but its first line is ${JSON.stringify((await firstLine(join(folder, file))).slice(0, 60))}, not image_name,tags`;
  }
  if (tables.length > 1) throw new InvalidFileError(folder, `expected one table image_name,tags, found ${tables.join(', ')}`, { advice: `give one of these files, or --set table=${tables[0]!}` });
  if (tables.length === 1) return describeTable(folder, tables[0]!);
  const archive = await openArchive(folder);
  const { names } = archive;
  await archive.close();
  return { ...byNames(names, folder, other), folder };
}

/** Masks are compared with a legend where there is one; else they are dark and bright. */
function legendOrThreshold(legend: string | undefined): DataDescription {
  return legend === undefined ? { threshold: 128 } : { classes: legend };
}

/** @param other what to say of tables that are none of tags */
function byNames(names: readonly string[], path: string, other = ''): Omit<FoundData, 'folder'> {
  const pictures = names.filter((name) => PICTURE_ENDINGS.has(extname(name).toLowerCase()) && !basename(name).startsWith('.'));
  const legend = names.find((name) => LEGENDS.includes(basename(name)) && !name.includes('/'));
  const masks = legendOrThreshold(legend);
  const inFolder = (wanted: RegExp): string | undefined => pictures.flatMap((name) => name.split('/').slice(0, -1)).find((step) => wanted.test(step));
  const images = inFolder(/^images?$/i);
  const drawn = inFolder(/^(masks?|labels?|truth)$/i);
  if (images !== undefined && drawn !== undefined) return { description: { images, masks: drawn, ...masks }, by: 'folders of pictures and masks' };
  const pattern = (end: string): string | undefined => { const name = pictures.find((file) => basename(file, extname(file)).endsWith(end)); return name === undefined ? undefined : `*${end}${extname(name)}`; };
  const [sat, mask] = [pattern('_sat'), pattern('_mask')];
  if (sat !== undefined && mask !== undefined) return { description: { images: sat, masks: mask, ...masks }, by: 'names of pictures and masks' };
  const placeOf = createPlacer(pictures);
  const labels = new Set(pictures.map((name) => placeOf(name).label));
  labels.delete(undefined);
  if (labels.size > 1) return { description: { class_folders: true }, by: 'folder per class' };
  const needed = other === '' ? undefined : 'write image_name,tags as the first line of the table, with the pictures\' names and their tags, which are separated by spaces';
  if (labels.size === 1 && other === '') {
    const [only] = labels;
    if (only === images) throw new InvalidFileError(path, `expected masks (a folder masks beside ${images}), found none`, { advice: 'a segmenter needs a mask of the same name for every picture; chips need a table image_name,tags, or a folder per class' });
    if (only === drawn) throw new InvalidFileError(path, `expected pictures (a folder images beside ${drawn!}), found none`, { advice: 'a segmenter needs pictures in images and a mask of the same name for each' });
  }
  if (labels.size === 1) throw new InvalidFileError(path, `expected a folder of pictures per class, found pictures in one folder only, ${[...labels][0]!}${other}`, { advice: needed ?? 'a classifier needs pictures of at least two classes, each in a folder of its own' });
  throw new InvalidFileError(path, `expected a table image_name,tags with pictures, a folder per class, images with masks, or dataset.yaml, found none of them${other}`, needed === undefined ? {} : { advice: needed });
}

async function firstLine(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0]!;
}

async function isTagTable(file: string): Promise<boolean> {
  return isTagHeader(await firstLine(file));
}

/** The pictures of a table are where most of its names are: in a folder or archive beside it. */
async function describeTable(folder: string, table: string): Promise<FoundData> {
  const names = new Set(tableNames(await readFile(join(folder, table), 'utf8'), join(folder, table)));
  const nameOf = (path: string): string => basename(path, extname(path)).normalize('NFC');
  const entries = await folderEntries(folder);
  let best: { place: string; hits: number } | undefined;
  let failed: unknown;
  for (const entry of entries) {
    if (entry.kind === 'file' && !ARCHIVES.has(extname(entry.name).toLowerCase())) continue;
    try {
      const archive = await openArchive(join(folder, entry.name));
      const hits = new Set(archive.names.map(nameOf).filter((name) => names.has(name))).size;
      await archive.close();
      if (hits > (best?.hits ?? 0)) best = { place: entry.name, hits };
    } catch (error) {
      failed = error;
    }
  }
  const here = entries.filter((entry) => entry.kind === 'file' && PICTURE_ENDINGS.has(extname(entry.name).toLowerCase()) && names.has(nameOf(entry.name))).length;
  if (here > (best?.hits ?? 0)) best = { place: '.', hits: here };
  if (best === undefined) {
    if (failed instanceof InvalidFileError) throw failed;
    throw new InvalidFileError(join(folder, table), 'expected a folder, .zip or .tar with the pictures of its rows beside it, found none');
  }
  return { description: { table, pictures: best.place }, folder, by: 'table of tags' };
}

/** `key-theme.txt`, `theme/NAME-theme.png` and `3band/NAME.tif`. */
async function describeThemes(folder: string, key: string): Promise<FoundData> {
  const type = /^key-(.+)\.txt$/.exec(key)![1]!;
  const archive = await openArchive(folder);
  const pictures = archive.names.filter((name) => PICTURE_ENDINGS.has(extname(name).toLowerCase()));
  await archive.close();
  const stem = (name: string): string => basename(name, extname(name));
  const themes = pictures.filter((name) => stem(name).endsWith(`-${type}`));
  const scenes = themes.flatMap((themesFile): SceneEntry[] => {
    const name = stem(themesFile).slice(0, -type.length - 1);
    const scene = pictures.find((file) => stem(file) === name && file !== themesFile);
    return scene === undefined ? [] : [{ scene, themes: themesFile, name }];
  });
  if (scenes.length === 0) throw new InvalidFileError(folder, `expected scenes NAME.tif and themes NAME-${type}.png for ${key}, found none`);
  return { description: { key, scenes, truth: 'centre' }, folder, by: 'scenes with themes' };
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && value !== '';
const flag: Check = (value) => typeof value === 'boolean';
const texts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(text);
const whole = (least: number): Check => (value) => Number.isInteger(value) && (value as number) >= least;
const numbers = (count: number): Check => (value) => Array.isArray(value) && value.length === count && value.every((item) => typeof item === 'number' && Number.isFinite(item));
const oneOf = (...words: readonly string[]): Check => (value) => words.includes(value as string);

const SCENE_KEYS: Readonly<Record<keyof SceneEntry, readonly [Check, string]>> = {
  scene: [text, 'a path'], truth: [text, 'a path'], themes: [text, 'a path'], key: [text, 'a path'], polygons: [text, 'a path'], property: [text, 'a name'],
  area: [numbers(4), 'x, y, width, height'], name: [text, 'a name'],
};

const KEYS: Readonly<Record<keyof DataDescription, readonly [Check, string]>> = {
  table: [text, 'a path'], pictures: [text, 'a path'], class_folders: [flag, 'true or false'], images: [text, 'a folder or a pattern'], masks: [text, 'a folder or a pattern'],
  scenes: [(value) => Array.isArray(value) && value.length > 0, 'a list of scenes'], key: [text, 'a path'], classes: [text, 'a path'],
  threshold: [(value) => whole(1)(value) && (value as number) <= 255, 'a number from 1 to 255'], class_names: [(value) => texts(value) && new Set(value as string[]).size === (value as string[]).length, 'a list of names that differ'], leave_out: [texts, 'a list of names'],
  unknown_colors: [oneOf('refuse', 'ignore'), 'refuse or ignore'], swap_red_blue: [flag, 'true or false'],
  bands: [(value) => numbers(3)(value) && (value as number[]).every(whole(1)), 'three band numbers from 1'],
  range: [(value) => numbers(2)(value) && (value as number[])[0]! < (value as number[])[1]!, 'two values, the lower first'], frame: [whole(0), 'a whole number from 0'],
  chip: [whole(1), 'a whole number from 1'], stride: [whole(1), 'a whole number from 1'], least_share: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'a share from 0 to 1'],
  truth: [oneOf('share', 'centre'), 'share or centre'], limit: [whole(1), 'a whole number from 1'], seed: [whole(0), 'a whole number from 0'],
};

/**
 * Checks a description as it stands in YAML or JSON.
 * @throws {InvalidFileError} naming the key, what it may be, and the nearest known key.
 */
export function parseDescription(value: unknown, where: string): DataDescription {
  check(value, KEYS, where, '');
  const description = value as DataDescription;
  description.scenes?.forEach((scene, i) => check(scene, SCENE_KEYS, where, `scenes[${i}].`));
  description.scenes?.forEach((scene, i) => { if (!text(scene.scene)) throw new InvalidFileError(where, `expected scenes[${i}].scene to be a path, found none`); });
  return description;
}

function check(value: unknown, keys: Readonly<Record<string, readonly [Check, string]>>, where: string, prefix: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidFileError(where, `expected ${prefix === '' ? 'a description of data' : prefix.slice(0, -1)} as keys and values, found something else`);
  for (const [key, item] of Object.entries(value)) {
    const rule = keys[key];
    if (rule === undefined) {
      const near = nearestName(key, Object.keys(keys));
      throw new InvalidFileError(where, `expected one of the keys of a data set, found ${prefix}${key}`, { advice: near === undefined ? `they are ${Object.keys(keys).join(', ')}` : `did you mean ${near}?` });
    }
    if (!rule[0](item)) throw new InvalidFileError(where, `expected ${prefix}${key} to be ${rule[1]}, found ${JSON.stringify(item)}`);
  }
}

/** A description with some keys changed: `chip=64`, `bands=[3,2,1]`; values as in YAML. @throws {InvalidOptionError} */
export function changeDescription(description: DataDescription, settings: readonly string[]): DataDescription {
  const changed: Record<string, unknown> = { ...description };
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) throw new InvalidOptionError('--set', `expected key=value, got ${setting}`);
    changed[setting.slice(0, equals)] = parse(setting.slice(equals + 1)) as unknown;
  }
  // A threshold that was there for want of a legend would turn the legend's colours into others.
  const isSet = (key: string): boolean => settings.some((setting) => setting.startsWith(`${key}=`));
  if (description.classes === undefined && isSet('classes') && !isSet('threshold')) delete changed['threshold'];
  try {
    return parseDescription(changed, '--set');
  } catch (error) {
    if (error instanceof InvalidFileError) throw new InvalidOptionError('--set', error.message.replace('--set: ', ''), error.advice === undefined ? {} : { advice: error.advice });
    throw error;
  }
}
