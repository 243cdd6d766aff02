import type * as tfjs from '@tensorflow/tfjs';
import type { HeadOptions } from './head.js';
import type { Normalization } from './image-input.js';

/** TensorFlow.js, whichever engine it came with; networks get it handed in, because each engine brings its own copy. */
export type Tensorflow = typeof tfjs;

/** A network that gives numbers before (`logits`) and after (`scores`) its last activation, from the same weights. */
export interface Network {
  /** Float32 samples, `[n, height, width, bands]` → probabilities. */
  readonly scores: tfjs.LayersModel;
  /** The same without the last activation, for the loss. */
  readonly logits: tfjs.LayersModel;
  /** `[n, dimensions]`, where the network has such a layer: what comes into its classifier. */
  readonly features?: tfjs.LayersModel;
}

/** Details in which libraries differ, so that the same weights give other numbers: paddings, epsilons, strides, biases. */
export type Variant = 'keras' | 'torch';

/** What a network of the list is built from. Which options one takes is in its {@link Architecture.takes}. */
export interface NetworkOptions {
  /** Classes or tags. */
  readonly outputs: number;
  /** Last activation. Default `softmax`. */
  readonly activation?: 'softmax' | 'sigmoid';
  /** Edge of the input in pixels. Default: free, or the architecture's own size where its head needs one. */
  readonly size?: number;
  /** Default 3. */
  readonly bands?: number;
  /** All channel counts are multiplied by this. Default 1. */
  readonly width?: number;
  /** Channels per level or stage, where the architecture leaves them free. */
  readonly widths?: readonly number[];
  /** Blocks per stage, where the architecture leaves them free. */
  readonly blocks?: readonly number[];
  /** Batch normalisation after every convolution, where it is a choice. */
  readonly batchNorm?: boolean;
  /** Share that is dropped in training, where the architecture says. */
  readonly dropout?: number;
  /** The input is averaged over squares of this many pixels. */
  readonly reduce?: number;
  /** What follows the convolutions. Default: the architecture's own. */
  readonly head?: HeadOptions;
  /** What is done to samples before the first layer. Default `none`; the project's own networks always bring 0–255 to −1–1. */
  readonly normalization?: Normalization;
  /** Default: the library that the architecture's pretrained weights come from. */
  readonly variant?: Variant;
  /** Seed of the first weights. Default 1. */
  readonly seed?: number;
  /** `zeros`: weights come later, from a file. Default `random`. */
  readonly initial?: 'random' | 'zeros';
}

/** A network of the list: what it is called, what it takes, how it is made. */
export interface Architecture {
  /** Lower case, digits, hyphens; as in recipes. */
  readonly name: string;
  /** For people, with its source. */
  readonly title: string;
  /** One answer per patch, or one per pixel. */
  readonly gives: 'chips' | 'maps';
  /** Edge of the input that it was made for; default size where the head needs one. */
  readonly size?: number;
  /** Smallest edge of the input. */
  readonly smallest: number;
  /** Options beyond `outputs`, `activation`, `bands` and `seed`. */
  readonly takes: readonly (keyof NetworkOptions)[];
  /**
   * Parts in order from the input, each with the names of its layers: a name, or the beginning of names that go on with `_`.
   * Layers in no part are the `head` (`decoder` of maps).
   */
  readonly stages: Readonly<Record<string, readonly string[]>>;
  /** Maps: edges of the input must be a multiple of this. */
  multiple?(options: NetworkOptions): number;
  build(tf: Tensorflow, options: NetworkOptions): Network;
}
