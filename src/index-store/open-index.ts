import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import { IDS_FILE, ROWS_FILE, TEXTS_FILE, isCacheOf, readCacheState, sourceNamed, updateCache } from './cache.js';
import { ID_BYTES, idHash, rowsOfHash } from './id-table.js';
import { readManifest } from './manifest.js';
import { partError, partProblem } from './read-part.js';
import { RECORD_BYTES, entryBatch, textsBegin, textsLength } from './row-record.js';
import type { EntryBatch } from './row-record.js';
import { VECTORS_FILE } from './types.js';
import type { IndexEntry, IndexManifest, IndexPart, IndexSource } from './types.js';

/** Rows of {@link OpenIndex.batches} that are in memory at once. */
const BATCH_ROWS = 8192;

export interface OpenIndexOptions {
  /** Leaves parts out that are missing or damaged, with a note for each, instead of an error that names the first. Default false. */
  readonly skipBad?: boolean;
  readonly signal?: AbortSignal;
  /** Told while caches are made again. */
  readonly onRows?: (done: number, total: number) => void;
}

/** A part that is used, with the row of its first entry. */
export interface UsedPart extends IndexPart {
  readonly first: number;
}

/**
 * An index that is read. Rows are numbered from 0 in the order of the parts; parts that are left out have no rows. It goes on
 * showing what was there when it was opened, whatever is added meanwhile.
 */
export interface OpenIndex {
  readonly folder: string;
  /** As on disk: its count, sources and parts include parts that are left out. */
  readonly manifest: IndexManifest;
  /** Entries that are used. */
  readonly count: number;
  /** Numbers per vector. */
  readonly dimensions: number;
  readonly parts: readonly UsedPart[];
  /** Names the vectors in their order: files made from them are older than the parts when it is another one. Hexadecimal. */
  readonly fingerprint: string;
  /** `count × dimensions` float32, little-endian, row-major, no header; further rows may follow. */
  readonly vectorsPath: string;
  /** What was found out while opening: caches that were made again, parts that are left out. */
  readonly notes: readonly string[];
  /** @throws {RangeError} for rows that are not there, as the others. */
  entry(row: number): Promise<IndexEntry>;
  /** Entries of rows, in the order of the rows given. */
  entries(rows: readonly number[]): Promise<IndexEntry[]>;
  /** All entries in order, some thousands at a time; only what is asked of a batch is decoded. A batch is good until the next. */
  batches(signal?: AbortSignal): AsyncGenerator<EntryBatch>;
  sourceOf(row: number): IndexSource;
  /** The row of an id. */
  rowOf(id: string): Promise<number | undefined>;
  /** The row whose outline a place (degrees, WGS 84) lies in; of several the one whose centre is nearest, then the first. */
  rowAt(lon: number, lat: number): Promise<number | undefined>;
  /** A copy of a vector. */
  vector(row: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens an index. Caches that are missing or older than the parts are made again first, and a note says so; else nothing but
 * `index.json`, the state of the cache and the sizes of files is read.
 * @throws {InvalidFileError} if the folder holds no index, or one of its parts is missing or damaged (unless `skipBad`).
 * @throws {OutputError} if caches must be made and the folder cannot be written, or another process keeps it locked.
 */
export async function openIndex(folder: string, options: OpenIndexOptions = {}): Promise<OpenIndex> {
  for (let tries = 0; tries < 10; tries++) {
    const opened = await tryOpen(folder, options);
    if (opened !== undefined) return opened;
  }
  throw new InvalidFileError(folder, 'the index is changed all the time by other processes', { advice: 'wait until they are done' });
}

/** @returns `undefined` if the index was changed meanwhile. */
async function tryOpen(folder: string, options: OpenIndexOptions): Promise<OpenIndex | undefined> {
  const manifest = await readManifest(folder);
  const notes: string[] = [];
  let parts = await usableParts(folder, manifest, options, notes);
  const before = await readCacheState(folder);
  if (before === undefined || !isCacheOf(before, parts, manifest.dimensions)) {
    const { bad, read } = await updateCache(folder, manifest, { ...options, parts });
    for (const { part, problem } of bad) notes.push(leftOut(part, problem));
    if (read > 0) notes.push(`the files in ${folder}/cache were ${before === undefined ? 'missing' : 'older than the parts'} and were made again from ${read} entries`);
    parts = parts.filter((part) => !bad.some((one) => one.part === part));
  }
  const files = await openCache(folder, parts, manifest.dimensions);
  return files === undefined ? undefined : createIndex({ folder, manifest, parts, notes, ...files });
}

async function usableParts(folder: string, manifest: IndexManifest, options: OpenIndexOptions, notes: string[]): Promise<IndexPart[]> {
  const damaged = options.skipBad ? (await readCacheState(folder))?.damaged ?? [] : [];
  const parts: IndexPart[] = [];
  for (const part of manifest.parts) {
    const known = damaged.find(({ file, sha256 }) => file === part.file && sha256 === part.sha256);
    const unchanged = known !== undefined && (await stat(join(folder, part.file)).catch(() => undefined))?.mtimeMs === known.changed;
    const problem = await partProblem(folder, part) ?? (unchanged ? 'was changed or is damaged: its checksum is another one' : undefined);
    if (problem === undefined) parts.push(part);
    else if (options.skipBad) notes.push(leftOut(part, problem));
    else throw partError(folder, part, problem);
  }
  return parts;
}

function leftOut(part: IndexPart, problem: string): string {
  return `left out: ${part.file}, ${part.rows} entries of ${part.source}, ${problem}`;
}

interface CacheHandles {
  readonly vectors: FileHandle;
  readonly rows: FileHandle;
  readonly texts: FileHandle;
  readonly ids: FileHandle;
}

/** Opens the files of the cache, if they are still those of the parts. */
async function openCache(folder: string, parts: readonly IndexPart[], dimensions: number): Promise<CacheHandles | undefined> {
  const handles: FileHandle[] = [];
  const one = async (file: string): Promise<FileHandle> => {
    const handle = await open(join(folder, file), 'r');
    handles.push(handle);
    return handle;
  };
  let good = false;
  try {
    const opened = { vectors: await one(VECTORS_FILE), rows: await one(ROWS_FILE), texts: await one(TEXTS_FILE), ids: await one(IDS_FILE) };
    // The state is removed before the files change and written after: if it is right now, they were right when they were opened.
    const state = await readCacheState(folder);
    good = state !== undefined && isCacheOf(state, parts, dimensions);
    return good ? opened : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    if (!good) for (const handle of handles) await handle.close();
  }
}

interface Opened extends CacheHandles {
  readonly folder: string;
  readonly manifest: IndexManifest;
  readonly parts: readonly IndexPart[];
  readonly notes: readonly string[];
}

function createIndex({ folder, manifest, parts: listed, notes, vectors, rows: records, texts, ids }: Opened): OpenIndex {
  const parts: UsedPart[] = [];
  let count = 0;
  for (const part of listed) {
    parts.push({ ...part, first: count });
    count += part.rows;
  }
  const { dimensions } = manifest;
  const sources = parts.map((part) => sourceNamed(manifest, part.source));

  function sourceOf(row: number): IndexSource {
    let [low, high] = [0, parts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (parts[middle]!.first <= row) low = middle;
      else high = middle - 1;
    }
    return sources[low]!;
  }

  async function batch(first: number, length: number): Promise<EntryBatch> {
    const view = new DataView((await readExactly(records, first * RECORD_BYTES, length * RECORD_BYTES)).buffer);
    const begin = textsBegin(view, 0);
    const end = textsBegin(view, length - 1) + textsLength(view, length - 1);
    return entryBatch({ first, count: length }, view, await readExactly(texts, begin, end - begin), begin, sourceOf);
  }

  function checkRow(row: number): void {
    if (!Number.isInteger(row) || row < 0 || row >= count) throw new RangeError(`expected a row from 0 to ${count - 1}, got ${row}`);
  }

  const index: OpenIndex = {
    folder, manifest, count, dimensions, parts, notes, vectorsPath: join(folder, VECTORS_FILE),
    fingerprint: createHash('sha256').update(JSON.stringify(listed.map(({ sha256, rows }) => [sha256, rows]))).digest('hex'),
    sourceOf,
    async entry(row) {
      checkRow(row);
      return (await batch(row, 1)).entry(0);
    },
    async entries(rows) {
      const found: IndexEntry[] = [];
      for (const row of rows) found.push(await index.entry(row));
      return found;
    },
    async* batches(signal) {
      for (let first = 0; first < count; first += BATCH_ROWS) {
        throwIfAborted(signal);
        yield await batch(first, Math.min(BATCH_ROWS, count - first));
      }
    },
    async rowOf(id) {
      const read = async (from: number, length: number): Promise<BigUint64Array> => new BigUint64Array((await readExactly(ids, from * ID_BYTES, length * ID_BYTES)).buffer);
      for (const row of await rowsOfHash(idHash(id), count, read)) if ((await batch(row, 1)).id(0) === id) return row;
      return undefined;
    },
    async rowAt(lon, lat) {
      let best: { readonly row: number; readonly far: number } | undefined;
      for await (const some of index.batches()) {
        for (let i = 0; i < some.count; i++) {
          const far = farFrom(some, i, lon, lat);
          if (far !== undefined && (best === undefined || far < best.far)) best = { row: some.first + i, far };
        }
      }
      return best?.row;
    },
    async vector(row) {
      checkRow(row);
      return new Float32Array((await readExactly(vectors, row * dimensions * 4, dimensions * 4)).buffer);
    },
    async close() {
      for (const handle of [vectors, records, texts, ids]) await handle.close();
    },
  };
  return index;
}

/** Squared distance from a chip's centre on the ground, up to a factor, if the place lies in its outline. */
function farFrom(batch: EntryBatch, i: number, lon: number, lat: number): number | undefined {
  const [centreLon, centreLat, reach] = [batch.lon(i), batch.lat(i), batch.reach(i)];
  const up = lat - centreLat;
  const across = lon - centreLon - 360 * Math.round((lon - centreLon) / 360);
  if (!(Math.abs(up) <= reach && Math.abs(across) <= reach)) return undefined;
  const ring = batch.footprint(i);
  if (ring === undefined) return undefined;
  // Rings may run on past ±180: the point is moved beside them. It must lie left of every edge of the convex ring.
  const x = lon + 360 * Math.round((ring[0]![0] - lon) / 360);
  for (let k = 0; k + 1 < ring.length; k++) {
    const [x0, y0] = ring[k]!;
    const [x1, y1] = ring[k + 1]!;
    if ((x1 - x0) * (lat - y0) - (y1 - y0) * (x - x0) < 0) return undefined;
  }
  return (across * Math.cos((lat * Math.PI) / 180)) ** 2 + up ** 2;
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new RangeError(`the cache of the index ends before byte ${position + length}`);
    done += bytesRead;
  }
  return bytes;
}
