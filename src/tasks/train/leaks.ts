import { pairsAcross } from '../../dataset/index.js';
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
  const { leaks, notes } = await leaksOf(loaded, context);
  for (const note of notes) context.onProgress?.({ stage: 'split', done: 1, total: 1, unit: 'times', detail: `note: ${note}` });
  if (leaks.length === 0) return;
  const pairs = leaks.slice(0, SHOWN).map(({ first, second, by }) => `${first} and ${second} (${WORDS[by]})`).join('; ');
  context.onProgress?.({
    stage: 'split', done: 1, total: 1, unit: 'times',
    detail: `note: ${leaks.length} ${leaks.length === 1 ? 'pair' : 'pairs'} of samples of different parts show the same ground, so scores are too good: ${pairs}${leaks.length > SHOWN ? ' …' : ''}; dataset split parts them`,
  });
}

const WORDS = { place: 'by their place', copy: 'equal pixels', content: 'they look alike where laid over each other' } as const;

async function leaksOf(loaded: LoadedSamples, context: TaskContext): Promise<{ readonly leaks: readonly FoundLeak[]; readonly notes: readonly string[] }> {
  const { split } = loaded;
  const chips = areChips(loaded);
  const samples = chips ? chipsAsSplittable(loaded.samples, loaded.chipFiles, loaded.mapFiles) : mapsAsSplittable(loaded.samples, loaded.mapFiles ?? new Map());
  const places = await placesOf(samples);
  const small = samples.sizes.every(({ width, height }) => width * height <= LARGEST_PIXELS);
  const pairs = pairsAcross([split.train, split.validation, split.test]);
  const content = !chips && small && pairs <= MOST_COMPARED;
  const notes: string[] = [];
  if (!small) notes.push(`pictures of more than ${LARGEST_PIXELS / 1e6} million pixels: whether samples of different parts are equal was not looked at`);
  if (places.kind === 'none' && !content) {
    const why = chips ? 'chips' : small ? `${pairs.toLocaleString('en')} pairs, more than ${MOST_COMPARED.toLocaleString('en')}` : 'too large';
    notes.push(`samples without a known place (${why}): whether those of different parts overlap was not looked at${chips ? '' : '; dataset split compares more'}`);
  }
  const leaks = await findLeaks({ samples, split, places, notes, partsOnly: true, copies: small, content }, context);
  return { notes, leaks: leaks.filter(({ acrossParts, by, overlap }) => acrossParts && (by !== 'content' || (overlap?.correlation ?? 0) >= SURE)) };
}
