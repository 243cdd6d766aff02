import type { ModelCard } from '../../card/index.js';
import type { PlainError } from '../../errors.js';
import type { PredictorOutput } from '../../predict/index.js';
import type { TypedArray } from '../../raster/index.js';

/** What travels between a predictor of layers and its thread. Buffers are handed over. */

export interface LayersSettings {
  /** Marks the thread as one of these. */
  readonly mark: 'tilewright-layers';
  /** Folder with `model.json` and `weights.bin`. */
  readonly folder: string;
  /** For messages. */
  readonly model: string;
  readonly card: ModelCard;
  readonly outputs: readonly PredictorOutput[];
}

export interface LayersRequest {
  readonly id: number;
  /** `[count, height, width, bands]`. */
  readonly data: TypedArray;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** Edges of what the network takes; patches are reduced to it by area. */
  readonly inputWidth: number;
  readonly inputHeight: number;
}

export interface LayersAnswer {
  readonly width: number;
  readonly height: number;
  readonly classes?: Uint8Array;
  readonly scores?: Float32Array;
  readonly features?: Float32Array;
}

export type LayersReply =
  /** The network is loaded; what it runs on. */
  | { readonly kind: 'ready'; readonly device: string }
  | { readonly kind: 'done'; readonly id: number; readonly answer: LayersAnswer; readonly milliseconds: number }
  /** Without a number: it could not be loaded. */
  | { readonly kind: 'failed'; readonly id?: number; readonly error: PlainError };
