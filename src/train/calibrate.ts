import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { addToConfusion, confusionMatrix, meanIntersectionOverUnion } from '../metrics/index.js';
import { throwIfAborted } from '../errors.js';
import { IGNORE, seededRandom, type MapSamples } from '../samples/index.js';
import { predictWindows } from './predict-windows.js';

/** Steps of an offset, in natural logarithms of odds, and how far it may go either way. */
const STEP = 0.25;
const FARTHEST = 1;
const SWEEPS = 3;
/** Probabilities that are kept (256 MiB): of pictures with more, pixels are drawn at random. A few coarse numbers do not need every pixel. */
const MOST_KEPT = 2 ** 26;

/** Probabilities `[pixels, classes]` and the true class ids (or ignored) of the same pixels. */
export interface Predicted { readonly probabilities: Float32Array; readonly mask: Uint8Array }

/**
 * Offsets of the logits, per class, with which the likeliest classes have the best mean IoU: class by class the best of
 * −1, −0.75 … 1, three times around. How common a class is differs from place to place, and weights and losses that favour
 * rare classes shift the odds; a few coarse numbers put them right without learning the validation data by heart.
 */
export async function bestOffsets(predicted: readonly Predicted[], classes: number, signal?: AbortSignal): Promise<number[]> {
  const offsets = new Array<number>(classes).fill(0);
  let best = scoreWith(predicted, offsets);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let id = 0; id < classes; id++) {
      await new Promise(setImmediate);
      throwIfAborted(signal);
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

export interface CalibrateOptions {
  /** Width and height that the network takes must be a multiple of this. */
  readonly multiple: number;
  readonly signal?: AbortSignal | undefined;
  /** For tests: as {@link MOST_KEPT}. */
  readonly mostKept?: number;
}

/** Chooses offsets on these pictures and adds them to the network's last biases. @throws {Interrupted} when the signal is aborted */
export async function calibrate(tf: Tensorflow, network: Network, samples: Pick<MapSamples, 'pictures' | 'readWindow'>, places: ArrayLike<number>, options: CalibrateOptions): Promise<number[]> {
  const layer = network.logits.getLayer('logits');
  const [kernel, bias] = layer.getWeights();
  const classes = bias!.size;
  const pixels = Array.from(places).reduce((sum, place) => sum + samples.pictures[place]!.width * samples.pictures[place]!.height, 0);
  const share = Math.min(1, (options.mostKept ?? MOST_KEPT) / (pixels * classes));
  const predicted: Predicted[] = [];
  for (let at = 0; at < places.length; at++) {
    const random = seededRandom(1, at);
    for await (const { scores, mask } of predictWindows(tf, network, samples, places[at]!, options)) {
      predicted.push(keptOf({ probabilities: scores, mask }, classes, () => share === 1 || random() < share));
    }
  }
  const offsets = await bestOffsets(predicted, classes, options.signal);
  tf.tidy(() => layer.setWeights([kernel!, tf.add(bias!, tf.tensor1d(offsets))]));
  return offsets;
}

/** The pixels that are to be kept, of those whose class is known. */
function keptOf({ probabilities, mask }: Predicted, classes: number, isKept: () => boolean): Predicted {
  const kept = Uint32Array.from(mask.keys()).filter((pixel) => mask[pixel] !== IGNORE && isKept());
  const out = new Float32Array(kept.length * classes);
  for (let at = 0; at < kept.length; at++) for (let id = 0; id < classes; id++) out[at * classes + id] = probabilities[kept[at]! * classes + id]!;
  return { probabilities: out, mask: Uint8Array.from(kept, (pixel) => mask[pixel]!) };
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
