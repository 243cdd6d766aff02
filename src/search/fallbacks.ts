import type { Sieve } from './sieve.js';
import type { RowQuery } from './types.js';

/** Searches in a row that a sieve was of no use for, before it is left aside. */
const IN_A_ROW = 2;
/** Searches that do without it then; twice as many each time it is tried in vain again. */
const SKIPPED = 16;
const MOST_SKIPPED = 256;

interface Fallbacks {
  inARow: number;
  /** Searches that still do without the sieve. */
  left: number;
  skip: number;
}

const known = new WeakMap<Sieve, Map<RowQuery['metric'], Fallbacks>>();

/**
 * What searches have found out of a sieve: one that leaves too many rows for one query mostly does so for the next of that metric, and
 * looking at its codes in vain makes a search slower by a fifth to a half. Results are the same with it and without.
 */
export interface SieveRecord {
  /** Whether this search does without the sieve; to be asked once per search. */
  skips(): boolean;
  found(outcome: 'useful' | 'fell back'): void;
}

export function recordOf(sieve: Sieve, metric: RowQuery['metric']): SieveRecord {
  let metrics = known.get(sieve);
  if (metrics === undefined) known.set(sieve, metrics = new Map<RowQuery['metric'], Fallbacks>());
  let state = metrics.get(metric);
  if (state === undefined) metrics.set(metric, state = { inARow: 0, left: 0, skip: SKIPPED });
  const record = state;
  return {
    skips() {
      if (record.left === 0) return false;
      record.left--;
      return true;
    },
    found(outcome) {
      if (outcome === 'useful') {
        record.inARow = 0;
        record.skip = SKIPPED;
      } else if (++record.inARow >= IN_A_ROW) {
        record.left = record.skip;
        record.skip = Math.min(MOST_SKIPPED, 2 * record.skip);
      }
    },
  };
}
