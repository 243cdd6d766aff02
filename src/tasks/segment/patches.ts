import { InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { SceneProfile } from '../../raster/index.js';
import { fixedInputSize } from '../model-input.js';

/** Where the model leaves the size free. Chosen by `bench/segment.ts`: see docs/benchmarks.md. */
export const DEFAULT_PATCH = 512;
/** With less memory than this, patches of half the edge. */
const SMALL_MEMORY = 600 * 1024 ** 2;

/**
 * Edge in pixels of what goes into the model.
 * @throws {InvalidOptionError} if the asked size is not the model's, or no multiple of what the model needs.
 */
export function choosePatchSize(card: ModelCard, scene: SceneProfile, asked: number | 'auto', memory?: number): number {
  const fixed = fixedInputSize(card.input);
  const margin = card.output.margin ?? 0;
  const multiple = card.input.multiple_of ?? 1;
  if (fixed !== undefined) {
    if (fixed.width !== fixed.height) throw new InvalidOptionError('--model', `${card.name} takes ${fixed.width} × ${fixed.height} pixels; only square patches are cut`);
    if (asked !== 'auto' && asked !== fixed.width) {
      throw new InvalidOptionError('--patch-size', `${card.name} takes patches of ${fixed.width} pixels only, got ${asked}`, { advice: 'leave the option out' });
    }
    return fixed.width;
  }
  if (asked !== 'auto') {
    if (!Number.isInteger(asked) || asked < 1) throw new InvalidOptionError('--patch-size', `expected a whole number of pixels from 1, got ${asked}`);
    if (asked % multiple !== 0) {
      const near = Math.max(multiple, Math.round(asked / multiple) * multiple);
      throw new InvalidOptionError('--patch-size', `${card.name} takes multiples of ${multiple} pixels, got ${asked}`, { advice: `take ${near}` });
    }
    if (asked <= 2 * margin) throw new InvalidOptionError('--patch-size', `${card.name} cuts ${margin} pixels off every side, got ${asked}`);
    return asked;
  }
  // A scene smaller than a patch needs no more than itself.
  const needed = roundUp(Math.max(scene.width, scene.height) + 2 * margin, multiple);
  const standard = memory !== undefined && memory < SMALL_MEMORY ? DEFAULT_PATCH / 2 : DEFAULT_PATCH;
  return Math.min(needed, roundUp(standard, multiple));
}

/**
 * Pixels that patches share in the map. `auto`: half the receptive field on either side of a border makes that border as good
 * as the inside, so the whole receptive field is shared, rounded up to 16 and at most half a patch.
 * @throws {InvalidOptionError} if it is not smaller than the patch, or `auto` knows no receptive field.
 */
export function chooseOverlap(card: ModelCard, mapPatch: number, asked: number | 'auto', askedPatch: number | 'auto'): number {
  if (asked === 'auto') {
    if (card.receptive_field === undefined) {
      throw new InvalidOptionError('--overlap', `the card of ${card.name} has no receptive field to derive it from`, { advice: 'give a number of pixels' });
    }
    return Math.min(roundUp(card.receptive_field, 16), Math.floor(mapPatch / 2));
  }
  if (!Number.isInteger(asked) || asked < 0) throw new InvalidOptionError('--overlap', `expected a whole number of pixels from 0, got ${asked}`);
  // `auto` shrinks the patch to a scene that is smaller; such a scene has no neighbours to overlap with, whatever was asked.
  const limit = askedPatch === 'auto' ? Math.max(mapPatch, DEFAULT_PATCH) : mapPatch;
  if (asked >= limit) throw new InvalidOptionError('--overlap', `expected less than the patch size ${limit}, got ${asked}`);
  if (asked >= mapPatch) return 0;
  return asked;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
