import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Network } from '../../models/architectures/index.js';

/** Samples and what is true of them, ready for the network. */
export interface Batch {
  /** Samples from 0 to 255, or features. */
  readonly x: Float32Array;
  readonly xShape: readonly number[];
  readonly y: Float32Array;
  readonly yShape: readonly number[];
}

/** A class per pixel. */
export interface PredictedMap { readonly width: number; readonly height: number; readonly classes: Uint8Array }

/** How good a network is on the validation data. */
export interface Validation {
  /** The number that decides which weights are best; more is better. */
  readonly score: number;
  readonly loss: number;
  /** Further numbers by name, for the history. */
  readonly values: Readonly<Record<string, number>>;
  /** Of maps: what the network says of the first validation picture, in no more pixels than are drawn. */
  readonly map?: PredictedMap;
}

/** Where no samples are for choices. */
export const NOT_VALIDATED: Validation = { score: Number.NaN, loss: Number.NaN, values: {} };

/** What {@link fit} needs to know of a problem: its samples, its loss, its score. */
export interface Learner {
  /** What steps are run on. */
  readonly network: Pick<Network, 'logits' | 'scores'>;
  readonly stepsPerEpoch: number;
  /** What `score` is: `F2`, `mIoU` … */
  readonly scoreName: string;
  /** The same batch for the same epoch and step, in whatever order they are asked for. */
  batch(epoch: number, step: number): Batch;
  loss(logits: Tensor, y: Tensor): Scalar;
  validate(signal?: AbortSignal): Promise<Validation>;
}
