/**
 * Indices of the tags whose probability reaches its threshold.
 * @param thresholds one per tag.
 */
export function presentTags(probabilities: ArrayLike<number>, thresholds: ArrayLike<number>): number[] {
  const present: number[] = [];
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! >= thresholds[i]!) present.push(i);
  return present;
}

/** The index of the largest probability, the first of equal ones: models with one class per chip. */
export function likeliestTag(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i]! > probabilities[best]!) best = i;
  return best;
}

/**
 * The tag that tells a chip best from the others: the one that the fewest chips of the scene have; of equally rare ones the
 * more probable. `undefined` for chips without tags.
 * @param counts chips of the scene that have each tag.
 */
export function mostTellingTag(present: readonly number[], probabilities: ArrayLike<number>, counts: ArrayLike<number>): number | undefined {
  let best: number | undefined;
  for (const tag of present) {
    if (best === undefined || counts[tag]! < counts[best]! || (counts[tag] === counts[best] && probabilities[tag]! > probabilities[best]!)) best = tag;
  }
  return best;
}
