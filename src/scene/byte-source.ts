import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';

/** Where a scene's bytes come from. Readers see nothing else of the outside world. */
export interface ByteSource {
  /** Path or URL, for messages. */
  readonly url: string;
  /** Length in bytes. */
  readonly size: number;
  /** Modification time in milliseconds, where the source has one. */
  readonly modified?: number;
  /** Changes when the source does, where that is known without reading it. */
  readonly state?: string;
  /** Path on this machine, for libraries that open files themselves. */
  readonly path?: string;
  /** Names in its folder, where they have been listed already: thousands of files are not asked about one by one. */
  readonly neighbours?: ReadonlySet<string>;
  /**
   * Reads `length` bytes from `offset`; fewer only where the source ends, none from a place that is no whole number from 0. The array starts a buffer of its own, so that it
   * can be viewed as any sample type.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * Fills `target` from `offset` on, and tells how many bytes there were: fewer only where the source ends. Absent where bytes do not lie on this
   * machine; who has it can use the same memory again and again.
   */
  readonly readInto?: (target: Uint8Array, offset: number) => Promise<number>;
  /**
   * Text of a file on the same server whose path is made from this one's; `undefined` if there is none. Absent where others
   * cannot be asked for, as with a signed URL.
   */
  readonly beside?: (change: (path: string) => string) => Promise<string | undefined>;
  /** Tells the source that headers have been read and that pixels follow: a remote one reads ahead until then. */
  opened?(): void;
  close(): Promise<void>;
}

/**
 * Opens a file.
 * @throws {InvalidFileError} if there is none, or it is a folder, or empty
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new InvalidFileError(path, 'no such file', { cause: error });
    throw error;
  });
  if (status.isDirectory()) throw new InvalidFileError(path, 'expected a raster file, found a folder');
  if (!status.isFile()) throw new InvalidFileError(path, 'expected a regular file, found a device or a pipe');
  if (status.size === 0) throw new InvalidFileError(path, 'the file is empty');
  const handle = await open(path, 'r');
  return {
    url: path,
    path,
    size: status.size,
    modified: status.mtimeMs,
    read: async (offset, length) => {
      const buffer = new Uint8Array(Buffer.allocUnsafeSlow(bytesWithin(offset, length, status.size)).buffer);
      const done = await fill(handle, buffer, offset);
      return done === buffer.length ? buffer : buffer.slice(0, done);
    },
    readInto: (target, offset) => fill(handle, target.subarray(0, bytesWithin(offset, target.length, status.size)), offset),
    close: () => handle.close(),
  };
}

/** How many bytes can be read; damaged files ask for places that are no whole numbers, where nothing stands. */
function bytesWithin(offset: number, length: number, size: number): number {
  return Number.isSafeInteger(offset) && offset >= 0 ? Math.floor(Math.max(0, Math.min(length, size - offset))) || 0 : 0;
}

/** A file that is already in memory. */
export function memorySource(url: string, bytes: Uint8Array): ByteSource {
  return {
    url,
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}

async function fill(handle: FileHandle, buffer: Uint8Array, offset: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
