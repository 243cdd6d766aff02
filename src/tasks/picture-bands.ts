import type { ModelCard } from '../card/index.js';
import { displayBands } from '../picture/index.js';
import type { SceneProfile } from '../raster/index.js';

/**
 * The bands of a scene that make a picture, from 0: those that the model takes as red, green and blue, so that bands which
 * the user has put right for the model are right in pictures too; else the scene's own colours.
 * @param bands the scene's bands that go into the model, from 0, in its order.
 */
export function pictureBands(profile: SceneProfile, card: ModelCard, bands: readonly number[]): readonly number[] {
  const colors = ['red', 'green', 'blue'].map((name) => bands[card.input.bands.indexOf(name)]);
  return colors.every((band) => band !== undefined) ? colors : displayBands(profile);
}
