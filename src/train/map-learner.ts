import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { IGNORE, seededRandom, type MaskedPicture, type Random, type Split } from '../samples/index.js';
import { throwIfAborted } from '../errors.js';
import { accuracy, addToConfusion, confusionMatrix, intersectionOverUnion, meanIntersectionOverUnion, type ConfusionMatrix } from '../metrics/index.js';
import { randomEdge, randomView, writeSquare, writeTargets, type AugmentOptions } from './augment.js';
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
  /** Share of a pixel's target that is spread over all classes: masks are not always right. Default 0. */
  readonly labelSmoothing?: number;
  /** Where patches come from: every pixel as often (`area`), or every group of pictures (`group`). Default `area`. */
  readonly sampling?: 'area' | 'group';
  /** Weight of the Dice loss beside the cross-entropy. Default 0. */
  readonly dice?: number;
}

/** Pictures with masks: weighted cross-entropy per pixel (and Dice, where asked for) on random patches, scored by mean IoU on whole pictures. */
export function mapLearner(tf: Tensorflow, network: Network, pictures: readonly MaskedPicture[], split: Split, options: MapLearnerOptions): Learner {
  const { classes, batch, patch, multiple, seed, augment, labelSmoothing = 0, dice = 0 } = options;
  const train = Array.from(split.train, (place) => pictures[place]!).filter((picture) => picture.width >= patch && picture.height >= patch);
  const area = train.reduce((sum, picture) => sum + picture.width * picture.height, 0);
  const chances = pictureChances(train, options.sampling ?? 'area');
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
        const picture = pick(train, chances, random);
        const edge = randomEdge(random, patch, Math.min(picture.width, picture.height), augment?.zoom);
        const square = { ...picture, edge, x: Math.floor(random() * (picture.width - edge + 1)), y: Math.floor(random() * (picture.height - edge + 1)) };
        const view = randomView(random, augment);
        writeSquare(x, index * patch * patch * 3, square, patch, view);
        writeTargets(y, index * patch * patch * classes.length, square, patch, view, weights, labelSmoothing);
      }
      return { x, xShape: [batch, patch, patch, 3], y, yShape: [batch, patch, patch, classes.length] };
    },
    loss: (logits, y) => {
      const logs = tf.logSoftmax(logits);
      const entropy: Scalar = tf.div(tf.neg(tf.sum(tf.mul(y, logs))), tf.add(tf.sum(y), 1e-6));
      return dice === 0 ? entropy : tf.add(entropy, tf.mul(diceLoss(tf, tf.exp(logs), y), dice));
    },
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

/**
 * One minus the mean over classes of twice the overlap over the sum, over all pixels of a batch (Milletari et al. 2016), of
 * probabilities `[n, height, width, classes]` and targets of the same shape as {@link writeTargets} writes them. Pixels
 * without a target do not count, nor do classes that no pixel of the batch has.
 */
export function diceLoss(tf: Tensorflow, probabilities: Tensor, y: Tensor): Scalar {
  const classes = y.shape[3]!;
  const flat = tf.reshape(y, [-1, classes]);
  const counts = tf.cast(tf.greater(tf.sum(flat, 1, true), 0), 'float32');
  const truth = tf.mul(tf.oneHot(tf.argMax(flat, 1), classes), counts);
  const found = tf.mul(tf.reshape(probabilities, [-1, classes]), counts);
  const present = tf.cast(tf.greater(tf.sum(truth, 0), 0), 'float32');
  const share = tf.div(tf.mul(tf.sum(tf.mul(truth, found), 0), 2), tf.add(tf.add(tf.sum(truth, 0), tf.sum(found, 0)), 1e-6));
  return tf.sub(1, tf.div(tf.sum(tf.mul(share, present)), tf.add(tf.sum(present), 1e-6)));
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

/** How often each picture is looked at, as weights: by its area, or by its share of its group's area. */
export function pictureChances(pictures: readonly Pick<MaskedPicture, 'group' | 'width' | 'height'>[], sampling: 'area' | 'group'): number[] {
  const groups = new Map<string, number>();
  for (const { group, width, height } of pictures) groups.set(group, (groups.get(group) ?? 0) + width * height);
  return pictures.map(({ group, width, height }) => (width * height) / (sampling === 'area' ? 1 : groups.get(group)!));
}

function pick(pictures: readonly MaskedPicture[], chances: readonly number[], random: Random): MaskedPicture {
  let left = random() * chances.reduce((sum, chance) => sum + chance, 0);
  for (let place = 0; place < pictures.length; place++) {
    left -= chances[place]!;
    if (left < 0) return pictures[place]!;
  }
  return pictures.at(-1)!;
}
