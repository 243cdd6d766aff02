import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nameFile } from '../errors.js';

/**
 * Writes a file that is under its name only when it is complete and on the disk.
 * @throws an error of the operating system that names the file, where the disk is full; nothing of the attempt stays
 */
export async function writeWhole(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, name);
  const partial = `${file}.partial`;
  try {
    await writeFile(partial, content, { flush: true });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw nameFile(error, file);
  }
}
