import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { EnvironmentError, InvalidFileError } from '../errors.js';
import { hasCodeProducts } from './code-products.js';
import { codeRows, strideOf } from './codes.js';
import type { RowCodes } from './codes.js';
import type { VectorMatrix } from './matrix.js';

/** Codes of all rows of a matrix (see {@link RowCodes}), with which most rows are passed over without reading them. */
export interface Sieve {
  readonly count: number;
  /** Codes per row. */
  readonly stride: number;
  readonly scales: Float32Array;
  readonly errors: Float32Array;
  /** Squared lengths of the rows themselves. */
  readonly squared: Float64Array;
  /** Opens the codes for one search. */
  open(): CodeReader;
}

export interface CodeReader {
  /** Puts the codes of some rows into `out`, at once: copying from memory takes less time than waiting for another thread. */
  read(first: number, count: number, out: Uint8Array): void;
  close(): void;
}

/** Bytes of codes per row besides its codes: scale, error, squared length. */
const ROW_EXTRA = 16;

/**
 * A file of codes, all numbers little-endian: a header of {@link HEADER} bytes, codes, scales (float32), errors (float32), squared lengths
 * (float64). The header: 8 bytes `TWcodes` and a zero, version, rows, dimensions, codes per row (uint32 each), 8 zeros, SHA-256 of the name of the vectors (32
 * bytes), SHA-256 of everything behind the codes (32 bytes), SHA-256 of the header before (32 bytes).
 */
const HEADER = 128;
const MAGIC = 'TWcodes\0';
const VERSION = 1;

/** The vectors that codes in a file are of. */
export interface SieveOf {
  readonly count: number;
  readonly dimensions: number;
  /** Something that changes with the vectors, such as their checksum. */
  readonly vectors: string;
}

function headerOf({ count, dimensions, vectors }: SieveOf, extra: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.write(MAGIC, 'latin1');
  [VERSION, count, dimensions, strideOf(dimensions)].forEach((value, i) => header.writeUInt32LE(value, 8 + 4 * i));
  createHash('sha256').update(vectors).digest().copy(header, 32);
  extra.copy(header, 64);
  createHash('sha256').update(header.subarray(0, 96)).digest().copy(header, 96);
  return header;
}

/** A matrix with codes in memory, for many searches one after the other: a fifth more memory, and a second or two per million rows to make them. */
export async function withSieve(matrix: VectorMatrix, signal?: AbortSignal): Promise<VectorMatrix> {
  if (!hasCodeProducts()) return matrix;
  const stride = strideOf(matrix.dimensions);
  const made = emptyCodes(matrix.count, stride);
  const squared = new Float64Array(matrix.count);
  for await (const { first, rows } of matrix.blocks(signal === undefined ? {} : { signal })) codeRows(rows, matrix.dimensions, made, squared, first);
  const bytes = new Uint8Array(made.codes.buffer);
  const sieve: Sieve = {
    count: matrix.count, stride, scales: made.scales, errors: made.errors, squared,
    open: () => ({ read: (first, count, out) => { out.set(bytes.subarray(first * stride, (first + count) * stride)); }, close: () => undefined }),
  };
  return { ...matrix, sieve: () => Promise.resolve(sieve), squaredLengths: () => Promise.resolve(squared) };
}

export interface WriteSieveOptions {
  /** See {@link SieveOf}. */
  readonly vectors: string;
  readonly signal?: AbortSignal;
  readonly onRows?: (done: number, all: number) => void;
}

/**
 * Writes a file of codes, under its name only when it is whole. Besides a block, 16 bytes per row are in memory.
 * @throws {EnvironmentError} if it cannot be written.
 */
export async function writeSieve(matrix: VectorMatrix, path: string, options: WriteSieveOptions): Promise<void> {
  const { vectors, signal, onRows } = options;
  const { count, dimensions } = matrix;
  const stride = strideOf(dimensions);
  const [scales, errors, squared] = [new Float32Array(count), new Float32Array(count), new Float64Array(count)];
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(Buffer.alloc(HEADER));
      for await (const { first, count: some, rows } of matrix.blocks(signal === undefined ? {} : { signal })) {
        const block = emptyCodes(some, stride);
        codeRows(rows, dimensions, block, squared.subarray(first, first + some), 0);
        scales.set(block.scales, first);
        errors.set(block.errors, first);
        await file.writeFile(new Uint8Array(block.codes.buffer));
        onRows?.(first + some, count);
      }
      const hash = createHash('sha256');
      for (const numbers of [scales, errors, squared]) {
        const bytes = new Uint8Array(numbers.buffer);
        hash.update(bytes);
        await file.writeFile(bytes);
      }
      await file.write(headerOf({ count, dimensions, vectors }, hash.digest()), 0, HEADER, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    if (signal?.aborted || cause instanceof InvalidFileError) throw cause;
    throw new EnvironmentError(`${path}: cannot be written: ${(cause as Error).message}`, { cause, advice: 'is there room on the disk?' });
  }
}

/**
 * Opens a file that {@link writeSieve} has written: 16 bytes per row are read and checked, codes when they are needed. `undefined` if it is not there, of another
 * version or of other vectors, not as long as it must be, or damaged outside the codes themselves.
 */
export async function openSieve(path: string, of: SieveOf): Promise<Sieve | undefined> {
  if (!hasCodeProducts()) return undefined;
  const { count, dimensions } = of;
  const stride = strideOf(dimensions);
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size !== HEADER + count * (stride + ROW_EXTRA)) return undefined;
    const header = await readAt(file, 0, HEADER);
    const extra = await readAt(file, HEADER + count * stride, count * ROW_EXTRA);
    if (header === undefined || extra === undefined || !headerOf(of, createHash('sha256').update(extra).digest()).equals(header)) return undefined;
    return {
      count, stride,
      scales: new Float32Array(extra.buffer, 0, count), errors: new Float32Array(extra.buffer, 4 * count, count), squared: new Float64Array(extra.buffer, 8 * count, count),
      open: () => readerOf(path, stride),
    };
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const out = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(out, done, length - done, position + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return out;
}

function readerOf(path: string, stride: number): CodeReader {
  const fd = openSync(path, 'r');
  return {
    read(first, count, out) {
      for (let done = 0; done < count * stride;) {
        const bytes = readSync(fd, out, done, count * stride - done, HEADER + first * stride + done);
        if (bytes === 0) throw new InvalidFileError(path, `expected more than ${HEADER + first * stride + done} bytes`, { advice: 'delete it; it is made again from the vectors' });
        done += bytes;
      }
    },
    close: () => { closeSync(fd); },
  };
}

function emptyCodes(count: number, stride: number): RowCodes {
  return { codes: new Int8Array(count * stride), scales: new Float32Array(count), errors: new Float32Array(count) };
}
