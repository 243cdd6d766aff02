import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import type { MaskedPicture } from '../samples/index.js';
import { colourToClass, ignoreFrame, reduceMask, type MaskClasses } from './colours.js';
import { averageSquares, decodePicture, swapRedBlue } from './decode.js';
import { collectProblems, type Problems } from './problems.js';

export interface LoadPairsOptions {
  /** Folder with `<group>/images/*.jpg` and `<group>/masks/*.png` of the same names, or just `images` and `masks`. */
  readonly folder: string;
  readonly classes: MaskClasses;
  /** Groups to read. Default: all. */
  readonly groups?: readonly string[];
  /** Pictures are averaged over squares of so many pixels, masks take the most frequent class. Default 1. */
  readonly reduce?: number;
  /** For pictures (not masks) that have red and blue the wrong way round. Default false. */
  readonly swapRedBlue?: boolean;
  /** Pixels around each picture that are ignored. Default 0. */
  readonly frame?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

interface Pair { readonly group: string; readonly name: string; readonly image: string; readonly mask: string }

/**
 * Reads all pairs of pictures and masks. Sizes that differ, colours that no class has, masks that are missing and files that
 * cannot be read are reported together.
 * @throws {InvalidFileError}
 */
export async function loadPairs(options: LoadPairsOptions): Promise<MaskedPicture[]> {
  const problems = collectProblems();
  const pairs = await findPairs(options, problems);
  const out: MaskedPicture[] = [];
  for (const pair of pairs) {
    throwIfAborted(options.signal);
    const read = await readPair(pair, options, problems);
    if (read !== undefined) out.push(read);
    options.onProgress?.(out.length, pairs.length);
  }
  problems.throwIfAny(options.folder);
  return out;
}

async function readPair(pair: Pair, options: LoadPairsOptions, problems: Problems): Promise<MaskedPicture | undefined> {
  const { reduce = 1, frame = 0 } = options;
  const label = `${pair.group}/${pair.name}`;
  try {
    const image = await decodePicture(await readFile(pair.image), pair.image);
    const drawn = await decodePicture(await readFile(pair.mask), pair.mask);
    if (image.width !== drawn.width || image.height !== drawn.height) {
      problems.add('mask of another size', `${label}: picture ${image.width}×${image.height}, mask ${drawn.width}×${drawn.height}`);
      return undefined;
    }
    const { mask, unknown } = colourToClass(drawn.data, options.classes);
    for (const [colour, count] of unknown) problems.add('colour of no class', `${label}: ${colour} in ${count} pixels`);
    ignoreFrame(mask, image.width, image.height, frame);
    const small = averageSquares(options.swapRedBlue === true ? swapRedBlue(image) : image, reduce);
    return { name: pair.name, group: pair.group, width: small.width, height: small.height, pixels: small.data, mask: reduceMask(mask, image.width, image.height, reduce) };
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error;
    problems.add('file that cannot be decoded', error.file);
    return undefined;
  }
}

async function findPairs(options: LoadPairsOptions, problems: Problems): Promise<Pair[]> {
  const { folder } = options;
  if (!(await isFolder(folder))) throw new InvalidFileError(folder, 'expected a folder with images and masks, found none');
  const found = (await isFolder(join(folder, 'images'))) ? [''] : (await readdir(folder)).sort();
  const groups: string[] = [];
  for (const group of found) if (await isFolder(join(folder, group, 'images'))) groups.push(group);
  const missing = options.groups?.filter((group) => !groups.includes(group)) ?? [];
  if (missing.length > 0) throw new InvalidFileError(folder, `expected folders ${missing.join(', ')} with images and masks, found ${groups.join(', ')}`);
  const pairs: Pair[] = [];
  for (const group of options.groups ?? groups) {
    const masks = new Map((await readdir(join(folder, group, 'masks')).catch(() => [] as string[])).map((file) => [basename(file, extname(file)), file]));
    for (const file of (await readdir(join(folder, group, 'images'))).sort()) {
      const name = basename(file, extname(file));
      const mask = masks.get(name);
      if (mask === undefined) problems.add('picture without a mask', `${group}/${name}`);
      else pairs.push({ group, name, image: join(folder, group, 'images', file), mask: join(folder, group, 'masks', mask) });
    }
  }
  if (pairs.length === 0) {
    problems.throwIfAny(folder);
    throw new InvalidFileError(folder, 'expected <group>/images/*.jpg and <group>/masks/*.png, found none');
  }
  return pairs;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
