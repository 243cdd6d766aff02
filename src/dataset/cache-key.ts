import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

/** Goes up when files are decoded to other pixels or classes than before: what was decoded earlier is of no use then. */
const DECODING = 3;

/** What decoded samples are known by. */
export interface CacheKeys {
  /** Changes with the options and with the place, size or date of any of the files: decoded samples under this key are the files'. */
  readonly cache: string;
  /** Changes with the options and with the size of any of the files: data under another key are other data. Copies have the same. */
  readonly data: string;
}

export async function cacheKeys(files: readonly string[], options: object): Promise<CacheKeys> {
  const states = await Promise.all(files.map(async (file) => { const { size, mtimeMs } = await stat(file); return [file, size, mtimeMs] as const; }));
  const digest = (known: unknown): string => createHash('sha256').update(JSON.stringify([known, options])).digest('hex').slice(0, 32);
  return { cache: digest([DECODING, states]), data: digest(states.map(([, size]) => size)) };
}
