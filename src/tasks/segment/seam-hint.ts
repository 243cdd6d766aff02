import type { ModelCard } from '../../card/index.js';
import { chooseOverlap } from './patches.js';

/** From here on the patches' borders are worth a word. */
const VISIBLE = 1.2;

export interface MeasuredSeams {
  readonly seamScore: number | undefined;
  /** Class changes on the borders: with few of them the score is chance. */
  readonly seamChanges: number;
  readonly card: ModelCard;
  /** Edge of a patch in the map. */
  readonly mapPatch: number;
  readonly overlap: number;
}

/** Fewer changes than this say little. */
const LEAST_CHANGES = 200;

/** What would make borders of patches that can be seen less visible; `undefined` where they cannot be, or nothing is left to do. */
export function seamHint({ seamScore, seamChanges, card, mapPatch, overlap }: MeasuredSeams): string | undefined {
  if (seamScore === undefined || seamScore < VISIBLE || seamChanges < LEAST_CHANGES) return undefined;
  const begin = `the patches' borders can be seen (seam score ${seamScore.toFixed(2)})`;
  const most = Math.floor(mapPatch / 2);
  const enough = card.receptive_field === undefined ? Math.min(most, Math.max(32, 2 * overlap)) : chooseOverlap(card, mapPatch, 'auto', mapPatch);
  if (enough > overlap) {
    const why = card.receptive_field === undefined ? '' : card.receptive_field > enough ? ', half a patch' : `, as far as ${card.name} sees`;
    return `${begin}: take a larger --overlap (${overlap} now), for example ${enough}${why}`;
  }
  return `${begin}, though patches share ${overlap} pixels: take a larger --patch-size (${mapPatch} now)`;
}
