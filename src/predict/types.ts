import type { ModelCard } from '../card/index.js';
import type { PatchBatch } from '../grid/index.js';
import type { Pool } from './pool.js';
import type { DataType, TypedArray } from '../raster/index.js';

/** What a predictor can be asked for. */
export type PredictorOutput =
  /** maps: `Uint8Array` of the most likely class per pixel, `[count, height, width]`; arg-max inside the graph */
  | 'classes'
  /** probabilities after the activation, `Float32Array`: maps `[count, classes, height, width]`, patches `[count, classes]` */
  | 'scores'
  /** feature vectors, `Float32Array` `[count, dimensions]` */
  | 'features';

export interface PatchOutput {
  /** Edge lengths of a map output, `input − 2 × margin`; 1 for outputs per patch. */
  readonly width: number;
  readonly height: number;
  readonly classes?: Uint8Array;
  readonly scores?: Float32Array;
  readonly features?: Float32Array;
}

/** Pixels to numbers. The model is loaded once; `predict` may be called again before it has answered. */
export interface Predictor {
  readonly card: ModelCard;
  /** Batches that can be worked on at the same time; more are queued. */
  readonly concurrency: number;
  /** `cpu`, `cuda` or `webgpu`: what really runs. */
  readonly device: string;
  /** Form of the model that runs. */
  readonly precision: 'float32' | 'int8';
  /** Milliseconds spent inside the engine so far, summed over workers. */
  readonly engineMilliseconds: number;
  /**
   * The batch's buffer is handed over to a worker and must not be used afterwards.
   * @throws {ModelError} if the engine fails or the output does not fit the card.
   */
  predict(batch: PatchBatch, signal?: AbortSignal): Promise<PatchOutput>;
  /**
   * Gives an answer back, so that its arrays are written again for a later batch instead of allocating megabytes for every
   * patch. It must not be used afterwards.
   */
  recycle(output: PatchOutput): void;
  /** An array of a batch that was predicted, to read the next batch into; its values are left over. `undefined` if none is free. */
  spareBatch(length: number): TypedArray | undefined;
  close(): Promise<void>;
}

export type Device = 'cpu' | 'cuda' | 'webgpu';

/** Engines that are starting before their model is known. */
export interface StartedEngines {
  /** The engines, if they are of the wanted kind; only once. */
  take(model: string, wanted: { readonly device: Device; readonly workers: number; readonly threads: number }): Pool | undefined;
  /** Ends engines that nobody took. */
  close(): Promise<void>;
}

export interface PredictorOptions {
  readonly outputs: readonly PredictorOutput[];
  /** Sample type of the batches that will come. Default: `uint8`. */
  readonly dtype?: DataType;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Processor threads of the engine, all workers together. Default: all cores. */
  readonly threads?: number;
  /** Engines side by side that share the threads, on the CPU. Each holds its own activations. Default: 2 for maps, one per thread for chips. */
  readonly workers?: number;
  /** Engines that were started beforehand; they are taken if they fit the other options. */
  readonly started?: StartedEngines;
  /** Patch size that will be asked for, where the model leaves it free; lets the engine plan. */
  readonly patch?: { readonly width: number; readonly height: number };
}
