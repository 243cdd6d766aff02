import { access, constants, mkdir, open, rename, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InvalidOptionError, OutputError } from '../errors.js';

export interface CheckOutputOptions {
  /** Allows an existing file or a non-empty folder to be replaced. */
  readonly overwrite?: boolean;
  /** The option that names the output, for messages. Default `-o`. */
  readonly option?: string;
  /** Refuses a file in a folder that does not exist; else that is made later, as where a folder is the output. */
  readonly inFolderThere?: boolean;
  /** Bytes that will be needed on that disk, where they can be estimated. */
  readonly bytes?: number;
}

/**
 * Checks an output place before any work: its folder, or the nearest one above it that exists, is writable, the output is not there
 * yet, the disk has room. Nothing is made.
 * @throws {InvalidOptionError} if the output exists and `overwrite` is not set.
 * @throws {OutputError} if it cannot be written.
 */
export async function checkOutput(path: string, options: CheckOutputOptions = {}): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new OutputError(path, 'expected the name of a file, found a folder');
  if (found !== undefined && !options.overwrite) {
    throw new InvalidOptionError(options.option ?? '-o', `${path} exists`, { advice: 'add --overwrite to replace it' });
  }
  const folder = dirname(resolve(path));
  await refuseUnwritable(folder, async () => {
    const nearest = await nearestThere(folder);
    if (options.inFolderThere === true && nearest !== folder && (await stat(nearest)).isDirectory()) {
      throw new OutputError(folder, 'no such folder to write into', { advice: 'make it first, or check its name' });
    }
    if (!(await stat(nearest)).isDirectory()) throw new OutputError(folder, 'expected a folder, found a file');
    await access(nearest, constants.W_OK | constants.X_OK);
  });
  await checkSpace(dirname(resolve(path)), options.bytes ?? 0);
}

/** Makes a folder if it is absent and checks that files can be written in it. */
export async function checkFolder(folder: string): Promise<void> {
  await refuseUnwritable(folder, async () => {
    await makeFolder(resolve(folder));
    await access(folder, constants.W_OK | constants.X_OK);
  });
}

/** The path itself, or the nearest folder above it that exists. */
async function nearestThere(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found !== undefined || dirname(path) === path ? path : await nearestThere(dirname(path));
}

async function refuseUnwritable(folder: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (error instanceof OutputError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'is not writable'
      : code === 'EEXIST' || code === 'ENOTDIR' ? 'is not a folder'
        : code === 'ENOSPC' ? 'has no space left' : `cannot be made (${code ?? 'unknown reason'})`;
    throw new OutputError(folder, `the output folder ${reason}`, { cause: error });
  }
}

/** As `mkdir -p`. Node's own recursive mkdir never ends where a parent exists but takes no folders, as `/proc` does. */
export async function makeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isDirectory()) return;
  if (found === undefined && dirname(folder) !== folder) await makeFolder(dirname(folder));
  if (found !== undefined) throw new OutputError(folder, 'expected a folder, found a file');
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error; // another process may have been faster
  });
}

/** @throws {OutputError} if the disk of `folder` has fewer than `bytes` left. */
export async function checkSpace(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  if (disk === undefined) return;
  const free = disk.bavail * disk.bsize;
  if (free < bytes) {
    let digits = bytes < 1e7 ? 1 : 0;
    while (megabytes(free, digits) === megabytes(bytes, digits)) digits++;
    throw new OutputError(folder, `the disk has ${megabytes(free, digits)} MB left, about ${megabytes(bytes, digits)} MB are needed`, {
      advice: 'free some space or choose another folder',
    });
  }
}

/** Sees that what a file holds is on the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives a file that was made in one go its final name; for outputs that were looked at just before. What runs for long and is
 * resumed uses `placeFiles`.
 */
export async function promote(temporary: string, path: string): Promise<void> {
  await makeFolder(dirname(resolve(path)));
  await syncFile(temporary);
  await rename(temporary, path);
  await syncFolder(dirname(resolve(path)));
}

/** Writes a small file so that readers see the old one or the new one, never a half. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await makeFolder(dirname(resolve(path)));
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(resolve(path)));
}

/** Sees that the names in a folder are on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  // Not every platform lets a folder be opened; there the rename is as durable as the system makes it.
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function megabytes(bytes: number, digits: number): string {
  return (bytes / 1e6).toFixed(digits);
}
