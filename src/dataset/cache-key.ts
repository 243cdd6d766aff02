import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

/** A key that changes with the options and with the size or date of any of the files. */
export async function cacheKey(files: readonly string[], options: object): Promise<string> {
  const states = await Promise.all(files.map(async (file) => { const { size, mtimeMs } = await stat(file); return [file, size, mtimeMs]; }));
  return createHash('sha256').update(JSON.stringify([states, options])).digest('hex').slice(0, 32);
}
