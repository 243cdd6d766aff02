import type { ModelCard } from '../../card/index.js';
import { toSize, type Picture } from '../../dataset/index.js';
import { fixedInputSize } from '../model-input.js';

/** The size that a chip is predicted at: its own, or the model's input where that is larger. */
export function predictedSize({ width, height }: { readonly width: number; readonly height: number }, card: ModelCard): { readonly width: number; readonly height: number } {
  const fixed = fixedInputSize(card.input);
  if (fixed === undefined || (width >= fixed.width && height >= fixed.height)) return { width, height };
  const edge = Math.max(fixed.width, fixed.height);
  return { width: edge, height: edge };
}

/** A chip smaller than the model's input becomes as large, as in training; larger ones are reduced by the predictor. */
export async function enlarged(picture: Picture, card: ModelCard): Promise<Picture> {
  const size = predictedSize(picture, card);
  return size.width === picture.width && size.height === picture.height ? picture : toSize(picture, size.width);
}

/** What to say of chips of this size; undefined where they are taken as they are. */
export function enlargedNote(chip: { readonly width: number; readonly height: number }, card: ModelCard): string | undefined {
  const size = predictedSize(chip, card);
  return size.width === chip.width && size.height === chip.height ? undefined : `chips of ${chip.width} × ${chip.height} pixels are enlarged to ${size.width} × ${size.height}, the input of ${card.name}`;
}
