import type { Split } from '../samples/index.js';
import type { Problems } from './problems.js';

/** How often each class occurs: in all samples, and in those to train on. */
export interface TruthCounts {
  readonly all: readonly number[];
  readonly train: readonly number[];
}

/**
 * Sums what samples have of each class.
 * @param of by sample, by class: pixels, or 1 where it has the class
 */
export function countTruth(count: number, classes: number, of: (sample: number, id: number) => number, train: ArrayLike<number>): TruthCounts {
  const sum = (places: ArrayLike<number>): number[] => {
    const counts = new Array<number>(classes).fill(0);
    for (let at = 0; at < places.length; at++) for (let id = 0; id < classes; id++) counts[id]! += of(places[at]!, id);
    return counts;
  };
  return { all: sum(Array.from({ length: count }, (_, sample) => sample)), train: sum(train) };
}

/** Remarks on classes that occur, but not where is trained: a model never answers them. */
export function noteUntrained(problems: Problems, names: readonly string[], { all, train }: TruthCounts): void {
  names.forEach((name, id) => { if (all[id]! > 0 && train[id] === 0) problems.remark('class without a sample to train on (only in validation or test): it is never learned', name); });
}

const PART_NAMES: readonly (readonly [part: 'train' | 'validation', name: string])[] = [['train', 'training'], ['validation', 'validation']];

/**
 * Of pictures with masks: the first part, training or validation, that has pictures and not one pixel of a class; nothing can be learned of it, or chosen on it.
 * @param counts by picture, by class: pixels
 */
export function partWithoutTruth(counts: readonly (readonly number[])[], split: Pick<Split, 'train' | 'validation'>): string | undefined {
  return PART_NAMES.find(([part]) => split[part].length > 0 && split[part].every((place) => (counts[place] ?? []).every((count) => count === 0)))?.[1];
}
