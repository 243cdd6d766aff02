import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { entryLine } from './entries.js';
import { ENTRIES_FILE, VECTORS_FILE } from './types.js';
import type { IndexEntry } from './types.js';

/** Entries that are written together. */
const BATCH = 256;

export interface Appended {
  /** Entries that were added. */
  readonly count: number;
  /** Bytes of `entries.jsonl` now. */
  readonly entriesBytes: number;
}

/**
 * Writes entries with their vectors behind the valid part of an index, and syncs. They count only when the manifest says so:
 * until then a reader does not see them, and the next append writes over them.
 * @param from what is valid so far.
 */
export async function appendEntries(
  folder: string, from: { readonly count: number; readonly entriesBytes: number; readonly dimensions: number },
  added: AsyncIterable<{ readonly entry: IndexEntry; readonly vector: Float32Array }>,
): Promise<Appended> {
  await mkdir(folder, { recursive: true });
  const rowBytes = from.dimensions * 4;
  const vectors = await openAt(join(folder, VECTORS_FILE), from.count * rowBytes);
  try {
    const entries = await openAt(join(folder, ENTRIES_FILE), from.entriesBytes);
    try {
      let count = 0;
      let entriesBytes = from.entriesBytes;
      let lines: string[] = [];
      const rows = new Float32Array(BATCH * from.dimensions);
      const flush = async (): Promise<void> => {
        const text = Buffer.from(lines.join(''));
        await writeAt(vectors, new Uint8Array(rows.buffer, 0, lines.length * rowBytes), (from.count + count - lines.length) * rowBytes);
        await writeAt(entries, text, entriesBytes);
        entriesBytes += text.length;
        lines = [];
      };
      for await (const { entry, vector } of added) {
        rows.set(vector, lines.length * from.dimensions);
        lines.push(entryLine(entry));
        count++;
        if (lines.length === BATCH) await flush();
      }
      await flush();
      await vectors.sync();
      await entries.sync();
      return { count, entriesBytes };
    } finally {
      await entries.close();
    }
  } finally {
    await vectors.close();
  }
}

/** Opens a file for writing, made if absent, cut to `bytes`. */
async function openAt(path: string, bytes: number): Promise<FileHandle> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return open(path, 'w+');
    throw error;
  });
  await file.truncate(bytes);
  return file;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
