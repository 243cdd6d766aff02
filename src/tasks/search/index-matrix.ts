import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError } from '../../errors.js';
import { CACHE_FOLDER } from '../../index-store/index.js';
import type { OpenIndex } from '../../index-store/index.js';
import { writeWhole } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { matrixInFile, openSieve, writeSieve } from '../../search/index.js';
import type { Sieve, SieveOf, VectorMatrix, WriteSieveOptions } from '../../search/index.js';
import { sharedWork } from './shared-work.js';

/** Begins the names of files of lengths; the vectors' fingerprint follows. */
const LENGTHS = 'lengths-';
/** The same of files of codes (see src/search/sieve.ts). */
const CODES = 'codes-';
/** Numbers in an index from which on codes are worth their file: below, all vectors are read in a few hundredths of a second. */
const WORTHWHILE = 2 ** 24;

export interface IndexMatrixOptions {
  /** Numbers in an index from which on it has a file of codes. Default 16 million. */
  readonly codesFrom?: number;
}

/**
 * The vectors of an index as a matrix that is read from its file. Their lengths, and codes for those of large indexes, are kept beside
 * it once they were computed.
 */
export function indexMatrix(index: OpenIndex, { codesFrom = WORTHWHILE }: IndexMatrixOptions = {}): VectorMatrix {
  const matrix = matrixInFile({ path: index.vectorsPath, count: index.count, dimensions: index.dimensions });
  const sieve = sharedWork((signal) => (index.count * index.dimensions < codesFrom ? Promise.resolve(undefined) : keptSieve(index, matrix, signal)));
  const squaredLengths = sharedWork(async (signal) => (await sieve(signal))?.squared ?? await keptLengths(index, matrix, signal));
  return { ...matrix, sieve, squaredLengths };
}

async function keptSieve(index: OpenIndex, matrix: VectorMatrix, signal?: AbortSignal): Promise<Sieve | undefined> {
  const found = await openSieve(codesPath(index), codesOf(index));
  if (found !== undefined) return found;
  try {
    await makeCodes(index, matrix, signal === undefined ? {} : { signal });
  } catch (error) {
    // An index in a folder that cannot be written is searched without.
    if (error instanceof EnvironmentError) return undefined;
    throw error;
  }
  return openSieve(codesPath(index), codesOf(index));
}

function codesOf(index: OpenIndex): SieveOf {
  return { count: index.count, dimensions: index.dimensions, vectors: index.fingerprint };
}

function codesPath(index: OpenIndex): string {
  return join(index.folder, CACHE_FOLDER, `${CODES}${index.fingerprint.slice(0, 16)}.bin`);
}

async function makeCodes(index: OpenIndex, matrix: VectorMatrix, options: Omit<WriteSieveOptions, 'vectors'>): Promise<void> {
  const path = codesPath(index);
  await writeSieve(matrix, path, { ...options, vectors: index.fingerprint });
  await removeOthers(index, [CODES, LENGTHS], path);
}

/** The file of codes, for `index build`; `undefined` for small indexes. */
export async function buildCodes(index: OpenIndex, context: TaskContext): Promise<{ readonly what: string; readonly path: string; readonly bytes: number; readonly seconds: number } | undefined> {
  if (index.count * index.dimensions < WORTHWHILE) return undefined;
  const started = performance.now();
  const path = codesPath(index);
  await makeCodes(index, matrixInFile({ path: index.vectorsPath, count: index.count, dimensions: index.dimensions }), {
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onRows: (done, total) => context.onProgress?.({ stage: 'build', done, total, unit: 'entries' }),
  });
  const bytes = (await stat(path)).size;
  return { what: 'codes for exact searches', path, bytes, seconds: (performance.now() - started) / 1000 };
}

async function keptLengths(index: OpenIndex, matrix: VectorMatrix, signal?: AbortSignal): Promise<Float64Array> {
  const path = join(index.folder, CACHE_FOLDER, `${LENGTHS}${index.fingerprint.slice(0, 16)}.f64`);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes?.length === index.count * 8) return new Float64Array(new Uint8Array(bytes).buffer);
  const made = await matrix.squaredLengths(signal);
  // What is kept saves a second per million vectors; an index in a folder that cannot be written is searched without.
  await keep(index, path, made).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
  });
  return made;
}

async function keep(index: OpenIndex, path: string, lengths: Float64Array): Promise<void> {
  await writeWhole(path, new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength));
  await removeOthers(index, [LENGTHS], path);
}

/** Removes files of vectors that are no longer there, and those that processes which have ended left half-written. */
async function removeOthers(index: OpenIndex, kinds: readonly string[], path: string): Promise<void> {
  const folder = join(index.folder, CACHE_FOLDER);
  for (const name of await readdir(folder)) {
    const other = join(folder, name);
    if (other === path || !kinds.some((kind) => name.startsWith(kind)) || (name.endsWith('.tmp') && isBeingWritten(name))) continue;
    await rm(other, { force: true });
  }
}

/** Names of half-written files end with the process that writes them. One of another machine cannot be seen: it finds its file gone, and makes it again next time. */
function isBeingWritten(name: string): boolean {
  const pid = Number(/\.(\d+)(?:\.[0-9a-f]{8})?\.tmp$/.exec(name)?.[1]);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
