/** How the scores of samples and tags become one number, as in scikit-learn's `average`. */
export type TagAverage = 'samples' | 'micro' | 'macro';

export interface FBetaOptions {
  /** Weight of recall: 2 counts a missed tag more than a wrong one. Default 2. */
  readonly beta?: number;
  /** Default `samples`: the mean over chips. */
  readonly average?: TagAverage;
}

/**
 * F-beta of predicted against true tags, both `[rows, tags]` of 0 and 1. Where nothing is true and nothing predicted the
 * score is 0, as scikit-learn's `zero_division=0`.
 */
export function fBeta(truth: Uint8Array, predicted: Uint8Array, tags: number, options: FBetaOptions = {}): number {
  const { beta = 2, average = 'samples' } = options;
  const rows = truth.length / tags;
  if (average === 'macro') return mean(fBetaPerTag(truth, predicted, tags, { beta }));
  let sum = 0;
  let hits = 0;
  let found = 0;
  let real = 0;
  for (let row = 0; row < rows; row++) {
    let h = 0;
    let p = 0;
    let t = 0;
    for (let tag = 0, at = row * tags; tag < tags; tag++, at++) {
      const isTrue = truth[at]!;
      const isPredicted = predicted[at]!;
      h += isTrue & isPredicted;
      p += isPredicted;
      t += isTrue;
    }
    sum += score(h, p, t, beta);
    hits += h;
    found += p;
    real += t;
  }
  return average === 'micro' ? score(hits, found, real, beta) : rows === 0 ? 0 : sum / rows;
}

/** F-beta of every tag over all rows. */
export function fBetaPerTag(truth: Uint8Array, predicted: Uint8Array, tags: number, options: Pick<FBetaOptions, 'beta'> = {}): Float64Array {
  const { beta = 2 } = options;
  const hits = new Float64Array(tags);
  const found = new Float64Array(tags);
  const real = new Float64Array(tags);
  for (let at = 0; at < truth.length; at++) {
    const tag = at % tags;
    hits[tag]! += truth[at]! & predicted[at]!;
    found[tag]! += predicted[at]!;
    real[tag]! += truth[at]!;
  }
  return Float64Array.from(hits, (hit, tag) => score(hit, found[tag]!, real[tag]!, beta));
}

/** Scores `[rows, tags]` → 1 where a score reaches the threshold (one for all tags, or one per tag). */
export function applyThreshold(scores: ArrayLike<number>, tags: number, threshold: number | readonly number[]): Uint8Array {
  return Uint8Array.from({ length: scores.length }, (_, at) => (scores[at]! >= (typeof threshold === 'number' ? threshold : threshold[at % tags]!) ? 1 : 0));
}

/** The same tags for every row. */
export function constantTags(set: readonly number[], rows: number, tags: number): Uint8Array {
  const out = new Uint8Array(rows * tags);
  for (let row = 0; row < rows; row++) for (const tag of set) out[row * tags + tag] = 1;
  return out;
}

/**
 * The set of tags that scores best (F-beta by samples) when it is given to every chip: from the most frequent tag on,
 * whichever tag helps most is added, as long as one helps. (On the Amazon chips this finds the same set as a full search.)
 */
export function bestConstantTags(truth: Uint8Array, tags: number, options: Pick<FBetaOptions, 'beta'> = {}): number[] {
  const rows = truth.length / tags;
  const set: number[] = [];
  let best = 0;
  for (;;) {
    let add = -1;
    for (let tag = 0; tag < tags; tag++) {
      if (set.includes(tag)) continue;
      const value = fBeta(truth, constantTags([...set, tag], rows, tags), tags, options);
      if (value > best) { best = value; add = tag; }
    }
    if (add < 0) return set.sort((a, b) => a - b);
    set.push(add);
  }
}

/** (1 + β²) · precision · recall / (β² · precision + recall), written with counts. */
function score(hits: number, predicted: number, real: number, beta: number): number {
  const below = beta * beta * real + predicted;
  return below === 0 ? 0 : ((1 + beta * beta) * hits) / below;
}

function mean(values: Float64Array): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
