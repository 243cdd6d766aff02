import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { filesWithin } from './folder.js';
import { openTar } from './tar.js';
import { openZip } from './zip.js';

/** Files that are read one at a time: of an archive, or of a folder with the folders in it. */
export interface Archive {
  /** Paths inside it, with `/`, of all files (not folders). */
  readonly names: readonly string[];
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a folder, a ZIP archive or a tar archive, by its first bytes and not by its name.
 * @throws {InvalidFileError} for other archives, with what to do.
 */
export async function openArchive(path: string): Promise<Archive> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new InvalidFileError(path, 'expected a folder or archive of pictures, found nothing');
  if (found.isDirectory()) return openFolder(path);
  const start = await firstBytes(path);
  const begins = (...bytes: number[]): boolean => bytes.every((byte, i) => start[i] === byte);
  if (begins(0x50, 0x4b)) return openZip(path);
  if (begins(0x37, 0x7a, 0xbc, 0xaf)) throw new InvalidFileError(path, 'expected a folder, .zip or .tar, found a 7-Zip archive', { advice: `unpack it once with 7z x ${path} (package p7zip-full, or 7-zip.org) and give the folder or the .tar in it` });
  if (begins(0x1f, 0x8b)) throw new InvalidFileError(path, 'expected a folder, .zip or .tar, found a gzip file, which cannot be read at any place', { advice: `unpack it once with: gunzip ${path}` });
  if (begins(0x52, 0x61, 0x72, 0x21)) throw new InvalidFileError(path, 'expected a folder, .zip or .tar, found a RAR archive', { advice: 'unpack it and give the folder' });
  return /\.zip$/i.test(path) ? openZip(path) : openTar(path);
}

async function openFolder(path: string): Promise<Archive> {
  return { names: await filesWithin(path), read: (name) => readFile(join(path, name)), close: () => Promise.resolve() };
}

async function firstBytes(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const buffer = Buffer.alloc(8);
    await handle.read(buffer, 0, 8, 0);
    return buffer;
  } finally {
    await handle.close();
  }
}
