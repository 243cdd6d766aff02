import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import type { Split } from '../samples/index.js';
import { openArchive, type Archive } from './archive.js';
import { surveyMasks, type MaskKind } from './binary-masks.js';
import { pictureOptions, type ListOptions } from './chip-list.js';
import { partOf } from './class-folders.js';
import { colourToClass, ignoreFrame, readMaskClasses, thresholdBands, twoClasses, valueToClass, type MaskClasses } from './colours.js';
import { isForeign } from './folder.js';
import { PICTURE_ENDINGS } from './pictures.js';
import { readMask, readPicture, type ColourMask, type ValueMask } from './read-picture.js';
import type { MapEntry, MapList, MapRows } from './map-list.js';

interface Pair { readonly group: string; readonly name: string; readonly image: string; readonly mask: string }

/**
 * Pictures with masks of the same names, from a folder or an archive: in folders beside each other (`images` and `masks`, at any
 * depth: what stands above is the group) or told apart by name (`*_sat.jpg` and `*_mask.png`). Pictures without a mask are
 * faults, except in a folder `test`, as published sets have it, and where the description says otherwise.
 */
export async function listPairs(options: ListOptions): Promise<MapList> {
  const { description, folder, problems } = options;
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
  const archive = await openArchive(folder);
  const classes = await maskClasses(options);
  const pairs = findPairs(archive, options);
  if (pairs.length === 0) {
    await archive.close();
    problems.throwIfAny(folder);
    throw new InvalidFileError(folder, `expected pictures ${description.images ?? 'images'} and masks ${description.masks ?? 'masks'} of the same names, found none`);
  }
  const { threshold } = description;
  let survey: Promise<MaskKind> | undefined;
  // Looked at when the first is opened: what is decoded already needs none.
  const kindOf = (): Promise<MaskKind | undefined> => {
    if (threshold === undefined || description.classes !== undefined) return Promise.resolve(threshold === undefined ? undefined : { threshold });
    return (survey ??= surveyMasks({ masks: pairs.map(({ mask }) => mask), read: (name) => archive.read(name), openScene: options.openScene, threshold }));
  };
  const pick = (part: keyof Split): Int32Array => Int32Array.from(pairs.flatMap((pair, index) => (partOf(pair.group) === part ? [index] : [])));
  const parts = pairs.every((pair) => partOf(pair.group) !== undefined) ? { train: pick('train'), validation: pick('validation'), test: pick('test') } : undefined;
  if (parts === undefined && pairs.some((pair) => partOf(pair.group) !== undefined)) {
    for (const { group } of pairs) if (partOf(group) === undefined) problems.remark('picture beside the folders of parts (train, validate, test): no part is taken from folders', group);
  }
  return {
    kind: 'maps', classes: classes.classes, ...(classes.ignored.length === 0 ? {} : { ignored: classes.ignored }), ...(parts === undefined ? {} : { parts }),
    entries: pairs.map((pair): MapEntry => ({ name: pair.name, group: pair.group, open: async () => openPair(pair, archive, { classes, kind: await kindOf() }, options), ...(isFolder ? { file: join(folder, pair.image) } : {}) })),
    files: isFolder ? pairs.flatMap((pair) => [join(folder, pair.image), join(folder, pair.mask)]) : [folder],
    close: () => archive.close(),
  };
}

async function maskClasses({ description, folder }: ListOptions): Promise<MaskClasses> {
  if (description.classes !== undefined) return readMaskClasses(join(folder, description.classes), description.leave_out ?? []);
  const { threshold, class_names: names } = description;
  if (threshold !== undefined && names !== undefined && names.length > 2) throw new InvalidFileError(folder, `expected class_names of two classes, dark and bright, for masks without a legend, found ${names.length}: ${names.slice(0, 3).join(', ')} …`, { advice: 'write classes.json: {"classes": [{"name": "' + names[0]! + '", "value": 0}, …]}, with the value that masks have for each' });
  if (threshold !== undefined) return twoClasses(names);
  throw new InvalidFileError(folder, 'expected a legend of the masks (classes.json or class_dict.csv), found none', { advice: 'for masks of two classes give a threshold: --set threshold=128' });
}

function findPairs(archive: Archive, { description, problems }: ListOptions): Pair[] {
  const { images = 'images', masks = 'masks', classes } = description;
  const place = images.includes('*') ? byPattern : byFolder;
  noteForeign(archive, { images, masks, classes, problems, place });
  const pictures = archive.names.filter((path) => PICTURE_ENDINGS.has(extname(path).toLowerCase()) && !basename(path).startsWith('.'));
  const key = (group: string, name: string): string => `${group}/${name}`.normalize('NFC');
  const found = new Map<string, Pair>();
  const drawn = new Map<string, string>();
  for (const path of pictures) {
    const mask = place(path, masks);
    if (mask === undefined) continue;
    const id = key(mask.group, mask.name);
    if (drawn.has(id)) problems.add('name that several masks have', `${drawn.get(id)!} and ${path}`);
    else drawn.set(id, path);
  }
  for (const path of pictures) {
    const image = place(path, images);
    if (image === undefined || (place(path, masks) !== undefined && masks !== images)) continue;
    const id = key(image.group, image.name);
    const mask = drawn.get(id);
    if (mask === undefined) {
      if (partOf(image.group) === undefined || partOf(image.group) === 'train') problems.add('picture without a mask', path);
      else problems.remark('picture without a mask, left out', path);
      continue;
    }
    const other = found.get(id);
    if (other !== undefined) { problems.add('name that several pictures have', `${other.image} and ${path}`); continue; }
    found.set(id, { ...image, image: path, mask });
  }
  for (const [id, path] of drawn) if (!found.has(id) && !problems.all.some(({ examples }) => examples.includes(id))) problems.remark('mask without a picture, left out', path);
  return [...found.values()];
}

interface Places { readonly images: string; readonly masks: string; readonly classes: string | undefined; readonly problems: ListOptions['problems']; readonly place: (path: string, wanted: string) => Named | undefined }

/** Files where pictures and masks are that are neither. */
function noteForeign(archive: Archive, { images, masks, classes, problems, place }: Places): void {
  const names = images.includes('*');
  const folders = new Set(archive.names.filter((path) => place(path, images) !== undefined).map(dirname));
  for (const path of archive.names) {
    if (!isForeign(path) || path === classes) continue;
    const isPicture = PICTURE_ENDINGS.has(extname(path).toLowerCase());
    const isPlaced = place(path, images) !== undefined || place(path, masks) !== undefined;
    if (!names && isPlaced && !isPicture) problems.remark('file that is no picture, left out', path);
    if (names && !isPlaced && folders.has(dirname(path))) problems.remark(isPicture ? 'picture that is called neither as an image nor as a mask, left out' : 'file that is no picture, left out', path);
  }
}

interface Named { readonly group: string; readonly name: string }

/** `tile1/images/part_001.jpg` in `images` → group `tile1`, name `part_001`. */
function byFolder(path: string, folder: string): Named | undefined {
  const steps = path.split('/');
  const file = steps.pop()!;
  const wanted = folder.split('/');
  for (let at = 0; at + wanted.length <= steps.length; at++) {
    if (!wanted.every((step, i) => steps[at + i] === step)) continue;
    const inside = steps.slice(at + wanted.length);
    return { group: [...steps.slice(0, at), ...inside].join('/'), name: basename(file, extname(file)) };
  }
  return undefined;
}

/** `train/12_sat.jpg` by `*_sat.jpg` → group `train`, name `12`. */
function byPattern(path: string, pattern: string): Named | undefined {
  const [before = '', after = ''] = basename(pattern).split('*');
  const file = basename(path);
  if (!file.startsWith(before) || !file.endsWith(after) || file.length <= before.length + after.length) return undefined;
  const folder = dirname(path) === '.' ? '' : dirname(path);
  const wanted = dirname(pattern) === '.' ? undefined : dirname(pattern);
  if (wanted !== undefined && folder !== wanted && !folder.endsWith(`/${wanted}`)) return undefined;
  const group = wanted === undefined ? folder : folder.slice(0, folder.length - wanted.length).replace(/\/$/, '');
  return { group, name: file.slice(before.length, file.length - after.length) };
}

/** What masks mean. */
interface Meaning { readonly classes: MaskClasses; readonly kind: MaskKind | undefined }

async function openPair(pair: Pair, archive: Archive, { classes, kind }: Meaning, options: ListOptions): Promise<MapRows> {
  const { description, problems } = options;
  if (kind !== undefined && 'values' in kind) throw unnamedValues(pair.mask, kind.values);
  const image = await readPicture(await archive.read(pair.image), pair.image, pictureOptions(options));
  const drawn = await readMask(await archive.read(pair.mask), pair.mask, options.openScene);
  if (image.width !== drawn.width || image.height !== drawn.height) {
    problems.add('mask of another size', `${pair.image}: picture ${image.width}×${image.height}, mask ${drawn.width}×${drawn.height}`);
    return { width: 0, height: 0, read: () => Promise.resolve({ pixels: new Uint8Array(), mask: new Uint8Array() }), close: () => Promise.resolve() };
  }
  const { mask, unknown } = classesOf(drawn, pair.mask, classes, kind?.threshold);
  const what = 'values' in drawn ? 'value' : 'colour';
  for (const [colour, count] of unknown) {
    if (description.unknown_colors === 'ignore') problems.remark(`pixel of a ${what} of no class, ignored`, `${pair.mask}: ${colour} in ${count} ${count === 1 ? 'pixel' : 'pixels'}`, count);
    else problems.add(`${what} of no class`, `${pair.mask}: ${colour} in ${count} ${count === 1 ? 'pixel' : 'pixels'}`);
  }
  const { width, height } = image;
  ignoreFrame(mask, width, height, description.frame ?? 0);
  return {
    width, height,
    read: (y, count) => Promise.resolve({ pixels: image.data.subarray(y * width * 3, (y + count) * width * 3), mask: mask.subarray(y * width, (y + count) * width) }),
    close: () => Promise.resolve(),
  };
}

/** For masks that would all be dark, or nearly. */
function unnamedValues(mask: string, values: readonly number[]): InvalidFileError {
  const some = `${values.slice(0, 6).join(', ')}${values.length > 6 ? ' …' : ''}`;
  return new InvalidFileError(mask, `expected a legend, or masks that are dark and bright: the masks hold ${some}, and no legend says what they are`, {
    advice: `write classes.json beside the folders: {"classes": [{"name": "…", "value": ${values.find((value) => value > 0)!}}, …]}, or for masks of two classes from which value on they are bright: --set threshold=…`,
  });
}

/** Ids of a mask's pixels; those without data are ignored. */
function classesOf(drawn: ColourMask | ValueMask, name: string, classes: MaskClasses, threshold: number | undefined): ReturnType<typeof colourToClass> {
  if (!('values' in drawn)) {
    if (threshold !== undefined) thresholdBands(drawn.data, threshold);
    return colourToClass(drawn.data, classes, drawn.known);
  }
  if (threshold === undefined && classes.classes.every(({ inMask }) => inMask === undefined)) {
    throw new InvalidFileError(name, 'expected 8-bit colours, since the legend has colours, found one band of more than 8 bits', { advice: 'give every class of the legend the "value" that masks have for it' });
  }
  return valueToClass(drawn.values, classes, { threshold, known: drawn.known });
}
