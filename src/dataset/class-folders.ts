import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import type { Split } from '../samples/index.js';
import { openArchive } from './archive.js';
import { noteAlike, noteEmptyTags, pictureOptions, type ChipList, type ListOptions } from './chip-list.js';
import { folderEntries, isForeign } from './folder.js';
import { PICTURE_ENDINGS } from './pictures.js';
import { readPicture } from './read-picture.js';

/** Names of folders that say what part of a data set they are. */
const PARTS: readonly (readonly [keyof Split, RegExp])[] = [['train', /^train(ing)?$/i], ['validation', /^val(id|idate|idation)?$/i], ['test', /^test(ing)?$/i]];

/** Which part of a data set a folder of this name holds. */
export function partOf(folder: string): keyof Split | undefined {
  return PARTS.find(([, pattern]) => pattern.test(folder))?.[0];
}

/** What the folders of a picture say of it. */
export interface Placed {
  /** Its class; absent outside the folders of classes. */
  readonly label: string | undefined;
  readonly part: keyof Split | undefined;
}

/**
 * Says of pictures' paths which class and part their folders name: the class is the folder in that of a part, else the last one.
 * A folder `train` that holds pictures itself, beside others that do and are called like no part (`bus`, `car`, `train`), is a class; not
 * so where folders of parts beside it hold folders of classes.
 * @param paths of all pictures, with `/`
 */
export function createPlacer(paths: readonly string[]): (path: string) => Placed {
  const direct = new Set<string>();
  const above = new Set<string>();
  for (const path of paths) {
    const steps = path.split('/').slice(0, -1);
    direct.add(steps.join('/'));
    for (let depth = 1; depth < steps.length; depth++) above.add(steps.slice(0, depth).join('/'));
  }
  const split = (folder: string): readonly [parent: string, name: string] => { const at = folder.lastIndexOf('/'); return [folder.slice(0, Math.max(0, at)), folder.slice(at + 1)]; };
  const ofClasses = new Set([...direct].map(split).filter(([, name]) => name !== '' && partOf(name) === undefined).map(([parent]) => parent));
  const ofParts = new Set([...above].map(split).filter(([, name]) => partOf(name) !== undefined).map(([parent]) => parent));
  const isClass = (parent: string, folder: string): boolean => direct.has(folder) && ofClasses.has(parent) && !ofParts.has(parent);
  return (path) => {
    const steps = path.split('/').slice(0, -1);
    const at = steps.findIndex((step, depth) => partOf(step) !== undefined && !isClass(steps.slice(0, depth).join('/'), steps.slice(0, depth + 1).join('/')));
    return at >= 0 ? { label: steps[at + 1], part: partOf(steps[at]!) } : { label: steps.at(-1), part: undefined };
  };
}

/**
 * Pictures in a folder per class, perhaps inside `train`, `validate` (or `valid`, `validation`) and `test`; of a folder or an archive.
 * Classes are sorted by name; folders without pictures, and pictures outside the parts where there are parts, are remarked on.
 */
export async function listClassFolders(options: ListOptions): Promise<ChipList> {
  const { description, folder, problems } = options;
  const root = description.pictures === undefined ? folder : join(folder, description.pictures);
  const archive = await openArchive(root);
  interface Entry { readonly path: string; readonly name: string; readonly label: string; readonly part: keyof Split | undefined }
  const entries: Entry[] = [];
  const isPicture = (path: string): boolean => !path.slice(path.lastIndexOf('/') + 1).startsWith('.') && PICTURE_ENDINGS.has(extname(path).toLowerCase());
  const placeOf = createPlacer(archive.names.filter(isPicture));
  for (const path of archive.names) {
    if (!isPicture(path)) { if (path.includes('/') && isForeign(path)) problems.remark('file that is no picture, left out', path); continue; }
    const { label, part } = placeOf(path);
    if (label === undefined) { problems.remark('picture outside the folders of classes, left out', path); continue; }
    entries.push({ path, name: path.slice(0, path.length - extname(path).length), label, part });
  }
  if (entries.length === 0) { await archive.close(); throw new InvalidFileError(root, 'expected a folder of pictures per class, found none'); }
  const found = [...new Set(entries.map((entry) => entry.label))].sort();
  const tags = description.class_names ?? found;
  const known = entries.filter((entry) => { if (tags.includes(entry.label)) return true; problems.add('folder of no class', `${entry.label} (${entry.path})`); return false; });
  const seen = new Set<string>();
  for (const { name, path } of known) { if (seen.has(name)) problems.add('name that several pictures have', path); seen.add(name); }
  const targets = new Uint8Array(known.length * tags.length);
  known.forEach((entry, index) => { targets[index * tags.length + tags.indexOf(entry.label)] = 1; });
  noteEmptyTags(problems, tags, targets);
  noteAlike(problems, tags);
  const pick = (part: keyof Split): Int32Array => Int32Array.from(known.flatMap((entry, index) => (entry.part === part ? [index] : [])));
  const parts = known.some((entry) => entry.part !== undefined) ? { train: pick('train'), validation: pick('validation'), test: pick('test') } : undefined;
  if (parts !== undefined) for (const { path, part } of known) if (part === undefined) problems.remark('picture outside the folders of parts (train, validate, test), in none of them', path.slice(0, path.lastIndexOf('/')));
  const isFolder = (await stat(root)).isDirectory();
  if (isFolder) for (const empty of await emptyFolders(root)) problems.remark('folder without a picture, no class', empty);
  return {
    kind: 'chips', tags, exclusive: true, names: known.map((entry) => entry.name), groups: known.map((entry) => entry.part ?? ''), targets,
    ...(parts === undefined ? {} : { parts }), files: isFolder ? known.map((entry) => join(root, entry.path)) : [root],
    fileOf: (index) => known[index]!.path,
    decode: async (index) => { const { path } = known[index]!; return readPicture(await archive.read(path), path, pictureOptions(options)); },
    close: () => archive.close(),
  };
}

/** Deeper folders are not looked into: links may lead around. */
const DEEPEST = 4;

/** Folders in a folder that hold neither a picture nor another folder. */
async function emptyFolders(root: string, inside = ''): Promise<string[]> {
  if (inside.split('/').length > DEEPEST) return [];
  const entries = await folderEntries(join(root, inside));
  const folders = entries.filter(({ kind, name }) => kind === 'folder' && isForeign(name)).map(({ name }) => (inside === '' ? name : `${inside}/${name}`));
  const hasPicture = entries.some(({ kind, name }) => kind === 'file' && PICTURE_ENDINGS.has(extname(name).toLowerCase()));
  const own = inside !== '' && folders.length === 0 && !hasPicture ? [inside] : [];
  return [...own, ...(await Promise.all(folders.map((folder) => emptyFolders(root, folder)))).flat()];
}
