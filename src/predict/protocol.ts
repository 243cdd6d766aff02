import type { DataType, TypedArray } from '../raster/index.js';

/** What travels between the engine and its worker threads. Buffers are handed over, not copied. */

/** How sessions are made; the same for all sessions of a worker. */
export interface WorkerSettings {
  readonly device: 'cpu' | 'cuda' | 'webgpu';
  /** Processor threads inside one operator. */
  readonly threads: number;
  /** What the engine prints on stderr. `errors` is for finding out why a device cannot be used. */
  readonly logs: 'nothing' | 'errors';
  /** One number, shared by all: not 0 when the engine was closed, so that what has not begun is left out. */
  readonly closed: Int32Array;
}

export type WorkerRequest =
  /** Loads a graph under a number; answers with its outputs. */
  | { readonly kind: 'load'; readonly id: number; readonly session: number; readonly graph: Uint8Array; readonly optimize: boolean }
  /** Runs it; answers with all its outputs. */
  | { readonly kind: 'run'; readonly id: number; readonly session: number; readonly job: RunJob }
  | { readonly kind: 'unload'; readonly session: number }
  | { readonly kind: 'close' };

export interface RunJob {
  /** Name of the graph's input. */
  readonly input: string;
  /** Element type of the tensor; `float16` comes in a Uint16Array. */
  readonly type: DataType | 'float16';
  readonly data: TypedArray;
  /** Sizes of one patch, without the batch axis. */
  readonly dims: readonly number[];
  readonly count: number;
  /** Patches per run of the session. */
  readonly step: number;
  /** The session takes exactly `step` patches: the last run is filled up with zeros. */
  readonly exact: boolean;
  /** Buffers of an earlier answer of the same session to as many patches, by output name, to be written again. */
  readonly spare?: Readonly<Record<string, ArrayBuffer>>;
  /** Reduce each patch `[height, width, bands]` to this size by area first; the tensor is then float32. */
  readonly reduceTo?: { readonly width: number; readonly height: number };
}

export interface TensorInfo {
  readonly name: string;
  readonly type: string;
  /** −1 where the engine does not know. */
  readonly dims: readonly number[];
}

export interface RunResult {
  /** By output name; `dims` include the batch axis. */
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: ArrayBufferView }>>;
  /** Time inside the engine. */
  readonly milliseconds: number;
  /** The job's samples, handed back. */
  readonly input: TypedArray;
}

export type WorkerReply =
  | { readonly kind: 'loaded'; readonly id: number; readonly outputs: readonly TensorInfo[] }
  | { readonly kind: 'done'; readonly id: number; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
