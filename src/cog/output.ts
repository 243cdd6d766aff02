import { open, rename, rm } from 'node:fs/promises';
import { OutputError, TilewrightError } from '../errors.js';

/** Runs `action`, and turns what the operating system refuses into an {@link OutputError} that names `path`. */
export async function writingTo<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw outputError(path, error);
  }
}

/** The {@link OutputError} for an error met while writing `path`. */
export function outputError(path: string, error: unknown): Error {
  if (error instanceof TilewrightError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOSPC': return new OutputError(path, 'no space left on the disk', { cause: error, advice: 'free some and run the same command again' });
    case 'EDQUOT': return new OutputError(path, 'the disk quota is used up', { cause: error, advice: 'free some and run the same command again' });
    case 'EACCES': case 'EPERM': case 'EROFS': return new OutputError(path, 'it cannot be written: permission denied', { cause: error });
    case 'ENOENT': return new OutputError(path, 'it cannot be written: the folder or a file in it is missing', { cause: error });
    case 'ENOTDIR': return new OutputError(path, 'expected a folder, found a file', { cause: error });
    case 'EISDIR': return new OutputError(path, 'expected a file, found a folder', { cause: error });
    case 'EIO': return new OutputError(path, 'the disk reports an input/output error', { cause: error });
    default: return error instanceof Error ? error : new Error(String(error));
  }
}

/** Writes a small file under a temporary name beside `path`, then renames it. */
export async function writeWhole(path: string, pieces: readonly Uint8Array[], options: { readonly sync?: boolean } = {}): Promise<void> {
  const partial = `${path}.partial`;
  await writingTo(path, async () => {
    try {
      const handle = await open(partial, 'w');
      try {
        // writeFile goes on after a short write, as on a full disk, until all is written or the system says why not.
        for (const piece of pieces) await handle.writeFile(piece);
        if (options.sync === true) await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  });
}
