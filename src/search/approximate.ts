import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { EnvironmentError, InvalidFileError, throwIfAborted } from '../errors.js';
import { exactDistances } from './distance.js';
import type { VectorMatrix } from './matrix.js';
import { createNearestRows } from './nearest-rows.js';
import type { NearestRows } from './nearest-rows.js';
import type { Metric } from './types.js';
import { loadUsearch } from './usearch.js';
import type { GraphSettings } from './usearch.js';

/** Neighbours per node and nodes looked at: measured, see docs/decisions/0009-neighbours.md and 0016-a-million-in-the-graph.md. */
const CONNECTIVITY = 16;
const EXPANSION_ADD = 96;
const EXPANSION_SEARCH = 256;
/** Files that were made with other settings are made again. */
export const APPROXIMATE_SETTINGS = `usearch 2, ${CONNECTIVITY} neighbours, ${EXPANSION_ADD} looked at`;
/** Rows that are compared again in double precision, for every result that is wanted. */
const CANDIDATES = 4;
/** Candidates that are asked for at least. */
const LEAST_CANDIDATES = 64;
/** Largest number that half precision holds, with room for sums. */
const HALF_MOST = 60_000;
/** Rows that are added between two looks at the clock and the signal. */
const ADDED_AT_ONCE = 2048;
/** Resident memory of the process from which the file's pages are given back before the next search. */
const RESIDENT_MOST = 400e6;
/** Pages are given back only where at most a part in so many of the time goes into that: mapping a million vectors takes a quarter of a second. */
const MAPPING_SHARE = 10;

export interface BuildOptions {
  readonly metric: Metric;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** After every few thousand rows. */
  readonly onRows?: (done: number, all: number) => void;
}

/** What tells a graph's file from others, and from itself when it was cut. */
export interface GraphSeal {
  readonly bytes: number;
  /** SHA-256 of its first and last kilobytes. */
  readonly ends: string;
}

/** A graph for approximate search. */
export interface ApproximateIndex {
  readonly count: number;
  /**
   * Rows that are nearest to a vector, most likely: the graph's candidates, compared again in double precision.
   * @returns what {@link createNearestRows} keeps: squared distances for `l2`.
   */
  nearest(vector: Float32Array, options: { readonly k: number; readonly most?: number; readonly mask?: Uint8Array }): Promise<NearestRows>;
}

/**
 * Builds a graph over all rows and writes it to a file, under its name only when it is whole. The graph is in memory meanwhile:
 * about `count × (2 × dimensions + 200)` bytes.
 * @returns what {@link openApproximate} knows the file by.
 * @throws {EnvironmentError} without usearch.
 */
export async function buildApproximate(matrix: VectorMatrix, path: string, options: BuildOptions): Promise<GraphSeal> {
  const { metric, threads = 0, signal, onRows } = options;
  const make = await loadUsearch();
  const graph = make(settingsFor(matrix, metric, await quantizationFor(matrix, signal)));
  let done = 0;
  for await (const { first, count, rows } of matrix.blocks(signal === undefined ? {} : { signal })) {
    for (let from = 0; from < count; from += ADDED_AT_ONCE) {
      throwIfAborted(signal);
      const size = Math.min(ADDED_AT_ONCE, count - from);
      const keys = BigUint64Array.from({ length: size }, (_, i) => BigInt(first + from + i));
      graph.add(keys, rows.subarray(from * matrix.dimensions, (from + size) * matrix.dimensions), threads);
      done += size;
      onRows?.(done, matrix.count);
      // The call above blocks: timers and signals get their turn here.
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    graph.save(temporary);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    const seal = await sealOf(temporary);
    await rename(temporary, path);
    return seal;
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new EnvironmentError(`${path}: the approximate index cannot be written: ${(cause as Error).message}`, { cause, advice: 'is there room on the disk?' });
  }
}

/**
 * Opens a graph that {@link buildApproximate} has written, mapped into memory: only the pages that searches touch are read.
 * @throws {InvalidFileError} if the file is not the one that was written, or has another number of rows.
 */
export async function openApproximate(matrix: VectorMatrix, path: string, options: { readonly metric: Metric; readonly seal: GraphSeal }): Promise<ApproximateIndex> {
  const make = await loadUsearch();
  const found = await sealOf(path).catch((cause: unknown) => { throw new InvalidFileError(path, 'cannot be read', { cause }); });
  // usearch believes what it maps: a file that is cut, or another one, would end the process.
  if (found.bytes !== options.seal.bytes || found.ends !== options.seal.ends) throw new InvalidFileError(path, 'is damaged, or not the approximate index that was written', { advice: 'delete it; it is made again from the vectors' });
  const settings = settingsFor(matrix, options.metric, await quantizationFor(matrix));
  const graph = make(settings);
  let next = 0;
  const map = (): void => {
    const started = performance.now();
    try {
      graph.view(path);
    } catch (cause) {
      throw new InvalidFileError(path, `is not an approximate index: ${(cause as Error).message}`, { cause, advice: 'delete it; it is made again from the vectors' });
    }
    if (graph.size() !== matrix.count) throw new InvalidFileError(path, `expected ${matrix.count} vectors, found ${graph.size()}`, { advice: 'delete it; it is made again from the vectors' });
    const ended = performance.now();
    next = ended + MAPPING_SHARE * (ended - started);
  };
  map();
  return {
    count: matrix.count,
    async nearest(vector, { k, most = Number.POSITIVE_INFINITY, mask }) {
      // Pages stay resident until the map goes; viewing again lets go of it first.
      if (performance.now() > next && process.memoryUsage.rss() > RESIDENT_MOST) map();
      const nearest = createNearestRows(k);
      // A mask is applied to what comes back, so more is asked for, until there is enough or everything was seen.
      for (let wanted = Math.min(matrix.count, Math.max(k * CANDIDATES, LEAST_CANDIDATES)); ; wanted = Math.min(matrix.count, wanted * 8)) {
        const found = [...graph.search(vector, wanted, 1).keys].map(Number).filter((row) => row < matrix.count);
        const rows = mask === undefined ? found : found.filter((row) => mask[row] !== 0);
        if (rows.length < k && wanted < matrix.count && mask !== undefined && found.length === wanted) continue;
        const vectors = await matrix.read(rows);
        const distances = new Float64Array(rows.length);
        exactDistances(vector, vectors, rows.length, options.metric, distances);
        rows.forEach((row, i) => { if (distances[i]! <= most) nearest.offer(row, distances[i]!); });
        return nearest;
      }
    },
  };
}

const SEALED = 64 * 1024;

async function sealOf(path: string): Promise<GraphSeal> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(SEALED, size);
    const hash = createHash('sha256');
    for (const position of [0, size - length]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { bytes: size, ends: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

function settingsFor(matrix: VectorMatrix, metric: Metric, quantization: GraphSettings['quantization']): GraphSettings {
  return {
    dimensions: matrix.dimensions, metric: metric === 'l2' ? 'l2sq' : 'cos', quantization, connectivity: CONNECTIVITY,
    expansion_add: EXPANSION_ADD, expansion_search: EXPANSION_SEARCH, multi: false,
  };
}

/** Half precision where the numbers fit into it: no number is larger than its vector is long. */
async function quantizationFor(matrix: VectorMatrix, signal?: AbortSignal): Promise<GraphSettings['quantization']> {
  const lengths = await matrix.squaredLengths(signal);
  for (let i = 0; i < lengths.length; i++) if (!(lengths[i]! < HALF_MOST ** 2)) return 'f32';
  return 'f16';
}
