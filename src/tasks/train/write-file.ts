import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a file that is under its name only when it is complete. */
export async function writeWhole(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, name);
  await writeFile(`${file}.partial`, content);
  await rename(`${file}.partial`, file);
}
