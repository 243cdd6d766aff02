import { createHash } from 'node:crypto';
import type { ByteSource } from './byte-source.js';

/** Bytes at either end that are digested. */
const END_BYTES = 65536;

/** What a scene took from files beside it. */
export interface FingerprintBeside {
  /** Whatever changes what the scene is: place, nodata, names … Statistics are not part of it: programs that only look at a scene write them. */
  readonly taken?: unknown;
  /** A mask in a file of its own. Reduced copies are not part of it: results do not depend on them. */
  readonly mask?: ByteSource;
}

/**
 * A name for the state of a scene: changes when its size, its modification time, its first or its last 64 KiB change, or
 * what was taken from beside it. 32 hexadecimal digits. Where a source tells its state, that is digested instead of bytes. A change in the middle that keeps the modification time is not seen.
 */
export async function fingerprint(source: ByteSource, beside: FingerprintBeside = {}): Promise<string> {
  const hash = createHash('sha256');
  await addFile(hash, source);
  if (beside.taken !== undefined) hash.update(` beside ${JSON.stringify(beside.taken, numbersAsText)}`);
  if (beside.mask !== undefined) {
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

/** JSON has no NaN. */
function numbersAsText(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}
