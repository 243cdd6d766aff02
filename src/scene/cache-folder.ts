import { lstat, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { OutputError } from '../errors.js';

export interface CacheFile {
  readonly path: string;
  /** Whether the file is to go when the scene is closed. */
  readonly temporary: boolean;
}

/**
 * The place of the decoded copy of a file. Its name carries the fingerprint, so that a run that was killed finds the copy
 * again, and a changed file does not. Copies in a folder that the user chose are kept; those in the system's temporary
 * folder are removed at close.
 */
export async function cacheFile(cacheDir: string | undefined, fingerprint: string, extension: string): Promise<CacheFile> {
  const folder = cacheDir ?? await ownTemporaryFolder();
  if (cacheDir !== undefined) await mkdir(folder, { recursive: true });
  return { path: join(folder, `tilewright-${fingerprint}${extension}`), temporary: cacheDir === undefined };
}

/**
 * Makes the copy with `write`, under a temporary name, unless a finished one of `bytes` bytes is there already. A copy
 * whose length cannot be told beforehand has `bytes` as least length.
 * @throws {OutputError} if the disk has too little room
 */
export async function ensureCacheFile(file: CacheFile, bytes: number, write: (path: string) => Promise<void>): Promise<void> {
  const present = await stat(file.path).catch(() => undefined);
  if (present !== undefined && present.isFile() && present.size >= bytes) return;
  await checkRoom(file.path, bytes);
  const partial = `${file.path}.${process.pid}.partial`;
  try {
    await write(partial);
    await rename(partial, file.path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Removes a temporary copy; readers that have it open can go on. */
export async function releaseCacheFile(file: CacheFile): Promise<void> {
  if (file.temporary) await rm(file.path, { force: true });
}

async function checkRoom(path: string, bytes: number): Promise<void> {
  const folder = join(path, '..');
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free < bytes) {
    throw new OutputError(folder, `decoding needs ${Math.ceil(bytes / 2 ** 20)} MB of disk there, but only ${Math.floor(free / 2 ** 20)} MB are free`,
      { advice: 'set TMPDIR to a folder with more room' });
  }
}

/** A folder that only this user can write, so that nobody can put a file under a name that is expected. */
async function ownTemporaryFolder(): Promise<string> {
  const { uid, username } = userInfo();
  const folder = join(tmpdir(), `tilewright-${uid >= 0 ? uid : username}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  const mine = uid < 0 || (found.uid === uid && (found.mode & 0o022) === 0);
  if (!found.isDirectory() || !mine) {
    throw new OutputError(folder, 'expected a folder that only this user can write', { advice: 'remove it, or set TMPDIR to another folder' });
  }
  return folder;
}
