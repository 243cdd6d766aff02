import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { alikeNames, isWithin } from '../card/index.js';
import { InvalidFileError } from '../errors.js';
import type { Split } from '../samples/index.js';
import type { Picture } from './decode.js';
import type { DataDescription } from '../samples/index.js';
import { folderEntries, isForeign } from './folder.js';
import { openPictures, type PictureSource } from './pictures.js';
import type { Problems } from './problems.js';
import { readPicture, type OpenScene } from './read-picture.js';
import { parseTagTable, type TagTable } from './tags.js';

/** Chips that are files of their own, with what is true of them; nothing is decoded yet. */
export interface ChipList {
  readonly kind: 'chips';
  /** Names of tags or classes; their places are their ids. */
  readonly tags: readonly string[];
  readonly exclusive: boolean;
  readonly names: readonly string[];
  readonly groups: readonly string[];
  /** `[chips, tags]` */
  readonly targets: Uint8Array;
  readonly parts?: Split;
  /** Everything that the pixels come from: when one of these changes, they do. */
  readonly files: readonly string[];
  /** The chip's file, as it is told of: its path in the folder or archive. */
  fileOf(index: number): string;
  /** The picture in its own size. @throws {InvalidFileError} */
  decode(index: number): Promise<Picture>;
  close(): Promise<void>;
}

export interface ListOptions {
  readonly description: DataDescription;
  /** Where the description's paths start. */
  readonly folder: string;
  readonly problems: Problems;
  readonly openScene: OpenScene;
}

/** The rows of a table with the pictures of the same names. Rows without a picture are faults, pictures without a row are remarks. */
export async function listTable(options: ListOptions): Promise<ChipList> {
  const { description, folder, problems } = options;
  const tableFile = join(folder, description.table!);
  const pictures = join(folder, description.pictures ?? '.');
  const text = await readFile(tableFile, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(tableFile, 'expected a table image_name,tags, found none', { cause }); });
  const table = parseTagTable(text, tableFile, { problems, ...(description.class_names === undefined ? {} : { known: description.class_names }) });
  const source = await openPictures(pictures);
  if (table.first !== undefined && source.paths.has(table.first)) problems.add('table whose first line is a row: it must be image_name,tags', `${table.first} is a picture`);
  const named = new Set(table.names);
  for (const [name, files] of source.repeated) if (named.has(name)) problems.add('name that several pictures have', files.join(' and '));
  let more = 0;
  for (const name of source.paths.keys()) if (!named.has(name)) { more++; if (more <= 3) problems.remark('picture without a row, left out', name); }
  if (more > 3) problems.remark('picture without a row, left out', '', more - 3);
  const own = new Set([description.table!, description.classes, ...['', '.'].includes(description.pictures ?? '') ? await besides(folder) : []]);
  for (const file of source.others) if (isForeign(file) && !own.has(file)) problems.remark('file that is no picture, left out', file);
  noteExchanged(problems, table, source.paths);
  noteEmptyTags(problems, table.tags, table.targets);
  noteAlike(problems, table.tags);
  const isFolder = (await stat(pictures)).isDirectory();
  return {
    kind: 'chips', tags: table.tags, exclusive: false, names: table.names, groups: table.names.map(() => ''), targets: table.targets,
    files: [tableFile, ...(isFolder ? table.names.flatMap((name) => { const path = source.paths.get(name); return path === undefined ? [] : [join(pictures, path)]; }) : [pictures])],
    fileOf: (index) => source.paths.get(table.names[index]!) ?? table.names[index]!,
    decode: async (index) => { const name = table.names[index]!; return readPicture(await source.read(name), source.paths.get(name)!, pictureOptions(options)); },
    close: () => source.close(),
  };
}

/** Tables, legends and archives that lie in the folder of the data itself. */
async function besides(folder: string): Promise<string[]> {
  return (await folderEntries(folder)).filter(({ kind, name }) => kind === 'file' && /\.(csv|json|zip|tar|txt|md)$/i.test(name)).map(({ name }) => name);
}

/** Rows without a picture; those whose only tag is the name of one have their two cells exchanged. */
function noteExchanged(problems: Problems, { names, tags, targets }: TagTable, paths: PictureSource['paths']): void {
  const pictureOf = new Map(tags.map((tag, id) => [id, tag.replace(/\.(jpe?g|png|webp|tiff?)$/i, '')] as const).filter(([, tag]) => paths.has(tag)));
  names.forEach((name, row) => {
    if (paths.has(name)) return;
    const own = tags.flatMap((_, id) => (targets[row * tags.length + id] === 1 ? [id] : []));
    if (own.length === 1 && pictureOf.has(own[0]!)) problems.add('row with name and tags exchanged', `${name},${tags[own[0]!]!}`);
    else problems.add('row without a picture', name);
  });
}

/** Remarks on names that most likely are one. */
export function noteAlike(problems: Problems, names: readonly string[]): void {
  for (const group of alikeNames(names)) problems.remark('class under several spellings, taken as different ones', group.join(' and '));
}

/** A tag this many times as frequent as one that is spelt nearly like it most likely is what was meant. */
const MUCH_MORE = 20;
/** Letters that differ, of names of at least so many: `car` and `bar` are two words. */
const TYPOS = [[2, 7], [1, 5]] as const;

function noteMisspelt(problems: Problems, tags: readonly string[], counts: readonly number[]): void {
  tags.forEach((tag, id) => {
    const letters = TYPOS.find(([, least]) => tag.length >= least)?.[0];
    if (letters === undefined || counts[id] === 0) return;
    const meant = tags.find((other, at) => at !== id && counts[at]! >= MUCH_MORE * counts[id]! && isWithin(tag, other, letters));
    if (meant !== undefined) problems.remark('class that is spelt nearly as a much more frequent one, taken as another', `${tag} (${counts[id]!}) and ${meant} (${counts[tags.indexOf(meant)]!})`);
  });
}

export function noteEmptyTags(problems: Problems, tags: readonly string[], targets: Uint8Array): void {
  const counts = new Array<number>(tags.length).fill(0);
  for (let i = 0; i < targets.length; i++) counts[i % tags.length]! += targets[i]!;
  const rows = targets.length / Math.max(1, tags.length);
  noteMisspelt(problems, tags, counts);
  tags.forEach((tag, id) => {
    if (counts[id] === 0) problems.remark('class without a sample', tag);
    else if (counts[id] === rows && rows > 1) problems.remark('class that every sample has: nothing can be learned of it', tag);
  });
}

export function pictureOptions({ description, openScene }: ListOptions): Parameters<typeof readPicture>[2] {
  return { openScene, bands: description.bands, range: description.range, swapRedBlue: description.swap_red_blue };
}
