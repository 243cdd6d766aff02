import { InvalidFileError } from '../errors.js';
import type { Chip, ChipWriter } from './types.js';
import { formatDegrees, formatProbability, tagList } from './fields.js';
import { createTextFile } from './text-file.js';

/** One field of a CSV record (RFC 4180, section 2): quoted where it holds a comma, a quote or a line break. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record with its CRLF. */
export function csvRecord(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

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

/**
 * `chips.csv` (RFC 4180): `chip,x,y,width,height,lon,lat,tags` and one column of probabilities per tag. Tags are separated by
 * spaces, spaces inside a tag are written `_`. A chip without data has empty tags and probabilities.
 */
export async function createChipCsv(path: string, tags: readonly string[]): Promise<ChipWriter> {
  const file = await createTextFile(path);
  await file.write(csvRecord(['chip', 'x', 'y', 'width', 'height', 'lon', 'lat', 'tags', ...tags]));
  return {
    write(chip: Chip) {
      const { window, probabilities } = chip;
      return file.write(csvRecord([
        chip.id, String(window.x), String(window.y), String(window.width), String(window.height),
        chip.centre === undefined ? '' : formatDegrees(chip.centre[0]), chip.centre === undefined ? '' : formatDegrees(chip.centre[1]),
        tagList(chip.tags, tags),
        ...tags.map((_, i) => (probabilities === undefined ? '' : formatProbability(probabilities[i] ?? 0))),
      ]));
    },
    finish: () => file.finish(),
    abort: () => file.abort(),
  };
}

/** `submission.csv`: `image_name,tags`, as competitions on tagged chips take it. */
export async function createSubmissionCsv(path: string, tags: readonly string[]): Promise<ChipWriter> {
  const file = await createTextFile(path);
  await file.write(csvRecord(['image_name', 'tags']));
  return {
    write: (chip: Chip) => file.write(csvRecord([chip.id, tagList(chip.tags, tags)])),
    finish: () => file.finish(),
    abort: () => file.abort(),
  };
}
