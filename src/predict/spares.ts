import type { TypedArray } from '../raster/index.js';
import type { RunResult } from './protocol.js';
import type { PatchOutput } from './types.js';

/** Batches that are kept to be read into again; more than are under way at a time are never needed. */
const BATCHES_KEPT = 8;

type Buffers = Readonly<Record<string, ArrayBuffer>>;

/** Arrays that are free to be written again. Without them every patch leaves megabytes to the garbage collector, which lets them grow old. */
export interface Spares {
  keepBatch(samples: TypedArray): void;
  takeBatch(length: number): TypedArray | undefined;
  /** Notes which buffers an answer is made of, until it is given back or forgotten. */
  remember(output: PatchOutput, session: number, count: number, result: RunResult): void;
  keepOutputs(output: PatchOutput): void;
  takeOutputs(session: number, count: number): { readonly spare?: Buffers };
}

export function createSpares(): Spares {
  const batches: TypedArray[] = [];
  const made = new WeakMap<PatchOutput, { readonly key: string; readonly buffers: Buffers }>();
  const free = new Map<string, Buffers[]>();
  const keyOf = (session: number, count: number): string => `${session}:${count}`;
  return {
    keepBatch(samples) {
      if (samples.byteLength > 0 && batches.length < BATCHES_KEPT) batches.push(samples);
    },
    takeBatch(length) {
      const at = batches.findIndex((samples) => samples.length === length);
      return at < 0 ? undefined : batches.splice(at, 1)[0];
    },
    remember(output, session, count, result) {
      const buffers = Object.fromEntries(Object.entries(result.outputs).map(([name, { data }]) => [name, data.buffer as ArrayBuffer]));
      made.set(output, { key: keyOf(session, count), buffers });
    },
    keepOutputs(output) {
      const known = made.get(output);
      if (known === undefined) return;
      made.delete(output);
      const others = free.get(known.key);
      if (others === undefined) free.set(known.key, [known.buffers]);
      else others.push(known.buffers);
    },
    takeOutputs(session, count) {
      const spare = free.get(keyOf(session, count))?.pop();
      return spare === undefined ? {} : { spare };
    },
  };
}
