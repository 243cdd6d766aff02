import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LEADER_BYTES, TRAILER_BYTES } from './layout.js';
import { writingTo } from './output.js';

/** Where the spool stood at a checkpoint. */
export type SpoolMark = {
  readonly blocks: number;
  readonly bytes: number;
};

/**
 * The scratch folder of a COG being written: packed blocks of all levels in the order in which they became ready, an index
 * of them, and the rows of unfinished blocks.
 */
export interface Spool {
  /** Appends one packed block with leader and trailer. One call at a time. */
  append(level: number, block: number, packed: Uint8Array): Promise<void>;
  mark(): SpoolMark;
  /** Lengths of the packed blocks of every level. */
  readonly byteCounts: readonly Uint32Array[];
  /** Writes pieces to rows file `file` at byte `at`, at once. */
  keepRows(file: 0 | 1, at: number, pieces: readonly Uint8Array[]): void;
  /** Empties a rows file, at once. */
  clearRows(file: 0 | 1): void;
  readRows(file: 0 | 1, at: number, length: number): Promise<Uint8Array>;
  /** Brings everything appended so far to the disk. */
  sync(rowsFile: 0 | 1): Promise<void>;
  /** Where a packed block stands, leader and trailer included. */
  placeOf(level: number, block: number): { readonly start: number; readonly end: number };
  /** Reads up to `length` bytes of packed blocks into `buffer`; gives how many, at least one. */
  read(buffer: Uint8Array, offset: number, length: number, at: number): Promise<number>;
  close(): Promise<void>;
  /** Closes and removes what the spool made. */
  remove(): Promise<void>;
}

/** Level, block, length: three uint32 per block. */
const RECORD_BYTES = 12;
const NAMES = { blocks: 'blocks', index: 'blocks.index', rows: ['rows-0', 'rows-1'] } as const;

/**
 * Opens the spool in `folder`, empty, or as it stood at `mark`.
 * @param blockCounts number of blocks of every level
 * @throws {OutputError} if the folder cannot be written, or lacks what the mark needs.
 */
export async function openSpool(folder: string, blockCounts: readonly number[], mark?: SpoolMark): Promise<Spool> {
  return await writingTo(folder, async () => {
    await mkdir(folder, { recursive: true });
    const flags = mark === undefined ? 'w+' : 'r+';
    const handles: FileHandle[] = [];
    try {
      for (const name of [NAMES.blocks, NAMES.index, ...NAMES.rows]) handles.push(await open(join(folder, name), flags));
      const [blocks, index, rows0, rows1] = handles as [FileHandle, FileHandle, FileHandle, FileHandle];
      const spool = createSpool(folder, { blocks, index, rows: [rows0, rows1] }, blockCounts);
      if (mark !== undefined) await spool.restore(mark);
      return spool;
    } catch (error) {
      await Promise.all(handles.map((handle) => handle.close()));
      throw error;
    }
  });
}

interface Handles {
  readonly blocks: FileHandle;
  readonly index: FileHandle;
  readonly rows: readonly [FileHandle, FileHandle];
}

function createSpool(folder: string, handles: Handles, blockCounts: readonly number[]): Spool & { restore(mark: SpoolMark): Promise<void> } {
  const byteCounts = blockCounts.map((count) => new Uint32Array(count));
  const places = blockCounts.map((count) => new Float64Array(count));
  let records: number[] = [];
  let blocks = 0;
  let bytes = 0;
  let indexed = 0;
  let closed = false;

  const take = (level: number, block: number, length: number): void => {
    byteCounts[level]![block] = length;
    places[level]![block] = bytes;
    bytes += LEADER_BYTES + length + TRAILER_BYTES;
    blocks++;
  };

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await Promise.all([handles.blocks, handles.index, ...handles.rows].map((handle) => handle.close()));
  };

  return {
    byteCounts,
    mark: () => ({ blocks, bytes }),
    async append(level, block, packed) {
      const leader = Buffer.alloc(LEADER_BYTES);
      leader.writeUInt32LE(packed.length);
      await writeAll(handles.blocks, [leader, packed, packed.subarray(packed.length - TRAILER_BYTES)], bytes);
      take(level, block, packed.length);
      records.push(level, block, packed.length);
    },
    keepRows(file, at, pieces) {
      let position = at;
      for (const piece of pieces) {
        for (let done = 0; done < piece.length;) {
          const written = writeSync(handles.rows[file].fd, piece, done, piece.length - done, position);
          done += written;
          position += written;
        }
      }
    },
    clearRows(file) {
      ftruncateSync(handles.rows[file].fd, 0);
    },
    async readRows(file, at, length) {
      return await readExactly(handles.rows[file], at, length);
    },
    async sync(rowsFile) {
      const fresh = Buffer.from(Uint32Array.from(records).buffer);
      records = [];
      const at = indexed;
      indexed += fresh.length;
      if (fresh.length > 0) await writeAll(handles.index, [fresh], at);
      await Promise.all([handles.blocks.datasync(), handles.index.datasync(), handles.rows[rowsFile].datasync()]);
    },
    placeOf: (level, block) => ({ start: places[level]![block]!, end: places[level]![block]! + LEADER_BYTES + byteCounts[level]![block]! + TRAILER_BYTES }),
    async read(buffer, offset, length, at) {
      const { bytesRead } = await handles.blocks.read(buffer, offset, length, at);
      if (bytesRead === 0) throw new Error(`the spool ends at ${at}, expected ${length} bytes more`);
      return bytesRead;
    },
    async restore(mark) {
      const index = await readExactly(handles.index, 0, mark.blocks * RECORD_BYTES);
      const view = new DataView(index.buffer, index.byteOffset, index.length);
      for (let at = 0; at < index.length; at += RECORD_BYTES) {
        take(view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true));
      }
      const { size } = await handles.blocks.stat();
      if (bytes !== mark.bytes || size < bytes) throw new Error(`the spooled blocks do not fit the checkpoint: expected ${mark.bytes} bytes, found ${bytes} of ${size}`);
      indexed = index.length;
      await handles.blocks.truncate(bytes);
      await handles.index.truncate(indexed);
    },
    close,
    async remove() {
      await close();
      for (const name of [NAMES.blocks, NAMES.index, ...NAMES.rows]) await rm(join(folder, name), { force: true });
    },
  };
}

/** Writes the pieces one after the other from byte `position` on. */
export async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const { bytesWritten } = await handle.writev(pieces, position);
  if (bytesWritten === total) return;
  // A short write: what is left goes piece by piece, and meets the error that cut it.
  let skip = bytesWritten;
  let at = position + bytesWritten;
  for (const piece of pieces) {
    let done = Math.min(skip, piece.length);
    skip -= done;
    while (done < piece.length) {
      const part = await handle.write(piece, done, piece.length - done, at);
      done += part.bytesWritten;
      at += part.bytesWritten;
    }
  }
}

async function readExactly(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(buffer, done, length - done, at + done);
    if (bytesRead === 0) throw new Error(`the scratch file ends at ${at + done}, expected ${at + length}`);
    done += bytesRead;
  }
  return buffer;
}
