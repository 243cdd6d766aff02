import { InvalidFileError } from '../errors.js';
import { collectProblems, type Problems } from './problems.js';

/** The rows of a table `image_name,tags`. */
export interface TagTable {
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
 * Reads a table of names and space-separated tags. The first line names the columns: the first is the name, the second the
 * tags. A name may have no tags, and may end in `.jpg` or the like, which is left out.
 * @throws {InvalidFileError} with all faults and their lines, if there are any.
 */
export function parseTagTable(text: string, file: string, options: TagTableOptions = {}): TagTable {
  const { known } = options;
  const problems = options.problems ?? collectProblems();
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1) === '') lines.pop();
  if (lines.length < 2 || !(lines[0] ?? '').includes(',')) throw new InvalidFileError(file, `expected a table with a first line image_name,tags, found ${JSON.stringify((lines[0] ?? '').slice(0, 60))}`);
  const rows: { name: string; tags: string[] }[] = [];
  const seen = new Set<string>();
  for (let index = 1; index < lines.length; index++) {
    const cells = lines[index]!.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const name = cells[0]?.replace(/\.(jpe?g|png|tiff?)$/i, '');
    if (cells.length !== 2 || name === '' || name === undefined) { problems.add('line without two cells', `line ${index + 1} has ${cells.length}`); continue; }
    if (seen.has(name)) { problems.add('name twice in the table', `line ${index + 1} repeats ${name}`); continue; }
    seen.add(name);
    const tags = (cells[1] ?? '').split(/\s+/).filter((tag) => tag !== '');
    for (const tag of tags) if (known !== undefined && !known.includes(tag)) problems.add('unknown tag', `${tag} in line ${index + 1}`);
    rows.push({ name, tags });
  }
  if (options.problems === undefined) problems.throwIfAny(file);
  const tags = known ?? [...new Set(rows.flatMap((row) => row.tags))].sort();
  const ids = new Map(tags.map((tag, id) => [tag, id]));
  const targets = new Uint8Array(rows.length * tags.length);
  rows.forEach((row, index) => { for (const tag of row.tags) { const id = ids.get(tag); if (id !== undefined) targets[index * tags.length + id] = 1; } });
  return { tags, names: rows.map((row) => row.name), targets };
}
