import { checkParts } from './check-parts.js';
import { readPart } from './read-part.js';
import type { IndexEntry, IndexPart } from './types.js';

/** The entries of one source in an index. */
export interface SourceEntries {
  /** Folder of the index. */
  readonly index: string;
  readonly parts: readonly IndexPart[];
}

/** How far apart vectors of the same pixels may be, as a share of their length: engines of other machines add up in another order. */
const SHARE = 1e-4;

/**
 * Whether two indexes have the same entries of a source: the same ids, windows, scales and tags, and vectors that differ by rounding at most. All are
 * read; where the files of scenes lie does not count.
 * @throws {InvalidFileError} that names a damaged part.
 */
export async function sameEntries(a: SourceEntries, b: SourceEntries, dimensions: number, signal?: AbortSignal): Promise<boolean> {
  for (const { index, parts } of [a, b]) await checkParts(index, { parts, ...(signal === undefined ? {} : { signal }) });
  const [first, second] = [rowsOf(a, dimensions), rowsOf(b, dimensions)];
  try {
    for (;;) {
      const [one, other] = [await first.next(), await second.next()];
      if (one.done === true || other.done === true) return one.done === other.done;
      if (nameOf(one.value.entry) !== nameOf(other.value.entry) || !isNear(one.value.vector, other.value.vector)) return false;
    }
  } finally {
    await first.return(undefined);
    await second.return(undefined);
  }
}

interface Row {
  readonly entry: IndexEntry;
  readonly vector: Float32Array;
}

async function* rowsOf({ index, parts }: SourceEntries, dimensions: number): AsyncGenerator<Row, undefined> {
  for (const part of parts) {
    for await (const { entries, vectors } of readPart(index, part, dimensions)) {
      for (const [i, entry] of entries.entries()) yield { entry, vector: vectors.subarray(i * dimensions, (i + 1) * dimensions) };
    }
  }
  return undefined;
}

function nameOf({ id, window, scale, tags }: IndexEntry): string {
  return JSON.stringify([id, window.x, window.y, window.width, window.height, scale, tags ?? null]);
}

function isNear(a: Float32Array, b: Float32Array): boolean {
  let [off, length] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    off += (a[i]! - b[i]!) ** 2;
    length += a[i]! * a[i]!;
  }
  return off <= SHARE ** 2 * length;
}
