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

/** Precision and recall, as scikit-learn's with `zero_division=0`. */
export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
}

export function precisionRecall(truth: Uint8Array, predicted: Uint8Array, tags: number, options: { readonly average?: TagAverage } = {}): PrecisionRecall {
  const { average = 'samples' } = options;
  if (average === 'macro') {
    const each = precisionRecallPerTag(truth, predicted, tags);
    return { precision: mean(Float64Array.from(each, (one) => one.precision)), recall: mean(Float64Array.from(each, (one) => one.recall)) };
  }
  const rows = truth.length / tags;
  let [precision, recall, hits, found, real] = [0, 0, 0, 0, 0];
  for (let row = 0; row < rows; row++) {
    let [h, p, t] = [0, 0, 0];
    for (let at = row * tags; at < (row + 1) * tags; at++) { h += truth[at]! & predicted[at]!; p += predicted[at]!; t += truth[at]!; }
    precision += ratio(h, p);
    recall += ratio(h, t);
    hits += h;
    found += p;
    real += t;
  }
  if (average === 'micro') return { precision: ratio(hits, found), recall: ratio(hits, real) };
  return rows === 0 ? { precision: 0, recall: 0 } : { precision: precision / rows, recall: recall / rows };
}

/** Precision and recall of every tag over all rows. */
export function precisionRecallPerTag(truth: Uint8Array, predicted: Uint8Array, tags: number): PrecisionRecall[] {
  const counts = Array.from({ length: tags }, () => ({ hits: 0, found: 0, real: 0 }));
  for (let at = 0; at < truth.length; at++) {
    const one = counts[at % tags]!;
    one.hits += truth[at]! & predicted[at]!;
    one.found += predicted[at]!;
    one.real += truth[at]!;
  }
  return counts.map(({ hits, found, real }) => ({ precision: ratio(hits, found), recall: ratio(hits, real) }));
}

/** Share of all answers, tag by tag, that are right (fastai's `accuracy_thresh`). */
export function tagAccuracy(truth: Uint8Array, predicted: Uint8Array): number {
  let right = 0;
  for (let at = 0; at < truth.length; at++) if (truth[at] === predicted[at]) right++;
  return right / truth.length;
}

/** Share of rows whose tags are all right and complete (scikit-learn's `accuracy_score` of several tags). */
export function subsetAccuracy(truth: Uint8Array, predicted: Uint8Array, tags: number): number {
  const rows = truth.length / tags;
  let right = 0;
  for (let row = 0; row < rows; row++) {
    let same = true;
    for (let at = row * tags; at < (row + 1) * tags; at++) same &&= truth[at] === predicted[at];
    if (same) right++;
  }
  return right / rows;
}

/**
 * Average precision of every tag: the sum over thresholds of precision times the gain in recall, rows of equal scores taken
 * together (scikit-learn's `average_precision_score`). 0 for a tag that no row has.
 */
export function averagePrecisionPerTag(truth: Uint8Array, scores: ArrayLike<number>, tags: number): Float64Array {
  const rows = truth.length / tags;
  return Float64Array.from({ length: tags }, (_, tag) => {
    const order = Array.from({ length: rows }, (_unused, row) => row).sort((a, b) => scores[b * tags + tag]! - scores[a * tags + tag]!);
    let real = 0;
    for (let row = 0; row < rows; row++) real += truth[row * tags + tag]!;
    if (real === 0) return 0;
    let [hits, sum] = [0, 0];
    for (let at = 0; at < rows;) {
      const score = scores[order[at]! * tags + tag]!;
      const before = hits;
      while (at < rows && scores[order[at]! * tags + tag] === score) hits += truth[order[at++]! * tags + tag]!;
      sum += ((hits - before) / real) * (hits / at);
    }
    return sum;
  });
}

/**
 * Share of rows whose true class is among the `k` highest scores (scikit-learn's `top_k_accuracy_score`: of equal scores the
 * later class counts as higher).
 */
export function topKAccuracy(truth: ArrayLike<number>, scores: ArrayLike<number>, classes: number, k: number): number {
  let right = 0;
  for (let row = 0; row < truth.length; row++) {
    const own = scores[row * classes + truth[row]!]!;
    let higher = 0;
    for (let id = 0; id < classes; id++) {
      const score = scores[row * classes + id]!;
      if (score > own || (score === own && id > truth[row]!)) higher++;
    }
    if (higher < k) right++;
  }
  return right / truth.length;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
