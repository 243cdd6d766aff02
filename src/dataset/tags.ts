import { InvalidFileError } from '../errors.js';

/** The rows of a table `image_name,tags`. */
export interface TagTable {
  /** All tags that occur, sorted; their places are their ids. */
  readonly tags: readonly string[];
  readonly names: readonly string[];
  /** `[rows, tags]`, 1 where a row has a tag. */
  readonly targets: Uint8Array;
}

/**
 * Reads a table of names and space-separated tags. The first line names the columns: the first is the name, the second the
 * tags. A name may have no tags.
 * @throws {InvalidFileError} with all faults and their lines, if there are any.
 */
export function parseTagTable(text: string, file: string): TagTable {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1) === '') lines.pop();
  if (lines.length < 2 || !(lines[0] ?? '').includes(',')) throw new InvalidFileError(file, `expected a table with a first line image_name,tags, found ${JSON.stringify((lines[0] ?? '').slice(0, 60))}`);
  const rows: { name: string; tags: string[] }[] = [];
  const faults: string[] = [];
  const seen = new Set<string>();
  for (let index = 1; index < lines.length; index++) {
    const cells = lines[index]!.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const [name, tags] = cells;
    if (cells.length !== 2 || name === '' || name === undefined) { faults.push(`line ${index + 1} has ${cells.length} cells`); continue; }
    if (seen.has(name)) { faults.push(`line ${index + 1} repeats ${name}`); continue; }
    seen.add(name);
    rows.push({ name, tags: (tags ?? '').split(/\s+/).filter((tag) => tag !== '') });
  }
  if (faults.length > 0) throw new InvalidFileError(file, `expected two cells and a new name in every line, found ${faults.length} others: ${faults.slice(0, 5).join('; ')}${faults.length > 5 ? ' …' : ''}`);
  const tags = [...new Set(rows.flatMap((row) => row.tags))].sort();
  const ids = new Map(tags.map((tag, id) => [tag, id]));
  const targets = new Uint8Array(rows.length * tags.length);
  rows.forEach((row, index) => { for (const tag of row.tags) targets[index * tags.length + ids.get(tag)!] = 1; });
  return { tags, names: rows.map((row) => row.name), targets };
}
