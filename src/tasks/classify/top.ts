import { InvalidOptionError } from '../../errors.js';
import { isPredicted } from '../chips/rows.js';

/** The likeliest tags of a chip, best first. */
export interface TopTags {
  readonly id: string;
  readonly tags: readonly { readonly name: string; readonly score: number }[];
}

/** Chips whose likeliest tags are told; the tables have all. */
const MOST_CHIPS = 20;

/** Collects the likeliest tags of the first chips. */
export interface TopCollector {
  /** Chips without data have none. */
  see(id: string, probabilities: Float32Array): void;
  readonly chips: TopTags[];
}

/** @throws {InvalidOptionError} if more tags are asked for than there are. */
export function checkTop(tags: number, count: number | undefined): void {
  if (count !== undefined && (count < 1 || count > tags)) throw new InvalidOptionError('--top', `expected from 1 to ${tags}, the tags of the model, found ${count}`);
}

export function collectTop(names: readonly string[], count: number | undefined): TopCollector {
  const chips: TopTags[] = [];
  return {
    chips,
    see(id, probabilities) {
      if (count === undefined || chips.length >= MOST_CHIPS || !isPredicted(probabilities)) return;
      const order = Array.from(names.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
      chips.push({ id, tags: order.slice(0, count).map((tag) => ({ name: names[tag]!, score: probabilities[tag]! })) });
    },
  };
}
