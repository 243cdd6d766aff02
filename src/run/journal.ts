import { createHash } from 'node:crypto';
import { open, readFile, readdir, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError, OutputError } from '../errors.js';
import { lockFolder } from './lock.js';
import { makeFolder } from './output.js';
import { dropSecondNames, hasPlaced } from './placing.js';

/** JSON values. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One finished step of a long run: everything that the next step needs to go on as if nothing had happened. */
export interface JournalEntry {
  /** Counts from 0 without gaps: strip, file … */
  readonly step: number;
  /** Small state: offsets, counts, sums. */
  readonly state: Json;
  /** Large state: rows and sums that are carried into the next step. */
  readonly carry: readonly Uint8Array[];
}

export interface JournalOptions {
  /** Folder of the unfinished run, by custom `<output>.partial`; made if absent. Tasks keep their unfinished files in it. */
  readonly folder: string;
  /**
   * What the result depends on, by name: fingerprints of scene and model, options. A journal with other values is refused;
   * the names appear in the message.
   */
  readonly identity: Readonly<Record<string, Json>>;
  /** An unfinished run with another identity is thrown away instead of refused; one with the same identity still goes on. */
  readonly restart?: boolean;
  /** The option that names the output (default `-o`), and what to do about an unfinished run with another identity, for messages. */
  readonly refusal?: { readonly option: string; readonly advice?: string };
  /**
   * Keeps the folder also if no step was finished, for tasks whose unfinished files lie elsewhere and are known by the journal.
   * Default: such a folder is removed.
   */
  readonly keepEmpty?: boolean;
}

/**
 * A run that can be killed at any moment and goes on where it was. On disk: `journal.jsonl`, whose first line is the
 * identity and whose every further line is a finished step with a checksum, and `carry-<step>.bin` for the two last steps.
 * A step counts only when its line and its carry are on disk and their checksums hold; the files that the task itself
 * writes must be on disk (fsync) before `append` is called.
 */
export interface Journal {
  readonly folder: string;
  /** The last good step of an earlier run, or `undefined` at the start. */
  readonly last: JournalEntry | undefined;
  /** The states of all good steps so far, in order. */
  readonly states: readonly Json[];
  append(entry: JournalEntry): Promise<void>;
  /** Keeps the folder for the next try; if neither a step nor a file was finished there is nothing to keep, and it is removed. */
  close(): Promise<void>;
  /** Removes the folder: the result stands under its final name. */
  complete(): Promise<void>;
}

const FORMAT = 'tilewright-journal/1';
const FILE = 'journal.jsonl';

interface Line {
  readonly step: number;
  readonly state: Json;
  readonly carry: readonly number[];
  readonly sha256: string;
}

/**
 * Opens or starts a journal.
 * @throws {InvalidOptionError} if the folder holds an unfinished run with another identity.
 * @throws {OutputError} if another process is at work in the folder.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder } = options;
  await makeFolder(folder);
  const unlock = await lockFolder(folder);
  try {
    const header = `${JSON.stringify({ format: FORMAT, identity: options.identity })}\n`;
    const found = await readJournal(options);
    if (found === undefined) {
      await refuseStranger(folder);
      await emptyFolder(folder);
    }
    await dropSecondNames(folder);
    const file = await open(join(folder, FILE), found === undefined ? 'w' : 'r+');
    const end = found?.end ?? Buffer.byteLength(header);
    if (found === undefined) await writeAt(file, Buffer.from(header), 0);
    else await file.truncate(found.end);
    await file.sync();
    return createJournal({ folder, file, end, lines: found?.lines ?? [], last: found?.last, unlock, keepEmpty: options.keepEmpty ?? false });
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Whether a folder holds an unfinished run. */
export async function hasJournal(folder: string): Promise<boolean> {
  return (await readFile(join(folder, FILE)).catch(() => undefined)) !== undefined;
}

interface OpenedJournal {
  readonly folder: string;
  readonly file: FileHandle;
  /** Bytes of the file that are good. */
  readonly end: number;
  readonly lines: readonly Line[];
  readonly last: JournalEntry | undefined;
  readonly unlock: () => Promise<void>;
  readonly keepEmpty: boolean;
}

function createJournal({ folder, file, end, lines, last, unlock, keepEmpty }: OpenedJournal): Journal {
  let offset = end;
  const states: Json[] = lines.map((line) => line.state);
  const close = async (): Promise<void> => {
    await file.close();
    await unlock();
  };
  return {
    folder,
    last,
    states,
    async append(entry) {
      if (entry.step !== states.length) throw new RangeError(`journal: step ${entry.step} after ${states.length} steps`);
      if (entry.carry.length > 0) await writeSynced(carryPath(folder, entry.step), entry.carry);
      const body = { step: entry.step, state: entry.state, carry: entry.carry.map((part) => part.byteLength) };
      const line = `${JSON.stringify({ ...body, sha256: digest(body, entry.carry) })}\n`;
      await writeAt(file, Buffer.from(line), offset);
      await file.datasync();
      offset += Buffer.byteLength(line);
      states.push(entry.state);
      if (entry.step >= 2) await unlink(carryPath(folder, entry.step - 2)).catch(() => undefined);
    },
    async close() {
      await close();
      if (states.length === 0 && !keepEmpty && !await hasPlaced(folder)) await rm(folder, { recursive: true, force: true });
    },
    async complete() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Found {
  readonly lines: readonly Line[];
  readonly last: JournalEntry | undefined;
  /** Bytes of the file up to the last good line. */
  readonly end: number;
}

async function readJournal({ folder, identity, restart, refusal }: JournalOptions): Promise<Found | undefined> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const rows = text.split('\n');
  const header = parse<{ format?: string; identity?: Record<string, Json> }>(rows[0] ?? '');
  // A header that was never finished belongs to a run that had not done anything yet.
  if (header?.identity === undefined || rows.length < 2) return undefined;
  const difference = differenceOf(header.identity, identity, header.format);
  if (difference !== undefined && restart) return undefined;
  if (difference !== undefined) {
    throw new InvalidOptionError(refusal?.option ?? '-o', `${folder} holds an unfinished run ${difference}`, {
      advice: refusal?.advice ?? 'run it with its own options to finish it, or add --overwrite to start anew',
    });
  }
  const lines: Line[] = [];
  const ends = [Buffer.byteLength(rows[0]!) + 1];
  for (const row of rows.slice(1, -1)) {
    const line = parse<Line>(row);
    if (line?.step !== lines.length || !Array.isArray(line.carry)) break;
    lines.push(line);
    ends.push(ends.at(-1)! + Buffer.byteLength(row) + 1);
  }
  // Only the last two carries are kept, so at most one step back can be verified in full.
  while (lines.length > 0) {
    const line = lines.at(-1)!;
    const carry = await readCarry(folder, line);
    if (carry !== undefined && digest({ step: line.step, state: line.state, carry: line.carry }, carry) === line.sha256) {
      return { lines, last: { step: line.step, state: line.state, carry }, end: ends[lines.length]! };
    }
    lines.pop();
  }
  return { lines, last: undefined, end: ends[0]! };
}

/** A folder without a journal is somebody else's, unless there is nothing in it. */
async function refuseStranger(folder: string): Promise<void> {
  const known = (await readFile(join(folder, FILE), 'utf8').catch(() => '')).startsWith('{"format":"tilewright-journal/');
  const strange = known ? undefined : (await readdir(folder)).find((name) => name !== FILE && !name.startsWith('lock'));
  if (strange !== undefined) {
    throw new OutputError(folder, `expected the folder of an unfinished run, found ${strange} and no journal`, { advice: 'move it away, or choose another output' });
  }
}

/** What makes a journal another run's, in words; `undefined` if it is this run's. */
function differenceOf(
  was: Readonly<Record<string, Json>>, is: Readonly<Record<string, Json>>, format: string | undefined,
): string | undefined {
  if (format !== FORMAT) return `of another version (${String(format)}, expected ${FORMAT})`;
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const other = names.filter((name) => canonicalJson(was[name] ?? null) !== canonicalJson(is[name] ?? null));
  if (other.length === 0) return undefined;
  return `with another ${other.map((name) => `${name} (was ${short(was[name])}, now ${short(is[name])})`).join(', ')}`;
}

async function readCarry(folder: string, line: Line): Promise<Uint8Array[] | undefined> {
  if (line.carry.length === 0) return [];
  const bytes = await readFile(carryPath(folder, line.step)).catch(() => undefined);
  const total = line.carry.reduce((sum, length) => sum + length, 0);
  if (bytes === undefined || bytes.byteLength !== total) return undefined;
  let offset = 0;
  // Copies, so that every part starts at an offset that any typed array can view.
  return line.carry.map((length) => new Uint8Array(bytes.subarray(offset, offset += length)));
}

async function writeSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    // writeFile goes on after a short write, as on a full disk, until all is written or the system says why not.
    for (const part of parts) await file.writeFile(part);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Writes all of it: a short write is not an error for the system, but it is one for a journal. */
async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('lock')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function carryPath(folder: string, step: number): string {
  return join(folder, `carry-${step}.bin`);
}

function digest(body: Json, carry: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(canonicalJson(body));
  for (const part of carry) hash.update(part);
  return hash.digest('hex');
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function short(value: Json | undefined): string {
  const text = value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

/** JSON with the keys of every object in order, so that equal values have equal text. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const record = value as { readonly [key: string]: Json };
    return `{${Object.keys(record).sort().map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key]!)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 of a value's canonical JSON, in hexadecimal. */
export function fingerprintOf(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
