import { createHash } from 'node:crypto';
import type { ByteSource } from './byte-source.js';

/** Bytes at either end that are digested. */
const END_BYTES = 65536;

/**
 * A name for the state of a file: changes when its size, its modification time, its first or its last 64 KiB change.
 * 32 hexadecimal digits. Where the source tells its state, that is digested instead. A change in the middle that keeps the modification time is not seen.
 */
export async function fingerprint(source: ByteSource): Promise<string> {
  if (source.state !== undefined) return createHash('sha256').update(source.state).digest('hex').slice(0, 32);
  const hash = createHash('sha256').update(`${source.size} ${source.modified ?? ''} `);
  hash.update(await source.read(0, END_BYTES));
  if (source.size > END_BYTES) {
    const start = Math.max(END_BYTES, source.size - END_BYTES);
    hash.update(await source.read(start, source.size - start));
  }
  return hash.digest('hex').slice(0, 32);
}
