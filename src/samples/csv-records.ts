import { InvalidFileError } from '../errors.js';

/** A record that was read. */
export interface CsvRecord {
  /** Of the file, from 1, on which it begins. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads the records of a CSV (RFC 4180, with any of the usual line ends); a quoted cell may hold commas, quotes and line breaks.
 * Lines without any text are left out.
 * @param path for messages
 * @throws {InvalidFileError} where a quoted cell has no end
 */
export function parseCsvRecords(text: string, path: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  // A cell and what ends it: a comma, a line end, or the end of the text.
  const cell = /(?:"([^"]*(?:""[^"]*)*)"[^\S\r\n]*|([^,\r\n]*))(,|\r\n|\r|\n|$)/y;
  const source = text.replace(/^\uFEFF/, '');
  let cells: string[] = [];
  let [line, first] = [1, 1];
  while (cell.lastIndex < source.length || cells.length > 0) {
    const begin = cell.lastIndex;
    const match = cell.exec(source);
    if (match === null || match[2]?.startsWith('"')) throw new InvalidFileError(path, `line ${line}: expected the quote of a cell to end before a comma or the end of a line, found ${JSON.stringify(source.slice(begin, begin + 40))}`);
    const [whole, quoted, plain = '', end] = match;
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    line += whole.match(/\r\n|\r|\n/g)?.length ?? 0;
    if (end === ',') continue;
    if (cells.some((one) => one.trim() !== '')) records.push({ line: first, cells });
    cells = [];
    first = line;
  }
  return records;
}
