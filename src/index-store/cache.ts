import { constants } from 'node:fs';
import { copyFile, open, readFile, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../errors.js';
import { lockFolder, makeFolder, writeWhole } from '../run/index.js';
import { ID_BYTES, idHash, idKey } from './id-table.js';
import { checksumProblem, partError, readPart } from './read-part.js';
import { RECORD_BYTES, encodeRecord } from './row-record.js';
import { CACHE_FOLDER, VECTORS_FILE } from './types.js';
import type { IndexManifest, IndexPart, IndexSource } from './types.js';

export const ROWS_FILE = 'cache/rows.bin';
export const TEXTS_FILE = 'cache/texts.bin';
export const IDS_FILE = 'cache/ids.bin';
const STATE_FILE = 'cache/cache.json';
const FORMAT = 'tilewright-index-cache/1';

/** What the files of the cache hold. Written last and removed first: without it they are nothing. */
export interface CacheState {
  readonly format: typeof FORMAT;
  readonly dimensions: number;
  /** The parts that the files were made from, in order. */
  readonly parts: readonly Pick<IndexPart, 'file' | 'rows' | 'sha256'>[];
  readonly rows: number;
  readonly textBytes: number;
  /** Parts of the right size whose checksum was wrong when they were read, with the time they were changed last. */
  readonly damaged: readonly { readonly file: string; readonly sha256: string; readonly changed: number }[];
}

export interface CacheOptions {
  /** Parts to use, in order. */
  readonly parts: readonly IndexPart[];
  /** Leaves damaged parts out, instead of an error. Default false. */
  readonly skipBad?: boolean;
  /** Makes everything anew. Default false: what is there and right stays. */
  readonly anew?: boolean;
  readonly signal?: AbortSignal;
  /** Told of every entry that was read. */
  readonly onRows?: (done: number, total: number) => void;
}

export interface CacheResult {
  readonly state: CacheState;
  /** Parts that turned out to be damaged. */
  readonly bad: readonly { readonly part: IndexPart; readonly problem: string }[];
  /** Rows that were read from parts for it; 0 where nothing was to be done. */
  readonly read: number;
}

/** The state on disk, if the files are as long as it says. */
export async function readCacheState(folder: string): Promise<CacheState | undefined> {
  const text = await readFile(join(folder, STATE_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let state: CacheState;
  try {
    state = JSON.parse(text) as CacheState;
  } catch {
    return undefined;
  }
  if (state.format !== FORMAT) return undefined;
  const lengths = [[VECTORS_FILE, state.rows * state.dimensions * 4], [ROWS_FILE, state.rows * RECORD_BYTES], [TEXTS_FILE, state.textBytes], [IDS_FILE, state.rows * ID_BYTES]] as const;
  for (const [file, length] of lengths) if (((await stat(join(folder, file)).catch(() => undefined))?.size ?? -1) < length) return undefined;
  return state;
}

/** Whether a cache holds just these parts. */
export function isCacheOf(state: CacheState, parts: readonly IndexPart[], dimensions: number): boolean {
  return state.dimensions === dimensions && state.parts.length === parts.length && commonParts(state, parts) === parts.length;
}

/** How many parts at the beginning are the same. */
function commonParts(state: CacheState, parts: readonly IndexPart[]): number {
  const other = state.parts.findIndex((part, i) => part.file !== parts[i]?.file || part.sha256 !== parts[i]?.sha256 || part.rows !== parts[i]?.rows);
  return other < 0 ? Math.min(state.parts.length, parts.length) : other;
}

/**
 * Brings the cache up to date, under the index's lock. Rows of parts that it holds already at its beginning are kept; the others
 * are read from the parts, whose checksums are looked at.
 * @throws {InvalidFileError} that names a damaged part, unless `skipBad`.
 * @throws {OutputError} if another process keeps the lock, or the folder cannot be written.
 */
export async function updateCache(folder: string, manifest: IndexManifest, options: CacheOptions): Promise<CacheResult> {
  const unlock = await waitForLock(folder, options.signal);
  try {
    return await updateLocked(folder, manifest, options);
  } finally {
    await unlock();
  }
}

/** As {@link updateCache}, for those who hold the lock. */
export async function updateLocked(folder: string, manifest: IndexManifest, options: CacheOptions): Promise<CacheResult> {
  const { dimensions } = manifest;
  const found = options.anew ? undefined : await readCacheState(folder);
  const old = found?.dimensions === dimensions ? found : undefined;
  if (old !== undefined && isCacheOf(old, options.parts, dimensions)) return { state: old, bad: [], read: 0 };
  const kept = old === undefined ? 0 : commonParts(old, options.parts);
  const bad: { part: IndexPart; problem: string }[] = [];
  const added: IndexPart[] = [];
  for (const part of options.parts.slice(kept)) {
    const problem = await checksumProblem(folder, part, options.signal);
    if (problem === undefined) added.push(part);
    else if (options.skipBad) bad.push({ part, problem });
    else throw partError(folder, part, problem);
  }
  await makeFolder(join(folder, CACHE_FOLDER));
  const oldIds = old === undefined ? new BigUint64Array(0) : await readIds(folder, old.rows);
  await rm(join(folder, STATE_FILE), { force: true });
  const begun: Begun = { rows: sum(options.parts.slice(0, kept)), textBytes: 0 };
  const base = old === undefined ? begun : { ...begun, textBytes: await textBytesOf(folder, old, begun.rows) };
  // Rows behind those that stay may be read by others just now: then the files are copied first.
  const extend = old !== undefined && kept === old.parts.length;
  const files = await openFiles(folder, base, dimensions, old === undefined || kept === 0 && !extend ? 'new' : extend ? 'extend' : 'copy');
  let done: Begun;
  try {
    done = await appendRows({ folder, manifest, added, base, oldIds, files }, options);
    for (const { handle } of files.all) await handle.sync();
  } finally {
    for (const { handle } of files.all) await handle.close();
  }
  for (const { temporary, path } of files.all) if (temporary !== path) await rename(temporary, path);
  const state: CacheState = {
    format: FORMAT, dimensions, parts: [...options.parts.slice(0, kept), ...added].map(({ file, rows, sha256 }) => ({ file, rows, sha256 })), ...done,
    damaged: await Promise.all(bad.map(async ({ part: { file, sha256 } }) => ({ file, sha256, changed: (await stat(join(folder, file))).mtimeMs }))),
  };
  await writeWhole(join(folder, STATE_FILE), `${JSON.stringify(state)}\n`);
  return { state, bad, read: sum(added) };
}

/** Waits for the process that is changing the index; half a minute, then its lock is an error. */
export async function waitForLock(folder: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  for (let tries = 0; ; tries++) {
    throwIfAborted(signal);
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (tries >= 150 || (error as { readonly code?: string }).code !== 'OUTPUT') throw error;
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
  }
}

interface Begun {
  readonly rows: number;
  readonly textBytes: number;
}

interface CacheFile {
  readonly path: string;
  readonly temporary: string;
  readonly handle: FileHandle;
}

interface CacheFiles {
  readonly vectors: CacheFile;
  readonly rows: CacheFile;
  readonly texts: CacheFile;
  readonly all: readonly CacheFile[];
}

async function openFiles(folder: string, base: Begun, dimensions: number, how: 'new' | 'extend' | 'copy'): Promise<CacheFiles> {
  const opened: CacheFile[] = [];
  const one = async (file: string, bytes: number): Promise<CacheFile> => {
    const path = join(folder, file);
    const temporary = how === 'extend' ? path : `${path}.tmp`;
    if (how === 'copy') await copyFile(path, temporary, constants.COPYFILE_FICLONE);
    const handle = await open(temporary, how === 'new' ? 'w+' : 'r+');
    await handle.truncate(bytes);
    const result = { path, temporary, handle };
    opened.push(result);
    return result;
  };
  try {
    const vectors = await one(VECTORS_FILE, base.rows * dimensions * 4);
    const rows = await one(ROWS_FILE, base.rows * RECORD_BYTES);
    const texts = await one(TEXTS_FILE, base.textBytes);
    return { vectors, rows, texts, all: opened };
  } catch (error) {
    for (const { handle } of opened) await handle.close();
    throw error;
  }
}

interface Appending {
  readonly folder: string;
  readonly manifest: IndexManifest;
  readonly added: readonly IndexPart[];
  readonly base: Begun;
  readonly oldIds: BigUint64Array;
  readonly files: CacheFiles;
}

async function appendRows({ folder, manifest, added, base, oldIds, files }: Appending, options: CacheOptions): Promise<Begun> {
  const { dimensions } = manifest;
  const total = sum(added);
  const ids = new BigUint64Array(base.rows + total);
  ids.set(oldIds.filter((key) => Number(key & 0xffff_ffffn) < base.rows));
  let { rows, textBytes } = base;
  for (const part of added) {
    const source = sourceNamed(manifest, part.source);
    for await (const { entries, vectors } of readPart(folder, part, dimensions)) {
      throwIfAborted(options.signal);
      const records = new DataView(new ArrayBuffer(entries.length * RECORD_BYTES));
      const texts: Uint8Array[] = [];
      let length = 0;
      entries.forEach((entry, i) => {
        const text = encodeRecord(entry, source, textBytes + length, records, i * RECORD_BYTES);
        texts.push(text);
        length += text.length;
        ids[rows + i] = idKey(idHash(entry.id), rows + i);
      });
      await writeAt(files.vectors.handle, new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength), rows * dimensions * 4);
      await writeAt(files.rows.handle, new Uint8Array(records.buffer), rows * RECORD_BYTES);
      await writeAt(files.texts.handle, Buffer.concat(texts), textBytes);
      rows += entries.length;
      textBytes += length;
      options.onRows?.(rows - base.rows, total);
    }
  }
  ids.sort();
  await writeWhole(join(folder, IDS_FILE), new Uint8Array(ids.buffer));
  return { rows, textBytes };
}

/** The source of a name. */
export function sourceNamed(manifest: IndexManifest, name: string): IndexSource {
  const source = manifest.sources.find((one) => one.name === name);
  if (source === undefined) throw new RangeError(`the index has no source ${name}`);
  return source;
}

async function readIds(folder: string, rows: number): Promise<BigUint64Array> {
  const bytes = await readFile(join(folder, IDS_FILE));
  return new BigUint64Array(new Uint8Array(bytes.subarray(0, rows * ID_BYTES)).buffer);
}

/** Bytes of the texts of the first rows: where those of the next one begin. */
async function textBytesOf(folder: string, state: CacheState, rows: number): Promise<number> {
  if (rows === state.rows) return state.textBytes;
  const file = await open(join(folder, ROWS_FILE), 'r');
  try {
    const bytes = Buffer.alloc(8);
    await file.read(bytes, 0, 8, rows * RECORD_BYTES + 16);
    return bytes.readDoubleLE(0);
  } finally {
    await file.close();
  }
}

function sum(parts: readonly IndexPart[]): number {
  return parts.reduce((all, part) => all + part.rows, 0);
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
