import { InvalidFileError } from '../errors.js';
import { parseCsvRecords } from '../samples/index.js';
import { collectProblems, type Problems } from './problems.js';

/** The rows of a table `image_name,tags`. */
export interface TagTable {
  /** Name in the first line, where that does not name the columns: it is a row, if there is such a picture. */
  readonly first?: string;
  /** All tags that occur, sorted; their places are their ids. */
  readonly tags: readonly string[];
  readonly names: readonly string[];
  /** `[rows, tags]`, 1 where a row has a tag. */
  readonly targets: Uint8Array;
}

export interface TagTableOptions {
  /** The only tags that there may be, in the order of their ids. Default: those that occur, sorted. */
  readonly known?: readonly string[];
  /** Where faulty lines go; the table then has the others. Default: faults are thrown together. */
  readonly problems?: Problems;
}

/**
 * Reads a table of names and tags, which are separated by spaces (in quoted cells also by commas): CSV as RFC 4180 has it. The first line
 * names the columns: `image_name` and `tags`, wherever they stand, else the first of two is the name and the second the tags. A name may
 * have no tags, and may end in `.jpg` or the like, which is left out. Columns beside these two are remarked on and not read.
 * @throws {InvalidFileError} with all faults and their lines, if there are any.
 */
export function parseTagTable(text: string, file: string, options: TagTableOptions = {}): TagTable {
  const { known } = options;
  const problems = options.problems ?? collectProblems();
  const { columns, nameAt, tagsAt, rows: lines } = readTagRows(text, file);
  columns.forEach((column, at) => { if (at !== nameAt && at !== tagsAt) problems.remark('column of the table that is not read', column); });
  const rows: { name: string; tags: string[] }[] = [];
  const seen = new Set<string>();
  for (const { line, cells } of lines) {
    const name = tableName(cells[nameAt] ?? '');
    if (cells.length !== columns.length || name === '') { problems.add(`line without ${columns.length === 2 ? 'two' : columns.length} cells`, cells.length === columns.length ? `line ${line} has no name` : `line ${line} has ${cells.length}`); continue; }
    if (seen.has(name)) { problems.add('name twice in the table', `line ${line} repeats ${name}`); continue; }
    seen.add(name);
    const tags = (cells[tagsAt] ?? '').split(/[\s,]+/).filter((tag) => tag !== '');
    const joined = tags.find((tag) => /[;|]/.test(tag) && known?.includes(tag) !== true);
    if (joined !== undefined) { problems.add('line whose tags are parted by ; or |, taken for one tag: part them by spaces', `line ${line} has ${joined.slice(0, 60)}`); continue; }
    for (const tag of tags) if (known !== undefined && !known.includes(tag)) problems.add('unknown tag', `${tag} in line ${line}`);
    rows.push({ name, tags });
  }
  if (options.problems === undefined) problems.throwIfAny(file);
  const tags = known ?? [...new Set(rows.flatMap((row) => row.tags))].sort();
  const ids = new Map(tags.map((tag, id) => [tag, id]));
  const targets = new Uint8Array(rows.length * tags.length);
  rows.forEach((row, index) => { for (const tag of row.tags) { const id = ids.get(tag); if (id !== undefined) targets[index * tags.length + id] = 1; } });
  const isNamed = columns[nameAt]!.toLowerCase() === 'image_name';
  return { tags, names: rows.map((row) => row.name), targets, ...(isNamed ? {} : { first: tableName(columns[nameAt]!) }) };
}

/** Names in a table, in its order; lines that are no rows are left out. @throws {InvalidFileError} if it is no table of names and tags */
export function tableNames(text: string, file: string): string[] {
  const { nameAt, rows } = readTagRows(text, file);
  return rows.map(({ cells }) => tableName(cells[nameAt] ?? '')).filter((name) => name !== '');
}

/** Whether the first line of a table names both columns, parted by whatever. */
export function isTagHeader(line: string): boolean {
  const cells = line.replace(/^\uFEFF/, '').split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1').toLowerCase());
  return cells.includes('image_name') && cells.includes('tags');
}

/** A picture's name without its ending, in one of the two ways of writing letters with marks (Unicode NFC): macOS writes the other one. */
export function tableName(cell: string): string {
  return cell.trim().replace(/\.(jpe?g|png|webp|tiff?)$/i, '').normalize('NFC');
}

interface TagRows {
  readonly columns: readonly string[];
  readonly nameAt: number;
  readonly tagsAt: number;
  readonly rows: ReturnType<typeof parseCsvRecords>;
}

function readTagRows(text: string, file: string): TagRows {
  const first = /^\uFEFF?([^\r\n]*)/.exec(text)![1]!;
  const parted = isTagHeader(first) ? /[;\t]/.exec(first)?.[0] : undefined;
  if (parted !== undefined) throw new InvalidFileError(file, `expected cells parted by commas, found ${parted === ';' ? 'semicolons' : 'tabs'}: ${JSON.stringify(first.slice(0, 60))}`, { advice: 'write the table with commas (CSV)' });
  const [head, ...rows] = parseCsvRecords(text, file);
  const columns = (head?.cells ?? []).map((cell) => cell.trim());
  const at = (name: string): number => columns.findIndex((column) => column.toLowerCase() === name);
  const isNamed = at('image_name') >= 0 && at('tags') >= 0;
  if (rows.length === 0 || (!isNamed && columns.length !== 2)) throw new InvalidFileError(file, `expected a table with a first line image_name,tags, found ${JSON.stringify(first.slice(0, 60))}${rows.length === 0 && (isNamed || columns.length === 2) ? ' and no row' : ''}`);
  return { columns, nameAt: isNamed ? at('image_name') : 0, tagsAt: isNamed ? at('tags') : 1, rows };
}
