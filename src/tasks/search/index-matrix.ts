import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER } from '../../index-store/index.js';
import type { OpenIndex } from '../../index-store/index.js';
import { writeWhole } from '../../run/index.js';
import { matrixInFile } from '../../search/index.js';
import type { VectorMatrix } from '../../search/index.js';

/** Begins the names of files of lengths; the vectors' fingerprint follows. */
const LENGTHS = 'lengths-';

/** The vectors of an index as a matrix that is read from its file. Their lengths are kept beside it once they were computed. */
export function indexMatrix(index: OpenIndex): VectorMatrix {
  const matrix = matrixInFile({ path: index.vectorsPath, count: index.count, dimensions: index.dimensions });
  let lengths: Float64Array | undefined;
  return { ...matrix, squaredLengths: async (signal) => lengths ??= await keptLengths(index, matrix, signal) };
}

async function keptLengths(index: OpenIndex, matrix: VectorMatrix, signal?: AbortSignal): Promise<Float64Array> {
  const folder = join(index.folder, CACHE_FOLDER);
  const name = `${LENGTHS}${index.fingerprint.slice(0, 16)}.f64`;
  const bytes = await readFile(join(folder, name)).catch(() => undefined);
  if (bytes?.length === index.count * 8) return new Float64Array(new Uint8Array(bytes).buffer);
  const made = await matrix.squaredLengths(signal);
  // What is kept saves a second per million vectors; an index in a folder that cannot be written is searched without.
  await keep(folder, name, made).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
  });
  return made;
}

async function keep(folder: string, name: string, lengths: Float64Array): Promise<void> {
  await writeWhole(join(folder, name), new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength));
  for (const other of await readdir(folder)) if (other.startsWith(LENGTHS) && other.endsWith('.f64') && other !== name) await rm(join(folder, other), { force: true });
}
