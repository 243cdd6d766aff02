import { createHash } from 'node:crypto';
import type { ByteSource } from './byte-source.js';

/** Bytes at either end that are digested. */
const END_BYTES = 65536;

/** What a scene took from files beside it. */
export interface FingerprintBeside {
  /** What the scene would be without them, and what it is: place, nodata, names … Counts only where the two differ. */
  readonly inside: object;
  readonly taken: object;
  /** Which picture of the file, from 0. */
  readonly page?: number;
  /** A mask in a file of its own. Reduced copies are not part of it: results do not depend on them. */
  readonly mask?: ByteSource;
}

/**
 * A name for the state of a scene: changes when its size, its modification time, its first or its last 64 KiB change, or
 * what was taken from beside it. 32 hexadecimal digits. Where a source tells its state, that is digested instead of bytes. A change in the middle that keeps the modification time is not seen.
 */
export async function fingerprint(source: ByteSource, beside?: FingerprintBeside): Promise<string> {
  const hash = createHash('sha256');
  await addFile(hash, source);
  if (beside !== undefined) {
    const taken = asText(beside.taken);
    if (taken !== asText(beside.inside)) hash.update(` beside ${taken}`);
    if (beside.page !== undefined && beside.page > 0) hash.update(` page ${beside.page}`);
  }
  if (beside?.mask !== undefined) {
    hash.update(' mask ');
    await addFile(hash, beside.mask);
  }
  return hash.digest('hex').slice(0, 32);
}

async function addFile(hash: ReturnType<typeof createHash>, source: ByteSource): Promise<void> {
  // Reading both ends of thousands of files, or of a file on a server, takes long.
  if (source.state !== undefined) {
    hash.update(source.state);
    return;
  }
  hash.update(`${source.size} ${source.modified ?? ''} `);
  hash.update(await source.read(0, END_BYTES));
  if (source.size > END_BYTES) {
    const start = Math.max(END_BYTES, source.size - END_BYTES);
    hash.update(await source.read(start, source.size - start));
  }
}

const LEFT_OUT = new Set(['statistics', 'metadata', 'notes']);

/**
 * As JSON, with NaN. Statistics, free metadata and notes are left out: programs that only look at a scene write them beside it, and
 * no pixel depends on them.
 */
function asText(value: object): string {
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).filter(([key, part]) => !LEFT_OUT.has(key) && part !== undefined);
  return JSON.stringify(sorted, (_key, part: unknown) => (typeof part === 'number' ? String(part) : part));
}
