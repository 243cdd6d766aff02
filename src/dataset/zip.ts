import { open } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import { readArchive } from '../zip/index.js';
import type { Archive } from './archive.js';
import { readAt } from './read-at.js';

/**
 * Opens a ZIP archive (stored and deflated members, no ZIP64, no encryption).
 * @throws {InvalidFileError} if it is not such an archive.
 */
export async function openZip(file: string): Promise<Archive> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const read = async (position: number, length: number): Promise<Uint8Array> => {
      const found = position < 0 || length < 0 || position + length > size ? undefined : await readAt(handle, position, length);
      if (found?.length !== length) throw new InvalidFileError(file, `expected ${length} bytes at ${position} of the archive, found its end before them`);
      return found;
    };
    const members = await readArchive({ path: file, size, read }, 'unpack it and give the folder');
    return {
      names: [...members.keys()].filter((name) => !name.endsWith('/')),
      read: async (name) => {
        const member = members.get(name);
        if (member === undefined) throw new InvalidFileError(file, `expected ${name} in the archive, found no such file`);
        return member.read();
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
