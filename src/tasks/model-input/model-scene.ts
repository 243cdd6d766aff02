import { InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { AppliedStretch, Scene, Size, Window } from '../../raster/index.js';
import { clipScene } from './clipped-scene.js';
import { regridScene } from './regridded-scene.js';
import { applyStretch } from './stretch.js';
import type { StretchRule } from './stretch.js';

/** How a scene is changed before a model sees it. */
export interface SceneChoices {
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** Resamples the scene to so many metres per pixel; `model`: to what the model was trained at. Default: as it is. */
  readonly gsd?: number | 'model';
  /** GeoJSON file: only what lies in its polygons has data. Default: all. */
  readonly aoi?: string;
  /** How the scene's values reach the model. Default: as they are. */
  readonly stretch?: StretchRule;
}

export interface ModelScene {
  /** The scene as the model sees it. */
  readonly scene: Scene;
  /** Absent where the values are left as they are. */
  readonly stretch?: AppliedStretch;
  /** From the scene's pixels to those of the file, whole ones; the same where it is not resampled. */
  readonly toFile: (window: Window) => Window;
}

/**
 * A scene as a model is to see it: resampled, cut to an area, stretched, in this order, so that percentiles are those of the area.
 * @throws {InvalidOptionError | InvalidFileError} if scene, model and choices do not fit each other.
 */
export async function asModelSees(opened: Scene, card: ModelCard, choices: SceneChoices, signal?: AbortSignal): Promise<ModelScene> {
  let scene = opened;
  if (choices.gsd !== undefined) scene = regridScene(scene, wantedGsd(choices.gsd, card));
  if (choices.aoi !== undefined) scene = await clipScene(scene, choices.aoi);
  return { ...await applyStretch(scene, card, choices.stretch, signal), toFile: (window) => windowIn(opened.profile, scene.profile, window) };
}

function windowIn(file: Size, scene: Size, window: Window): Window {
  const x = Math.round((window.x * file.width) / scene.width);
  const y = Math.round((window.y * file.height) / scene.height);
  return {
    x, y, width: Math.max(1, Math.round(((window.x + window.width) * file.width) / scene.width) - x),
    height: Math.max(1, Math.round(((window.y + window.height) * file.height) / scene.height) - y),
  };
}

function wantedGsd(gsd: number | 'model', card: ModelCard): number {
  if (gsd !== 'model') {
    if (!(gsd > 0 && Number.isFinite(gsd))) throw new InvalidOptionError('--gsd', `expected metres per pixel above 0, got ${gsd}`);
    return gsd;
  }
  if (card.input.gsd === undefined) throw new InvalidOptionError('--gsd', `the card of ${card.name} does not say what it was trained at`, { advice: 'give metres per pixel' });
  return card.input.gsd;
}

/**
 * Chips in files of their own are taken whole, as they are on the ground.
 * @throws {InvalidOptionError} for choices that are for scenes.
 */
export function refuseSceneChoices(choices: SceneChoices, folder: string): void {
  for (const option of ['gsd', 'aoi', 'page'] as const) {
    if (choices[option] !== undefined) throw new InvalidOptionError(`--${option}`, `${folder} is a folder of chips, which are taken whole`);
  }
}
