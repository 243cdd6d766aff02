import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Decoded samples on disk: a JSON header and bytes. */
export interface Cached<H> {
  readonly header: H;
  readonly arrays: readonly Uint8Array[];
}

const MAGIC = 'tilewright-samples-1\n';

/** A key that changes with the options and with the size or date of any of the files. */
export async function cacheKey(files: readonly string[], options: object): Promise<string> {
  const states = await Promise.all(files.map(async (file) => { const { size, mtimeMs } = await stat(file); return [file, size, mtimeMs]; }));
  return createHash('sha256').update(JSON.stringify([states, options])).digest('hex').slice(0, 32);
}

/** What was kept under this key, or undefined: also if the file is of another version, cut off, or of another key. */
export async function readCache<H>(file: string, key: string): Promise<Cached<H> | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const end = bytes.indexOf(10, MAGIC.length);
  const { header, lengths, key: found } = JSON.parse(bytes.toString('utf8', MAGIC.length, end)) as { header: H; lengths: number[]; key: string };
  let at = end + 1;
  if (found !== key || bytes.length !== at + lengths.reduce((sum, length) => sum + length, 0)) return undefined;
  const arrays = lengths.map((length) => { const part = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length); at += length; return part; });
  return { header, arrays };
}

/** Keeps decoded samples; the file appears under its name only when it is complete. */
export async function writeCache<H>(file: string, key: string, cached: Cached<H>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(`${file}.partial`, 'w');
  try {
    await handle.write(`${MAGIC}${JSON.stringify({ key, lengths: cached.arrays.map((array) => array.length), header: cached.header })}\n`);
    for (const array of cached.arrays) await handle.write(array);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.partial`, file);
}
