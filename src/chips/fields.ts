/** Decimals of a degree: about a centimetre. */
const DEGREE_DECIMALS = 7;
const PROBABILITY_DECIMALS = 6;

export function formatDegrees(value: number): string {
  return String(roundTo(value, DEGREE_DECIMALS));
}

export function formatProbability(value: number): string {
  return String(roundTo(value, PROBABILITY_DECIMALS));
}

/** Rounded, never `-0`, never with an exponent down to six decimals. */
export function roundTo(value: number, decimals: number): number {
  return Number(value.toFixed(decimals)) + 0;
}

/** Names of the present tags in the table's order, separated by spaces; spaces inside a name become `_`. */
export function tagList(present: readonly number[], tags: readonly string[]): string {
  return present.map((index) => (tags[index] ?? '').trim().replace(/\s+/g, '_')).join(' ');
}
