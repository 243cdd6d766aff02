import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { InvalidFileError } from '../errors.js';
import { ENTRIES_FILE } from './types.js';
import type { IndexEntry, IndexManifest } from './types.js';

/** The lines of `entries.jsonl` with their row numbers, read as a stream. */
export async function* entryLines(folder: string, manifest: IndexManifest): AsyncGenerator<{ readonly row: number; readonly line: string }> {
  if (manifest.entriesBytes === 0) return;
  const stream = createReadStream(join(folder, ENTRIES_FILE), { encoding: 'utf8', end: manifest.entriesBytes - 1, highWaterMark: 1 << 20 });
  let row = 0;
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) yield { row: row++, line };
  } finally {
    stream.destroy();
  }
  if (row !== manifest.count) throw new InvalidFileError(join(folder, ENTRIES_FILE), `expected ${manifest.count} entries, found ${row}`, { advice: 'make the index anew with: tilewright embed --overwrite' });
}

/** The entries of some rows. */
export async function readEntries(folder: string, manifest: IndexManifest, rows: ReadonlySet<number>): Promise<Map<number, IndexEntry>> {
  const found = new Map<number, IndexEntry>();
  if (rows.size === 0) return found;
  for await (const { row, line } of entryLines(folder, manifest)) {
    if (!rows.has(row)) continue;
    found.set(row, parseEntry(folder, line));
    if (found.size === rows.size) break;
  }
  return found;
}

/** The row and entry of an id. */
export async function findId(folder: string, manifest: IndexManifest, id: string): Promise<{ readonly row: number; readonly entry: IndexEntry } | undefined> {
  const start = `{"id":${JSON.stringify(id)},`;
  for await (const { row, line } of entryLines(folder, manifest)) if (line.startsWith(start)) return { row, entry: parseEntry(folder, line) };
  return undefined;
}

/** An entry as a line; the id comes first. */
export function entryLine(entry: IndexEntry): string {
  const { id, ...rest } = entry;
  return `${JSON.stringify({ id, ...rest })}\n`;
}

export function parseEntry(folder: string, line: string): IndexEntry {
  try {
    return JSON.parse(line) as IndexEntry;
  } catch (cause) {
    throw new InvalidFileError(join(folder, ENTRIES_FILE), 'holds a line that is not JSON', { cause, advice: 'make the index anew with: tilewright embed --overwrite' });
  }
}
