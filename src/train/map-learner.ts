import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { IGNORE, seededRandom, stripsOf, type MapSamples, type PictureEntry, type Random, type Split } from '../samples/index.js';
import { accuracy, addToConfusion, confusionMatrix, intersectionOverUnion, meanIntersectionOverUnion, type ConfusionMatrix } from '../metrics/index.js';
import { randomEdge, randomView, writeSquare, writeTargets, type AugmentOptions, type SquareSource, type View } from './augment.js';
import { NOT_VALIDATED, type Learner, type PredictedMap } from './learner.js';
import { classLoss, classWeights } from './losses.js';
import { sketchMap, type MapSketch } from './map-sketch.js';
import { placementReach } from './placement.js';
import { predictWindows } from './predict-windows.js';
import type { RecipeLoss } from './recipe.js';

export interface MapLearnerOptions {
  /** Patches per step. */
  readonly batch: number;
  /** Edge of a patch in pixels of the (reduced) pictures. */
  readonly patch: number;
  /** Width and height that the network takes must be a multiple of this. */
  readonly multiple: number;
  readonly seed: number;
  readonly augment?: AugmentOptions;
  /** Steps per epoch. Default: as many as show as many pixels as there are. */
  readonly steps?: number;
  readonly loss: RecipeLoss;
  /** Where patches come from: every pixel as often (`area`), or every group of pictures (`group`). Default `area`. */
  readonly sampling?: 'area' | 'group';
}

/** Pictures with masks: weighted cross-entropy per pixel (and Dice, where asked for) on random patches, scored by mean IoU on whole pictures. */
export function mapLearner(tf: Tensorflow, network: Network, samples: MapSamples, split: Split, options: MapLearnerOptions): Learner {
  const { classes, pictures } = samples;
  const { batch, patch, multiple, seed, augment, loss } = options;
  const places = Array.from(split.train).filter((place) => pictures[place]!.width >= patch && pictures[place]!.height >= patch);
  const train = places.map((place) => pictures[place]!);
  const area = train.reduce((sum, picture) => sum + picture.width * picture.height, 0);
  const chances = pictureChances(train, options.sampling ?? 'area');
  const weights = classWeights(countPixels(samples, places), classes, loss.class_weights ?? 'sqrt');
  // The zoom of maps is how much of a picture is shown, not a part of the placement.
  const views = augment === undefined ? undefined : { ...augment, zoom: undefined };
  return {
    network,
    stepsPerEpoch: options.steps ?? Math.max(1, Math.round(area / (batch * patch * patch))),
    scoreName: 'mIoU',
    batch(epoch, step) {
      const random = seededRandom(seed, epoch, step + 1);
      const x = new Float32Array(batch * patch * patch * 3);
      const y = new Float32Array(batch * patch * patch * classes.length);
      for (let index = 0; index < batch; index++) {
        const place = pick(chances, random);
        const picture = train[place]!;
        const edge = randomEdge(random, patch, Math.min(picture.width, picture.height), augment?.zoom);
        const at = { edge, x: Math.floor(random() * (picture.width - edge + 1)), y: Math.floor(random() * (picture.height - edge + 1)) };
        const view = randomView(random, views);
        const square = readSquare(samples, places[place]!, at, view);
        writeSquare(x, index * patch * patch * 3, square, patch, view);
        writeTargets(y, index * patch * patch * classes.length, square, patch, view, weights, loss.label_smoothing);
      }
      return { x, xShape: [batch, patch, patch, 3], y, yShape: [batch, patch, patch, classes.length] };
    },
    loss: classLoss(tf, loss),
    async validate(signal) {
      if (split.validation.length === 0) return NOT_VALIDATED;
      const matrix = confusionMatrix(classes.length);
      let lossSum = 0;
      let pixels = 0;
      let map: PredictedMap | undefined;
      for (const place of split.validation) {
        const { width, height } = pictures[place]!;
        const sketch: MapSketch | undefined = map === undefined ? sketchMap(width, height) : undefined;
        for await (const { window, scores, mask } of predictWindows(tf, network, samples, place, { multiple, signal })) {
          const part = addScores(matrix, scores, mask, classes.length);
          lossSum += part.loss;
          pixels += part.pixels;
          sketch?.put(window, part.predicted);
        }
        map ??= sketch?.map;
      }
      return { score: meanIntersectionOverUnion(matrix), loss: lossSum / Math.max(1, pixels), values: { pixel_accuracy: accuracy(matrix), ...classValues(matrix, classes) }, ...(map === undefined ? {} : { map }) };
    },
  };
}

/** Adds the most likely classes to the matrix; returns the summed cross-entropy. */
function addScores(matrix: ConfusionMatrix, scores: Float32Array, mask: Uint8Array, classes: number): { loss: number; pixels: number; predicted: Uint8Array } {
  const predicted = new Uint8Array(mask.length);
  let loss = 0;
  let pixels = 0;
  for (let i = 0, at = 0; i < mask.length; i++, at += classes) {
    let best = 0;
    for (let id = 1; id < classes; id++) if (scores[at + id]! > scores[at + best]!) best = id;
    predicted[i] = best;
    const truth = mask[i]!;
    if (truth === IGNORE) continue;
    loss -= Math.log(Math.max(1e-7, scores[at + truth]!));
    pixels++;
  }
  addToConfusion(matrix, mask, predicted);
  return { loss, pixels, predicted };
}

function classValues(matrix: ConfusionMatrix, classes: readonly string[]): Record<string, number> {
  return Object.fromEntries(Array.from(intersectionOverUnion(matrix), (value, id) => [`iou_${classes[id]!.toLowerCase()}`, value]));
}

/** How many pixels of these pictures each class has; ignored ones do not count. */
export function countPixels(samples: Pick<MapSamples, 'classes' | 'pictures' | 'readWindow'>, places: ArrayLike<number>): number[] {
  const counts = new Array<number>(samples.classes.length).fill(0);
  for (let index = 0; index < places.length; index++) {
    for (const { mask } of stripsOf(samples, places[index]!)) for (let i = 0; i < mask.length; i++) if (mask[i] !== IGNORE) counts[mask[i]!]!++;
  }
  return counts;
}

interface SquarePlace { readonly x: number; readonly y: number; readonly edge: number }

/** A square of a picture, with as much around it as the view looks at. */
function readSquare(samples: MapSamples, place: number, at: SquarePlace, view: View): SquareSource & { readonly mask: Uint8Array } {
  const { width, height } = samples.pictures[place]!;
  const [down, right] = view.placement === undefined ? [0, 0] : placementReach(view.placement, at.edge);
  const x = Math.max(0, Math.floor(at.x - right));
  const y = Math.max(0, Math.floor(at.y - down));
  const window = { x, y, width: Math.min(width, Math.ceil(at.x + at.edge + right)) - x, height: Math.min(height, Math.ceil(at.y + at.edge + down)) - y };
  return { ...samples.readWindow(place, window), edge: at.edge, x: at.x - x, y: at.y - y };
}

/** How often each picture is looked at, as weights: by its area, or by its share of its group's area. */
export function pictureChances(pictures: readonly Pick<PictureEntry, 'group' | 'width' | 'height'>[], sampling: 'area' | 'group'): number[] {
  const groups = new Map<string, number>();
  for (const { group, width, height } of pictures) groups.set(group, (groups.get(group) ?? 0) + width * height);
  return pictures.map(({ group, width, height }) => (width * height) / (sampling === 'area' ? 1 : groups.get(group)!));
}

function pick(chances: readonly number[], random: Random): number {
  let left = random() * chances.reduce((sum, chance) => sum + chance, 0);
  for (let place = 0; place < chances.length; place++) {
    left -= chances[place]!;
    if (left < 0) return place;
  }
  return chances.length - 1;
}
