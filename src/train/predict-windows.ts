import type { Tensor } from '@tensorflow/tfjs';
import type { Network, Tensorflow } from '../../models/architectures/index.js';
import { throwIfAborted } from '../errors.js';
import type { MapSamples, MaskedPicture } from '../samples/index.js';
import { receptiveField } from './network.js';
import { tidyValues } from './tidy-values.js';

interface Box { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** Pixels that go through a network at once: what that takes is bounded then, whatever the picture. Smaller pictures go as they are. */
const AT_ONCE = 2 ** 20;
/** Edge of a window of larger pictures, what is around its core included. */
const EDGE = 1024;
/** Of a core, where what is around it leaves less. */
const LEAST_CORE = 256;

export interface WindowOptions {
  /** Width and height that the network takes must be a multiple of this. */
  readonly multiple: number;
  readonly signal?: AbortSignal | undefined;
  /** For tests: as {@link AT_ONCE} and {@link EDGE}. */
  readonly atOnce?: number;
  readonly edge?: number;
}

/** What a network says of a part of a picture. */
export interface PredictedWindow {
  readonly window: Box;
  /** `[window.height, window.width, classes]` */
  readonly scores: Float32Array;
  /** `[window.height, window.width]` */
  readonly mask: Uint8Array;
}

/**
 * Probabilities for a picture, window by window; together they are those of the whole picture at once. Windows are read with as much around
 * them as the network sees, begin at multiples of what its input must be a multiple of, and end where the picture ends, so that poolings pair
 * the same pixels and zeros are padded at the same edges. Lets signals in before each.
 * @throws {Interrupted} when the signal is aborted
 */
export async function* predictWindows(tf: Tensorflow, network: Pick<Network, 'scores'>, samples: Pick<MapSamples, 'pictures' | 'readWindow'>, place: number, options: WindowOptions): AsyncGenerator<PredictedWindow> {
  const { multiple, signal, atOnce = AT_ONCE, edge = EDGE } = options;
  const { width, height } = samples.pictures[place]!;
  const isWhole = roundUp(width, multiple) * roundUp(height, multiple) <= atOnce;
  const around = isWhole ? 0 : roundUp(Math.ceil(receptiveField(network.scores) / 2) + multiple, multiple);
  const core = isWhole ? Math.max(width, height) : roundUp(Math.max(Math.min(LEAST_CORE, edge), edge - 2 * around), multiple);
  for (let y = 0; y < height; y += core) {
    for (let x = 0; x < width; x += core) {
      await new Promise(setImmediate);
      throwIfAborted(signal);
      const window = { x, y, width: Math.min(core, width - x), height: Math.min(core, height - y) };
      const [left, top] = [Math.max(0, x - around), Math.max(0, y - around)];
      const outer = { x: left, y: top, width: Math.min(width, x + window.width + around) - left, height: Math.min(height, y + window.height + around) - top };
      const read = samples.readWindow(place, outer);
      const inner = { x: x - left, y: y - top, width: window.width, height: window.height };
      yield { window, scores: predictPicture(tf, network, read, multiple, inner), mask: isWhole ? read.mask : cut(read.mask, outer.width, inner) };
    }
  }
}

/**
 * Probabilities `[height, width, classes]` of a picture, or of a part of it, from the whole at once; it is padded to a multiple by repeating
 * its edge.
 */
export function predictPicture(tf: Tensorflow, network: Pick<Network, 'scores'>, picture: Pick<MaskedPicture, 'width' | 'height' | 'pixels'>, multiple: number, part: Box = { x: 0, y: 0, width: picture.width, height: picture.height }): Float32Array {
  const width = roundUp(picture.width, multiple);
  const height = roundUp(picture.height, multiple);
  const x = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (Math.min(row, picture.height - 1) * picture.width + Math.min(column, picture.width - 1)) * 3;
      const to = (row * width + column) * 3;
      x[to] = picture.pixels[from]!;
      x[to + 1] = picture.pixels[from + 1]!;
      x[to + 2] = picture.pixels[from + 2]!;
    }
  }
  return tidyValues(tf, () => {
    const scores = network.scores.predict(tf.tensor4d(x, [1, height, width, 3])) as Tensor;
    return tf.slice(scores, [0, part.y, part.x, 0], [1, part.height, part.width, scores.shape[3]!]).dataSync<'float32'>();
  });
}

function cut(mask: Uint8Array, stride: number, { x, y, width, height }: Box): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) out.set(mask.subarray((y + row) * stride + x, (y + row) * stride + x + width), row * width);
  return out;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
