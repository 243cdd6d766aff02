import { placeFolds } from '../../linear/index.js';
import type { SamplePlace, Standard } from '../../linear/index.js';
import type { IndexEntry } from '../../index-store/index.js';
import { decide, fitClassifier } from './classifier.js';
import { sharersOf } from './shared-ground.js';
import type { Samples } from './classifier.js';
import type { LabelSet } from './labels.js';

/** How well a class or tag was told on samples that were not learned from. */
export interface LabelScore {
  readonly name: string;
  /** Samples that have it. */
  readonly samples: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** F1 of the better of two rules that look at nothing: it always, and (for one class per chip) the most frequent class always. */
  readonly baseline: number;
}

export interface Validation {
  /** `place`: whole scenes or blocks on the ground were left out together; `entry`: chips without a place. */
  readonly by: 'scene' | 'block' | 'entry';
  readonly folds: number;
  /** Metres, where blocks were left out. */
  readonly block?: number;
  /** Samples that were not learned from for one part or more, because they show some ground of it. */
  readonly leftOut: number;
  /** Share of samples with exactly the right class, or the right set of tags. */
  readonly accuracy: number;
  /** The same for the most frequent class or set of tags of the other folds. */
  readonly baselineAccuracy: number;
  readonly scores: readonly LabelScore[];
}

export interface ValidateOptions {
  readonly folds: number;
  /** Edge of a block in metres. Default: a sixth of what the samples span, at least four chips. */
  readonly block?: number;
  readonly c: number;
}

/**
 * Cross-validates by place: what shows any ground of the part that is left out is not learned from, either. `undefined` where all samples lie in
 * one place, or nothing would be left to learn from.
 */
export function validate(samples: Samples, entries: readonly IndexEntry[], labels: LabelSet, standard: Standard, options: ValidateOptions): Validation | undefined {
  const { places, by, block } = samplePlaces(entries, options.block);
  const folds = placeFolds(places, { folds: options.folds, block });
  if (folds === undefined) return undefined;
  const dimensions = standard.mean.length;
  const width = labels.names.length;
  const found: number[][] = samples.values.map(() => []);
  const blind: number[][] = samples.values.map(() => []);
  const sharers = sharersOf(entries);
  const leftOut = new Set<number>();
  for (let fold = 0; fold < folds.count; fold++) {
    const inside = folds.foldOf.flatMap((one, i) => (one === fold ? [i] : []));
    const reaching = new Set(inside.flatMap((i) => sharers[i]!.filter((other) => folds.foldOf[other] !== fold)));
    for (const other of reaching) leftOut.add(other);
    const others = folds.foldOf.flatMap((one, i) => (one === fold || reaching.has(i) ? [] : [i]));
    if (others.length === 0) return undefined;
    const data = new Float32Array(others.length * dimensions);
    others.forEach((from, i) => data.set(samples.data.subarray(from * dimensions, (from + 1) * dimensions), i * dimensions));
    const values = others.map((i) => samples.values[i]!);
    const classifier = fitClassifier({ data, values }, labels, standard, options.c);
    const usual = mostFrequent(values);
    for (const i of inside) {
      found[i] = decide(labels.kind, classifier.probabilities(samples.data.subarray(i * dimensions, (i + 1) * dimensions), 1), 0, width);
      blind[i] = [...usual];
    }
  }
  const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);
  const share = (answers: readonly (readonly number[])[]): number => answers.filter((answer, i) => same(answer, samples.values[i]!)).length / answers.length;
  return {
    by: by === 'entry' ? 'entry' : folds.by, folds: folds.count, ...(by === 'place' && folds.by === 'block' ? { block } : {}), leftOut: leftOut.size, accuracy: share(found), baselineAccuracy: share(blind),
    scores: labels.names.map((name, k) => {
      const truth = samples.values.map((values) => values.includes(k));
      const always = f1Of(truth, truth.map(() => true)).f1;
      return { name, samples: truth.filter(Boolean).length, ...f1Of(truth, found.map((values) => values.includes(k))), baseline: Math.max(always, labels.kind === 'one' ? f1Of(truth, blind.map((values) => values.includes(k))).f1 : 0) };
    }),
  };
}

function f1Of(truth: readonly boolean[], found: readonly boolean[]): { readonly precision: number; readonly recall: number; readonly f1: number } {
  const hits = truth.filter((is, i) => is && found[i]).length;
  const [is, said] = [truth.filter(Boolean).length, found.filter(Boolean).length];
  return { precision: said === 0 ? 0 : hits / said, recall: is === 0 ? 0 : hits / is, f1: is + said === 0 ? 0 : (2 * hits) / (is + said) };
}

function mostFrequent(values: readonly (readonly number[])[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const one of values) counts.set(one.join(), (counts.get(one.join()) ?? 0) + 1);
  const best = [...counts].reduce<readonly [string, number]>((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  return best[0] === '' ? [] : best[0].split(',').map(Number);
}

const METRES_PER_DEGREE = 111_195;
/** Without a size of their own, blocks are so many to an edge of what the samples span, and at least so many chips. */
const BLOCKS = 6;
const LEAST_CHIPS = 4;

/** Places in metres, or by entry where there are none: then every sample is a place of its own. */
function samplePlaces(entries: readonly IndexEntry[], asked?: number): { readonly places: readonly SamplePlace[]; readonly by: 'place' | 'entry'; readonly block: number } {
  if (entries.some(({ lon, lat }) => lon === undefined || lat === undefined)) {
    return { places: entries.map(({ source }, i) => ({ scene: source, x: i, y: 0 })), by: 'entry', block: 1 };
  }
  const middle = entries.reduce((sum, { lat }) => sum + lat!, 0) / entries.length;
  const across = METRES_PER_DEGREE * Math.cos((middle * Math.PI) / 180);
  const places = entries.map(({ source, lon, lat }) => ({ scene: source, x: lon! * across, y: lat! * METRES_PER_DEGREE }));
  if (asked !== undefined) return { places, by: 'place', block: asked };
  const span = (of: readonly number[]): number => of.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - of.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const edge = Math.max(...entries.map(({ footprint, lat }) => (footprint === undefined ? 0 : 2 * METRES_PER_DEGREE * Math.max(...footprint.map(([, y]) => Math.abs(y - lat!))))));
  return { places, by: 'place', block: Math.max(1, LEAST_CHIPS * edge, Math.max(span(places.map(({ x }) => x)), span(places.map(({ y }) => y))) / BLOCKS) };
}
