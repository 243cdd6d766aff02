import { InvalidOptionError, ModelError } from '../errors.js';
import type { CardInput, ModelCard } from '../card/index.js';
import type { Device, Precision } from '../predict/index.js';
import type { SceneProfile } from '../raster/index.js';

/**
 * The scene's bands that go into a model, from 0, in the model's order.
 *
 * @param requested band numbers from 1, as `--bands` gives them. Without them the scene's bands of the names in the card are taken;
 *   else it must have as many bands as the model takes, an alpha band not counted.
 * @throws {InvalidOptionError} if the bands do not exist, or their number does not fit.
 * @throws {ModelError} if the scene's sample type is none that the card allows.
 */
export function bandsForModel(scene: SceneProfile, card: ModelCard, requested?: readonly number[]): number[] {
  const wanted = card.input.bands.length;
  const names = card.input.bands.join(', ');
  const colour = Array.from({ length: scene.bands }, (_, band) => band).filter((band) => band !== scene.alphaBand);
  const named = colour.length === wanted ? undefined : bandsByName(scene, card, colour);
  const isUnclear = requested === undefined && named === undefined && colour.length !== wanted;
  const example = Array.from({ length: wanted }, (_, i) => Math.min(i + 1, scene.bands)).join(',');
  checkDataType(scene, card, isUnclear ? `; choose its ${wanted} bands (${names}) of ${colour.length}, too, such as --bands ${example}` : '');
  if (requested !== undefined) {
    for (const band of requested) {
      if (!Number.isInteger(band) || band < 1 || band > scene.bands) {
        throw new InvalidOptionError('--bands', `${scene.source} has bands 1 to ${scene.bands}, got ${band}`);
      }
    }
    if (requested.length !== wanted) {
      throw new InvalidOptionError('--bands', `${card.name} takes ${wanted} band${wanted === 1 ? '' : 's'} (${names}), got ${requested.length}`);
    }
    return requested.map((band) => band - 1);
  }
  if (named !== undefined) return named;
  if (isUnclear) {
    const has = scene.alphaBand === undefined ? `${scene.bands}` : `${colour.length} and alpha`;
    throw new InvalidOptionError('--bands', `${scene.source} has ${has} band${scene.bands === 1 ? '' : 's'}, ${card.name} takes ${wanted} (${names})`, {
      advice: `choose them in this order, such as --bands ${example}${scene.bandNames === undefined && scene.bands > wanted ? '; the scene does not name its bands: tilewright info --preview shows them' : ''}`,
    });
  }
  return colourOrder(scene, card, colour);
}

/** Bands of a scene that has more than the model takes, in the model's order: each of the card's names must be that of exactly one. */
function bandsByName(scene: SceneProfile, card: ModelCard, colour: readonly number[]): number[] | undefined {
  const taken = card.input.bands.map((wanted) => colour.filter((band) => scene.bandNames?.[band]?.toLowerCase() === wanted.toLowerCase()));
  return taken.every(({ length }) => length === 1) && new Set(taken.flat()).size === taken.length ? taken.flat() : undefined;
}

/** Which bands were taken of a scene that has others, too, if nobody said which. */
export function bandsNote(scene: SceneProfile, card: ModelCard, requested?: readonly number[]): string[] {
  if (requested !== undefined || scene.bands - (scene.alphaBand === undefined ? 0 : 1) === card.input.bands.length) return [];
  return [`bands ${bandsForModel(scene, card).map((band) => band + 1).join(', ')} were taken by their names (${card.input.bands.join(', ')})`];
}

const COLOURS = ['red', 'green', 'blue'];

/**
 * Three bands of a scene in the order of a model that takes red, green and blue in another one (Caffe's networks start with
 * blue). A scene without names for its bands has red, green and blue.
 */
function colourOrder(scene: SceneProfile, card: ModelCard, colour: readonly number[]): number[] {
  const wanted = card.input.bands.map((name) => name.toLowerCase());
  if (colour.length !== 3 || !COLOURS.every((name) => wanted.includes(name))) return [...colour];
  const named = colour.map((band) => scene.bandNames?.[band]?.toLowerCase() ?? '');
  const names = COLOURS.every((name) => named.includes(name)) ? named : COLOURS;
  return wanted.map((name) => colour[names.indexOf(name)]!);
}

function checkDataType(scene: SceneProfile, card: ModelCard, alsoBands: string): void {
  const allowed = sceneDataTypes(card.input);
  if (!allowed.includes(scene.dtype)) {
    throw new ModelError(card.name, `is made for ${allowed.join(' or ')} scenes, ${scene.source} is ${scene.dtype}`, {
      advice: `${allowed.includes('uint8') ? 'say how its values become bytes, as the model was trained with: --stretch percentile:2,98 or minmax:LOW,HIGH' : 'convert the scene'}${alsoBands}`,
    });
  }
}

/** The form of the model to load: by TensorFlow, whose layers have no other, and off the CPU `auto` is float32, which is what graphics processors are fast at. */
export function wantedPrecision(options: { readonly precision?: Precision; readonly device?: Device; readonly engine?: string }): Precision {
  const asked = options.precision ?? 'auto';
  return asked === 'auto' && ((options.device ?? 'cpu') !== 'cpu' || options.engine === 'tensorflow') ? 'float32' : asked;
}

/** Sample types of scenes that a model is right for. */
export function sceneDataTypes(input: CardInput): readonly string[] {
  return input.scene_data_types ?? ['uint8'];
}

/** Remarks on what makes a scene unlike the model's training scenes, for the result's warnings. */
export function domainWarnings(card: ModelCard, gsd: number | undefined, scene: Pick<SceneProfile, 'bands' | 'alphaBand' | 'palette' | 'bandNames'>): string[] {
  return [...gsdWarnings(card, gsd), ...colourWarnings(card, scene), ...licenceNotes(card)];
}

/** What a model's licence wants to be known, whatever the scene. */
export function licenceNotes(card: ModelCard): string[] {
  return /research|non-commercial/i.test(card.license ?? '') ? [`licence of ${card.name}: ${card.license ?? ''}`] : [];
}

/** A model of colours, and a scene that does not have them: radar, heights, one band of many. */
function colourWarnings(card: ModelCard, { bands, alphaBand, bandNames }: Pick<SceneProfile, 'bands' | 'alphaBand' | 'bandNames'>): string[] {
  const wanted = card.input.bands.map((band) => band.toLowerCase());
  if (!['red', 'green', 'blue'].every((colour) => wanted.includes(colour))) return [];
  const own = bands - (alphaBand === undefined ? 0 : 1);
  if (own < 3) return [`${card.name} was trained on red, green and blue; the scene has ${own === 1 ? 'one band' : `${own} bands`}: expect no sensible results`];
  const named = bandNames?.map((name) => name.toLowerCase()) ?? [];
  const isRadar = named.length > 0 && named.every((name) => /(^|[^a-z])(vv|vh|hh|hv|sigma0|gamma0|beta0|coherence)([^a-z]|$)/.test(name));
  return isRadar ? [`${card.name} was trained on red, green and blue; the scene's bands are ${bandNames!.join(', ')}: expect no sensible results`] : [];
}

function gsdWarnings(card: ModelCard, gsd: number | undefined): string[] {
  const trained = card.input.gsd;
  if (trained === undefined) return [];
  if (gsd === undefined) return [`${card.name} was trained at ${trained} m per pixel; the scene does not say its own ground sample distance`];
  const ratio = gsd / trained;
  if (ratio > 0.67 && ratio < 1.5) return [];
  return [`${card.name} was trained at ${trained} m per pixel, the scene has ${gsd.toPrecision(3)} m: expect worse results, or resample it with --gsd model`];
}

/** Width and height that the model's input is fixed to; `undefined` where it is free. */
export function fixedInputSize(input: CardInput): { readonly width: number; readonly height: number } | undefined {
  const [height, width] = input.dim_order === 'bhwc' ? [input.shape[1], input.shape[2]] : [input.shape[2], input.shape[3]];
  return width > 0 && height > 0 ? { width, height } : undefined;
}
