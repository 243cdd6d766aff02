import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import type { Sieve } from './sieve.js';

/** Bytes of a block in memory: large enough that the engine's threads are worth starting. */
const MEMORY_BLOCK = 256 * 1024 * 1024;
/** Bytes of a block from a file: small enough to be still in the processor's cache when it is worked on, which is 3 times as fast. */
const FILE_BLOCK = 1024 * 1024;
/** Blocks of a file that are in memory: one is worked on, the others are being read. */
const FILE_BLOCKS = 3;

/** Single rows that are read before timers and signals get their turn. */
const ROWS_AT_ONCE = 1000;

/** Rows of a matrix as they come. The array may be used again for later blocks. */
export interface RowBlock {
  readonly first: number;
  readonly count: number;
  /** `count × dimensions`, row-major. */
  readonly rows: Float32Array;
}

/** Vectors as a matrix, one row each, wherever they lie. */
export interface VectorMatrix {
  readonly count: number;
  readonly dimensions: number;
  /** Threads with which a single query is fastest, if not all: reading a file takes a core of its own. */
  readonly threads?: number;
  /** All rows front to back. Blocks for which `wanted` says no are left out. */
  blocks(options?: BlockOptions): AsyncGenerator<RowBlock>;
  /** Some rows, one after the other, in the order asked for. */
  read(rows: ArrayLike<number>): Promise<Float32Array>;
  /** Squared Euclidean lengths of all rows, in double precision; computed once. */
  squaredLengths(signal?: AbortSignal): Promise<Float64Array>;
  /** Codes of all rows, where there are some. */
  sieve?(signal?: AbortSignal): Promise<Sieve | undefined>;
}

export interface BlockOptions {
  readonly signal?: AbortSignal;
  /** Whether any of `count` rows from `first` is of interest. */
  readonly wanted?: (first: number, count: number) => boolean;
}

/** A matrix in memory, looked at without copying. @param data `count × dimensions`, row-major. */
export function matrixInMemory(data: Float32Array, dimensions: number): VectorMatrix {
  if (data.length % dimensions !== 0) throw new RangeError(`expected rows of ${dimensions} numbers, found ${data.length} numbers`);
  const count = data.length / dimensions;
  const most = rowsIn(MEMORY_BLOCK, dimensions);
  let lengths: Float64Array | undefined;
  return {
    count,
    dimensions,
    async* blocks({ signal, wanted } = {}) {
      for (let first = 0; first < count; first += most) {
        // Work on blocks in memory keeps the thread busy: timers and signals get their turn here.
        await new Promise((resolve) => { setImmediate(resolve); });
        throwIfAborted(signal);
        const rows = Math.min(most, count - first);
        if (wanted?.(first, rows) !== false) yield { first, count: rows, rows: data.subarray(first * dimensions, (first + rows) * dimensions) };
      }
    },
    read(rows) {
      const out = new Float32Array(rows.length * dimensions);
      for (let i = 0; i < rows.length; i++) out.set(data.subarray(rows[i]! * dimensions, (rows[i]! + 1) * dimensions), i * dimensions);
      return Promise.resolve(out);
    },
    squaredLengths() {
      if (lengths === undefined) addSquaredLengths(data, dimensions, lengths = new Float64Array(count), 0);
      return Promise.resolve(lengths);
    },
  };
}

export interface MatrixFile {
  readonly path: string;
  /** Where the first row begins, in bytes. Default 0. */
  readonly offset?: number;
  readonly count: number;
  readonly dimensions: number;
  /** Lengths that are known from before. */
  readonly squaredLengths?: Float64Array;
}

/** A matrix of float32 in a file, little-endian, row-major. A few megabytes are in memory at a time; the next are read while one is worked on. */
export function matrixInFile(file: MatrixFile): VectorMatrix {
  const { path, offset = 0, count, dimensions } = file;
  const most = Math.max(1, Math.min(count, rowsIn(FILE_BLOCK, dimensions)));
  const rowBytes = dimensions * 4;
  let lengths = file.squaredLengths;

  async function* blocks({ signal, wanted }: BlockOptions = {}): AsyncGenerator<RowBlock> {
    const handle = await open(path, 'r').catch((cause: unknown) => { throw new InvalidFileError(path, 'cannot be read', { cause }); });
    try {
      const buffers = Array.from({ length: FILE_BLOCKS }, () => new Float32Array(most * dimensions));
      const starts: number[] = [];
      for (let first = 0; first < count; first += most) if (wanted?.(first, Math.min(most, count - first)) !== false) starts.push(first);
      const coming: Promise<RowBlock>[] = [];
      const load = (i: number): void => {
        if (i >= starts.length) return;
        const block = readBlock(handle, { path, offset, rowBytes, first: starts[i]!, count: Math.min(most, count - starts[i]!) }, buffers[i % FILE_BLOCKS]!);
        // Without this, a caller who stops in the middle would leave a rejection that nobody looks at.
        block.catch(() => undefined);
        coming.push(block);
      };
      try {
        for (let i = 0; i + 1 < FILE_BLOCKS; i++) load(i);
        for (let i = 0; i < starts.length; i++) {
          throwIfAborted(signal);
          load(i + FILE_BLOCKS - 1);
          yield await coming.shift()!;
        }
      } finally {
        await Promise.allSettled(coming);
      }
    } finally {
      await handle.close();
    }
  }

  return {
    count,
    dimensions,
    threads: 1,
    blocks,
    async read(rows) {
      const out = new Float32Array(rows.length * dimensions);
      if (rows.length === 0) return out;
      const bytes = new Uint8Array(out.buffer);
      const handle = await open(path, 'r').catch((cause: unknown) => { throw new InvalidFileError(path, 'cannot be read', { cause }); });
      try {
        for (let i = 0; i < rows.length; i++) {
          // Asking the system for a few kilobytes takes microseconds, waiting for the answer of another thread a hundred times as long.
          const done = readSync(handle.fd, bytes, i * rowBytes, rowBytes, offset + rows[i]! * rowBytes);
          if (done !== rowBytes) await readFully(handle, path, bytes.subarray(i * rowBytes, (i + 1) * rowBytes), offset + rows[i]! * rowBytes);
          if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await new Promise((resolve) => { setImmediate(resolve); });
        }
      } finally {
        await handle.close();
      }
      return out;
    },
    async squaredLengths(signal) {
      if (lengths !== undefined) return lengths;
      const made = new Float64Array(count);
      for await (const block of blocks(signal === undefined ? {} : { signal })) addSquaredLengths(block.rows, dimensions, made, block.first);
      return lengths = made;
    },
  };
}

/**
 * Reads a file of vectors into memory, as one array that is looked at without copying: row `i` is
 * `data.subarray(i × dimensions, (i + 1) × dimensions)`. Searches in memory are faster than in the file.
 */
export async function loadMatrix(file: MatrixFile): Promise<{ readonly data: Float32Array; readonly matrix: VectorMatrix }> {
  const { path, offset = 0, count, dimensions } = file;
  const data = new Float32Array(count * dimensions);
  const bytes = new Uint8Array(data.buffer);
  const handle = await open(path, 'r').catch((cause: unknown) => { throw new InvalidFileError(path, 'cannot be read', { cause }); });
  try {
    for (let at = 0; at < bytes.length; at += MEMORY_BLOCK) await readFully(handle, path, bytes.subarray(at, Math.min(bytes.length, at + MEMORY_BLOCK)), offset + at);
  } finally {
    await handle.close();
  }
  return { data, matrix: matrixInMemory(data, dimensions) };
}

function rowsIn(bytes: number, dimensions: number): number {
  return Math.max(1, Math.floor(bytes / (dimensions * 4)));
}

interface BlockPlace {
  readonly path: string;
  readonly offset: number;
  readonly rowBytes: number;
  readonly first: number;
  readonly count: number;
}

async function readBlock(handle: FileHandle, place: BlockPlace, buffer: Float32Array): Promise<RowBlock> {
  const { path, offset, rowBytes, first, count } = place;
  await readFully(handle, path, new Uint8Array(buffer.buffer, 0, count * rowBytes), offset + first * rowBytes);
  return { first, count, rows: buffer.subarray(0, count * rowBytes / 4) };
}

async function readFully(handle: FileHandle, path: string, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new InvalidFileError(path, `expected at least ${position + bytes.length} bytes, found ${position + done}`, { advice: 'it is a copy of the index\'s parts; make it anew with: tilewright index build' });
    done += bytesRead;
  }
}

function addSquaredLengths(rows: Float32Array, dimensions: number, out: Float64Array, first: number): void {
  const count = Math.floor(rows.length / dimensions);
  for (let row = 0, at = 0; row < count; row++) {
    let sum = 0;
    for (const end = at + dimensions; at < end; at++) sum += rows[at]! * rows[at]!;
    out[first + row] = sum;
  }
}
