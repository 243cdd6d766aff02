import { open } from 'node:fs/promises';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import type { VectorFile } from './types.js';

/** Bytes of vectors that are in memory at once. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Rows of the file as they come from the disk. The array is used again for the next rows. */
export interface VectorChunk {
  readonly first: number;
  readonly count: number;
  readonly rows: Float32Array;
}

/** All vectors of a file, front to back, a few megabytes at a time. */
export async function* vectorChunks(vectors: VectorFile, signal?: AbortSignal): AsyncGenerator<VectorChunk> {
  const rowBytes = vectors.dimensions * 4;
  const most = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  const file = await open(vectors.path, 'r');
  const rows = new Float32Array(Math.min(most, vectors.count) * vectors.dimensions);
  const bytes = new Uint8Array(rows.buffer);
  try {
    for (let first = 0; first < vectors.count; first += most) {
      throwIfAborted(signal);
      const count = Math.min(most, vectors.count - first);
      for (let done = 0; done < count * rowBytes;) {
        const { bytesRead } = await file.read(bytes, done, count * rowBytes - done, first * rowBytes + done);
        if (bytesRead === 0) throw new InvalidFileError(vectors.path, `ends after row ${first}, expected ${vectors.count} rows`);
        done += bytesRead;
      }
      yield { first, count, rows };
    }
  } finally {
    await file.close();
  }
}
