import { collectContradictions, copies, leaksByContent, leaksByPlace, MOST_PAIRS, pairCount, pairsAcross, type Contradiction, type Leak } from '../../dataset/index.js';
import { throwIfAborted } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import type { Split } from '../../samples/index.js';
import type { Places } from './places.js';
import type { Splittable } from './splittable.js';

export interface FoundLeak {
  readonly first: string;
  readonly second: string;
  readonly by: Leak['by'];
  /** Whether the two are in different parts, so that one part knows of the other. */
  readonly acrossParts: boolean;
  readonly overlap?: Leak['overlap'];
}

export interface LeakSearch {
  readonly samples: Splittable;
  readonly split: Split;
  readonly places: Places | undefined;
  /** What was not looked for is said here. */
  readonly notes: string[];
  /** Only samples of different parts are compared. Default false: those of different groups, too, which another split may part. */
  readonly partsOnly?: boolean;
  /** Whether equal pixels are looked for. Default true. */
  readonly copies?: boolean;
  /** Whether pictures without a place are laid over each other. Default true. */
  readonly content?: boolean;
}

/** Pairs that are named in a note. */
const SHOWN = 3;
const PARTS = ['train', 'validation', 'test'] as const;

/** Pairs of samples that show the same ground: by place where places are known, else by content; and equal ones. */
export async function findLeaks({ samples, split, places, notes, partsOnly = false, ...looked }: LeakSearch, context: TaskContext): Promise<FoundLeak[]> {
  const count = samples.names.length;
  const part = new Int8Array(count).fill(-1);
  PARTS.forEach((name, id) => { for (const index of split[name]) part[index] = id; });
  const acrossParts = (a: number, b: number): boolean => part[a] !== part[b] && part[a] !== -1 && part[b] !== -1;
  const acrossGroups = (a: number, b: number): boolean => samples.groups[a] !== samples.groups[b];
  const contradictions = collectContradictions();
  const contrary: Contradiction[] = [];
  const keys: string[] = [];
  const onKey = (index: number, key: string): void => {
    keys[index] = key;
    const found = contradictions.add({ key, labels: samples.amounts[index]!.join(), name: samples.names[index]! });
    if (found !== undefined) contrary.push(found);
  };
  const leaks = looked.copies === false ? [] : copies({
    sizes: samples.sizes, pixels: samples.pixels, onKey,
    partOf: (index) => (part[index] === -1 ? undefined : part[index]),
    ...(partsOnly ? {} : { groupOf: (index: number): string => samples.groups[index]! }),
  });
  if (contrary.length > 0) {
    const pairs = contrary.slice(0, SHOWN).map(({ first, second }) => `${first} and ${second}`).join('; ');
    notes.push(`${contrary.length} ${contrary.length === 1 ? 'sample has' : 'samples have'} the pixels of another one and other labels: ${pairs}${contrary.length > SHOWN ? ' …' : ''}`);
  }
  if (places !== undefined && places.kind !== 'none') leaks.push(...leaksByPlace(places.list, acrossParts));
  else if (looked.content !== false) {
    const grouped = new Set(samples.groups).size > 1;
    const apart = (a: number, b: number): boolean => (!grouped || acrossGroups(a, b)) && (!partsOnly || acrossParts(a, b));
    const pairs = partsOnly ? pairsAcross(PARTS.map((name) => split[name]), grouped ? samples.groups : undefined) : pairCount(grouped ? samples.groups : samples.names);
    if (pairs > MOST_PAIRS) notes.push(`${count} samples without a known place: ${looked.copies === false ? '' : 'equal ones were looked for, '}overlapping ones were not${looked.copies === false ? ' looked for' : ''} (${pairs.toLocaleString('en')} pairs)`);
    else {
      const known = new Set(leaks.map(({ first, second }) => `${first} ${second}`));
      const alike = await leaksByContent({
        sizes: samples.sizes, pixels: samples.pixels, apart,
        onPair: async (done) => {
          if (done % 100 !== 0 && done !== pairs) return;
          await new Promise(setImmediate);
          throwIfAborted(context.signal);
          context.onProgress?.({ stage: 'compare', done, total: pairs, unit: 'pairs' });
        },
      });
      // Equal pixels are told as such, and once.
      for (const { overlap, ...pair } of alike) {
        const isCopy = keys[pair.first] !== undefined && keys[pair.first] === keys[pair.second];
        if (!isCopy) leaks.push({ ...pair, ...(overlap === undefined ? {} : { overlap }) });
        else if (!known.has(`${pair.first} ${pair.second}`)) leaks.push({ first: pair.first, second: pair.second, by: 'copy' });
      }
    }
  }
  return leaks.map(({ first, second, by, overlap }) => ({ first: samples.names[first]!, second: samples.names[second]!, by, acrossParts: acrossParts(first, second), ...(overlap === undefined ? {} : { overlap }) }));
}

