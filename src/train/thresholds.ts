/** Candidates: coarse, so that a few hundred chips do not decide about the last digit. */
const GRID = Array.from({ length: 19 }, (_, step) => (step + 1) * 0.05);
const SWEEPS = 3;

/**
 * A threshold per tag for the best F-beta by samples, on these probabilities and true tags `[rows, tags]`: the best one for all
 * tags first, then tag by tag, three times around. A tag that no chip has keeps the common one.
 */
export function chooseThresholds(scores: Float32Array, truth: Uint8Array, tags: number, beta = 2): number[] {
  const common = bestCommonThreshold(scores, truth, tags, beta);
  const thresholds = new Array<number>(tags).fill(common);
  const counts = countRows(scores, truth, tags, thresholds);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let tag = 0; tag < tags; tag++) {
      if (!hasTag(truth, tags, tag)) continue;
      let best = thresholds[tag]!;
      let most = meanScore(counts, beta);
      for (const candidate of GRID) {
        moveThreshold(counts, scores, truth, tags, tag, thresholds[tag]!, candidate);
        const value = meanScore(counts, beta);
        moveThreshold(counts, scores, truth, tags, tag, candidate, thresholds[tag]!);
        // A little better by chance is no reason to leave the neighbours' value.
        if (value > most + 1e-9) { most = value; best = candidate; }
      }
      moveThreshold(counts, scores, truth, tags, tag, thresholds[tag]!, best);
      thresholds[tag] = best;
    }
  }
  return thresholds.map((threshold) => Math.round(threshold * 100) / 100);
}

/** The threshold for all tags with the best F-beta by samples; the lowest of equal ones. */
export function bestCommonThreshold(scores: Float32Array, truth: Uint8Array, tags: number, beta = 2): number {
  const { candidate } = GRID.reduce((best, candidate) => {
    const value = meanScore(countRows(scores, truth, tags, new Array<number>(tags).fill(candidate)), beta);
    return value > best.value ? { candidate, value } : best;
  }, { candidate: 0.5, value: -1 });
  return candidate;
}

/** Per row: tags found rightly, found in all, and true. */
interface RowCounts { readonly right: Int32Array; readonly found: Int32Array; readonly real: Int32Array }

function countRows(scores: Float32Array, truth: Uint8Array, tags: number, thresholds: readonly number[]): RowCounts {
  const rows = truth.length / tags;
  const counts = { right: new Int32Array(rows), found: new Int32Array(rows), real: new Int32Array(rows) };
  for (let row = 0, at = 0; row < rows; row++) {
    for (let tag = 0; tag < tags; tag++, at++) {
      const found = scores[at]! >= thresholds[tag]! ? 1 : 0;
      counts.found[row]! += found;
      counts.real[row]! += truth[at]!;
      counts.right[row]! += found & truth[at]!;
    }
  }
  return counts;
}

function moveThreshold(counts: RowCounts, scores: Float32Array, truth: Uint8Array, tags: number, tag: number, from: number, to: number): void {
  if (from === to) return;
  for (let row = 0, at = tag; row < counts.found.length; row++, at += tags) {
    const change = (scores[at]! >= to ? 1 : 0) - (scores[at]! >= from ? 1 : 0);
    if (change === 0) continue;
    counts.found[row]! += change;
    if (truth[at] === 1) counts.right[row]! += change;
  }
}

/** Mean over rows of (1 + β²) · right / (β² · real + found); a row without any counts 0, as in scikit-learn. */
function meanScore({ right, found, real }: RowCounts, beta: number): number {
  const square = beta * beta;
  let sum = 0;
  for (let row = 0; row < right.length; row++) {
    const below = square * real[row]! + found[row]!;
    sum += below === 0 ? 0 : ((1 + square) * right[row]!) / below;
  }
  return right.length === 0 ? 0 : sum / right.length;
}

function hasTag(truth: Uint8Array, tags: number, tag: number): boolean {
  for (let at = tag; at < truth.length; at += tags) if (truth[at] === 1) return true;
  return false;
}
