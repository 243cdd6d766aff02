import type { Tensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { IGNORE, seededRandom, type MaskedPicture, type Random, type Split } from '../samples/index.js';
import { throwIfAborted } from '../errors.js';
import { accuracy, addToConfusion, confusionMatrix, intersectionOverUnion, meanIntersectionOverUnion, type ConfusionMatrix } from '../metrics/index.js';
import { randomView, writeSquare, writeTargets, type AugmentOptions } from './augment.js';
import type { Learner } from './learner.js';

export interface MapLearnerOptions {
  readonly classes: readonly string[];
  /** Patches per step. */
  readonly batch: number;
  /** Edge of a patch in pixels of the (reduced) pictures. */
  readonly patch: number;
  /** Width and height that the network takes must be a multiple of this. */
  readonly multiple: number;
  readonly seed: number;
  readonly augment?: AugmentOptions;
  /** `sqrt`: rare classes weigh more, by the root of how rare they are. Default `sqrt`. */
  readonly classWeights?: 'sqrt' | 'equal';
}

/** Pictures with masks: weighted cross-entropy per pixel on random patches, scored by mean IoU on whole pictures. */
export function mapLearner(tf: Tensorflow, network: Network, pictures: readonly MaskedPicture[], split: Split, options: MapLearnerOptions): Learner {
  const { classes, batch, patch, multiple, seed, augment } = options;
  const train = Array.from(split.train, (place) => pictures[place]!).filter((picture) => picture.width >= patch && picture.height >= patch);
  const area = train.reduce((sum, picture) => sum + picture.width * picture.height, 0);
  const weights = options.classWeights === 'equal' ? classes.map(() => 1) : rootWeights(train, classes.length);
  return {
    network,
    stepsPerEpoch: Math.max(1, Math.round(area / (batch * patch * patch))),
    scoreName: 'mIoU',
    batch(epoch, step) {
      const random = seededRandom(seed, epoch, step + 1);
      const x = new Float32Array(batch * patch * patch * 3);
      const y = new Float32Array(batch * patch * patch * classes.length);
      for (let index = 0; index < batch; index++) {
        const picture = pickByArea(train, area, random);
        const square = { ...picture, x: Math.floor(random() * (picture.width - patch + 1)), y: Math.floor(random() * (picture.height - patch + 1)) };
        const view = randomView(random, augment);
        writeSquare(x, index * patch * patch * 3, square, patch, view);
        writeTargets(y, index * patch * patch * classes.length, square, patch, view, weights);
      }
      return { x, xShape: [batch, patch, patch, 3], y, yShape: [batch, patch, patch, classes.length] };
    },
    loss: (logits, y) => tf.div(tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(logits)))), tf.add(tf.sum(y), 1e-6)),
    async validate(signal) {
      const matrix = confusionMatrix(classes.length);
      let loss = 0;
      let pixels = 0;
      for (const place of split.validation) {
        await new Promise(setImmediate);
        throwIfAborted(signal);
        const picture = pictures[place]!;
        const scores = predictPicture(tf, network, picture, multiple);
        const part = addScores(matrix, scores, picture.mask, classes.length);
        loss += part.loss;
        pixels += part.pixels;
      }
      return { score: meanIntersectionOverUnion(matrix), loss: loss / Math.max(1, pixels), values: { pixel_accuracy: accuracy(matrix), ...classValues(matrix, classes) } };
    },
  };
}

/** Probabilities `[height, width, classes]` of a whole picture, which is padded to a multiple by repeating its edge. */
export function predictPicture(tf: Tensorflow, network: Network, picture: Pick<MaskedPicture, 'width' | 'height' | 'pixels'>, multiple: number): Float32Array {
  const width = Math.ceil(picture.width / multiple) * multiple;
  const height = Math.ceil(picture.height / multiple) * multiple;
  const x = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (Math.min(row, picture.height - 1) * picture.width + Math.min(column, picture.width - 1)) * 3;
      x.set(picture.pixels.subarray(from, from + 3), (row * width + column) * 3);
    }
  }
  return tf.tidy(() => {
    const scores = network.scores.predict(tf.tensor4d(x, [1, height, width, 3])) as Tensor;
    const classes = scores.shape[3]!;
    return tf.slice(scores, [0, 0, 0, 0], [1, picture.height, picture.width, classes]).dataSync<'float32'>();
  });
}

/** Adds the most likely classes to the matrix; returns the summed cross-entropy. */
function addScores(matrix: ConfusionMatrix, scores: Float32Array, mask: Uint8Array, classes: number): { loss: number; pixels: number } {
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
  return { loss, pixels };
}

function classValues(matrix: ConfusionMatrix, classes: readonly string[]): Record<string, number> {
  return Object.fromEntries(Array.from(intersectionOverUnion(matrix), (value, id) => [`iou_${classes[id]!.toLowerCase()}`, value]));
}

/** 1 / √share, scaled so that the mean over pixels is 1. */
export function rootWeights(pictures: readonly Pick<MaskedPicture, 'mask'>[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { mask } of pictures) for (let i = 0; i < mask.length; i++) if (mask[i] !== IGNORE) counts[mask[i]!]!++;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const raw = counts.map((count) => (count === 0 ? 0 : Math.sqrt(total / count)));
  const mean = raw.reduce((sum, weight, id) => sum + weight * counts[id]!, 0) / total;
  return raw.map((weight) => weight / mean);
}

function pickByArea(pictures: readonly MaskedPicture[], area: number, random: Random): MaskedPicture {
  let left = random() * area;
  for (const picture of pictures) {
    left -= picture.width * picture.height;
    if (left < 0) return picture;
  }
  return pictures.at(-1)!;
}
