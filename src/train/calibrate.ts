import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { addToConfusion, confusionMatrix, meanIntersectionOverUnion } from '../metrics/index.js';
import type { MapSamples } from '../samples/index.js';
import { predictPicture } from './map-learner.js';

/** Steps of an offset, in natural logarithms of odds, and how far it may go either way. */
const STEP = 0.25;
const FARTHEST = 1;
const SWEEPS = 3;

/** Probabilities `[pixels, classes]` and the true class ids (or ignored) of the same pixels. */
export interface Predicted { readonly probabilities: Float32Array; readonly mask: Uint8Array }

/**
 * Offsets of the logits, per class, with which the likeliest classes have the best mean IoU: class by class the best of
 * −1, −0.75 … 1, three times around. How common a class is differs from place to place, and weights and losses that favour
 * rare classes shift the odds; a few coarse numbers put them right without learning the validation data by heart.
 */
export function bestOffsets(predicted: readonly Predicted[], classes: number): number[] {
  const offsets = new Array<number>(classes).fill(0);
  let best = scoreWith(predicted, offsets);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let id = 0; id < classes; id++) {
      const tried = [...offsets];
      for (let offset = -FARTHEST; offset <= FARTHEST; offset += STEP) {
        tried[id] = offset;
        const score = scoreWith(predicted, tried);
        if (score > best) { best = score; offsets[id] = offset; }
      }
    }
  }
  return offsets;
}

/** Chooses offsets on these pictures and adds them to the network's last biases. */
export function calibrate(tf: Tensorflow, network: Network, samples: Pick<MapSamples, 'read'>, places: ArrayLike<number>, multiple: number): number[] {
  const predicted = Array.from(places, (place) => {
    const picture = samples.read(place);
    return { probabilities: predictPicture(tf, network, picture, multiple), mask: picture.mask };
  });
  const layer = network.logits.getLayer('logits');
  const [kernel, bias] = layer.getWeights();
  const offsets = bestOffsets(predicted, bias!.size);
  tf.tidy(() => layer.setWeights([kernel!, tf.add(bias!, tf.tensor1d(offsets))]));
  return offsets;
}

function scoreWith(predicted: readonly Predicted[], offsets: readonly number[]): number {
  const factors = offsets.map(Math.exp);
  const matrix = confusionMatrix(offsets.length);
  for (const { probabilities, mask } of predicted) addToConfusion(matrix, mask, likeliest(probabilities, factors, mask.length));
  return meanIntersectionOverUnion(matrix);
}

function likeliest(probabilities: Float32Array, factors: readonly number[], pixels: number): Uint8Array {
  const classes = factors.length;
  const out = new Uint8Array(pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += classes) {
    let best = 0;
    let most = -1;
    for (let id = 0; id < classes; id++) {
      const value = probabilities[at + id]! * factors[id]!;
      if (value > most) { most = value; best = id; }
    }
    out[pixel] = best;
  }
  return out;
}
