import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import { VECTORS_FILE } from './types.js';
import type { IndexManifest } from './types.js';

/** Bytes of vectors that are in memory at once. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Rows of the index as they come from the disk. The array is used again for the next rows. */
export interface VectorChunk {
  readonly first: number;
  readonly count: number;
  readonly rows: Float32Array;
}

/** All vectors of an index, front to back, a few megabytes at a time. */
export async function* vectorChunks(folder: string, manifest: IndexManifest, signal?: AbortSignal): AsyncGenerator<VectorChunk> {
  const rowBytes = manifest.dimensions * 4;
  const most = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  const file = await open(join(folder, VECTORS_FILE), 'r');
  const rows = new Float32Array(Math.min(most, manifest.count) * manifest.dimensions);
  const bytes = new Uint8Array(rows.buffer);
  try {
    for (let first = 0; first < manifest.count; first += most) {
      throwIfAborted(signal);
      const count = Math.min(most, manifest.count - first);
      for (let done = 0; done < count * rowBytes;) {
        const { bytesRead } = await file.read(bytes, done, count * rowBytes - done, first * rowBytes + done);
        if (bytesRead === 0) throw new InvalidFileError(join(folder, VECTORS_FILE), `ends after row ${first}, expected ${manifest.count} rows`);
        done += bytesRead;
      }
      yield { first, count, rows };
    }
  } finally {
    await file.close();
  }
}

/** One row. */
export async function readVector(folder: string, manifest: IndexManifest, row: number): Promise<Float32Array> {
  const vector = new Float32Array(manifest.dimensions);
  const file = await open(join(folder, VECTORS_FILE), 'r');
  try {
    const bytes = new Uint8Array(vector.buffer);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, row * bytes.length);
    if (bytesRead !== bytes.length) throw new InvalidFileError(join(folder, VECTORS_FILE), `has no row ${row}`);
    return vector;
  } finally {
    await file.close();
  }
}
