import { createHash, type Hash } from 'node:crypto';

/** Two samples with the same pixels and other labels: one of the two is wrong. */
export interface Contradiction {
  readonly first: string;
  readonly second: string;
}

/** A sample as it is compared. */
export interface Labelled {
  /** Equal for the same pixels: see {@link hashPixels}. */
  readonly key: string;
  /** Equal for the same labels. */
  readonly labels: string;
  /** For people. */
  readonly name: string;
}

export interface Contradictions {
  /** @returns the first sample with these pixels and this one, if their labels differ. */
  add(sample: Labelled): Contradiction | undefined;
}

/** Compares samples as they come. Of each different picture some hundred bytes are kept. */
export function collectContradictions(): Contradictions {
  const firsts = new Map<string, Omit<Labelled, 'key'>>();
  return {
    add({ key, labels, name }) {
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, { labels, name });
      return first === undefined || first.labels === labels ? undefined : { first: first.name, second: name };
    },
  };
}

/** A hash of a picture's size, which its pixels can be added to, row by row. */
export function hashPixels({ width, height }: { readonly width: number; readonly height: number }): Hash {
  return createHash('sha1').update(`${width}×${height}:`);
}
