import type { TaskContext } from '../../run/index.js';
import { findLeaks, type FoundLeak } from '../dataset/leaks.js';
import { placesOf } from '../dataset/places.js';
import { chipsAsSplittable, mapsAsSplittable } from '../dataset/splittable.js';
import { areChips, type LoadedSamples } from './samples.js';

/** Pictures are compared whole: with larger ones, only places are. */
const LARGEST_PIXELS = 50_000_000;
/** Pairs of pictures without a place that are compared; some 50 milliseconds each. `dataset split` compares more. */
const MOST_COMPARED = 1000;
/** Details that correlate less may be alike by chance (docs/decisions/0019). `dataset split` shows from 0.6 on, for a person to look at. */
const SURE = 0.85;
const SHOWN = 3;

/**
 * Says where validation or test show ground that is trained on: by place, by equal pixels, and for pictures with masks by their
 * content. A note, no refusal: what the scores are worth then is the user's to judge.
 */
export async function leakNotes(loaded: LoadedSamples, context: TaskContext): Promise<void> {
  const { split } = loaded;
  if (split.validation.length + split.test.length === 0) return;
  const leaks = await leaksOf(loaded, context);
  if (leaks.length === 0) return;
  const pairs = leaks.slice(0, SHOWN).map(({ first, second, by }) => `${first} and ${second} (${WORDS[by]})`).join('; ');
  context.onProgress?.({
    stage: 'split', done: 1, total: 1, unit: 'times',
    detail: `note: ${leaks.length} ${leaks.length === 1 ? 'pair' : 'pairs'} of samples of different parts show the same ground, so scores are too good: ${pairs}${leaks.length > SHOWN ? ' …' : ''}; dataset split parts them`,
  });
}

const WORDS = { place: 'by their place', copy: 'equal pixels', content: 'they look alike where laid over each other' } as const;

async function leaksOf(loaded: LoadedSamples, context: TaskContext): Promise<readonly FoundLeak[]> {
  const { split } = loaded;
  const samples = areChips(loaded) ? chipsAsSplittable(loaded.samples, loaded.chipFiles, loaded.mapFiles) : mapsAsSplittable(loaded.samples, loaded.mapFiles ?? new Map());
  const places = await placesOf(samples);
  const small = samples.sizes.every(({ width, height }) => width * height <= LARGEST_PIXELS);
  const content = !areChips(loaded) && split.train.length * (split.validation.length + split.test.length) + split.validation.length * split.test.length <= MOST_COMPARED;
  return (await findLeaks({ samples, split, places, notes: [], partsOnly: true, copies: small, content: small && content }, context))
    .filter(({ acrossParts, by, overlap }) => acrossParts && (by !== 'content' || (overlap?.correlation ?? 0) >= SURE));
}
