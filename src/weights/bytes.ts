import { open, type FileHandle } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import type { ReadableFile } from '../zip/index.js';

/** A file of weights, read in parts. */
export interface OpenFile extends ReadableFile {
  close(): Promise<void>;
}

export async function openFile(path: string): Promise<OpenFile> {
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InvalidFileError(path, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown error'})`, { cause });
  }
  const facts = await handle.stat();
  if (!facts.isFile()) {
    await handle.close();
    throw new InvalidFileError(path, 'expected a file of weights, found a folder', { advice: 'give the file itself; of a TensorFlow.js model, its model.json' });
  }
  return {
    path,
    size: facts.size,
    async read(position, length) {
      if (position < 0 || length < 0 || position + length > facts.size) throw new InvalidFileError(path, `expected ${length} bytes at ${position}, found ${Math.max(0, facts.size - position)}`, { advice: 'check that the file is complete' });
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
        if (bytesRead === 0) throw new InvalidFileError(path, `expected ${length} bytes at ${position}, found ${done}`, { advice: 'check that the file is complete' });
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** JSON in a file, or one line that says what is wrong with it. */
export function parseJson(file: string, what: string, bytes: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)) as unknown;
  } catch (cause) {
    throw new InvalidFileError(file, `expected JSON in ${what}, found something else`, { cause, advice: 'check that the file is complete' });
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
