import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { Network } from '../../models/architectures/index.js';

/** Samples and what is true of them, ready for the network. */
export interface Batch {
  /** 0 to 255 */
  readonly x: Float32Array;
  readonly xShape: readonly [number, number, number, number];
  readonly y: Float32Array;
  readonly yShape: readonly number[];
}

/** How good a network is on the validation data. */
export interface Validation {
  /** The number that decides which weights are best; more is better. */
  readonly score: number;
  readonly loss: number;
  /** Further numbers by name, for the history. */
  readonly values: Readonly<Record<string, number>>;
}

/** What {@link fit} needs to know of a problem: its samples, its loss, its score. */
export interface Learner {
  readonly network: Network;
  readonly stepsPerEpoch: number;
  /** What `score` is: `F2`, `mIoU` … */
  readonly scoreName: string;
  /** The same batch for the same epoch and step, in whatever order they are asked for. */
  batch(epoch: number, step: number): Batch;
  loss(logits: Tensor, y: Tensor): Scalar;
  validate(signal?: AbortSignal): Promise<Validation>;
}
