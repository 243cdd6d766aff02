import type { TypedArray } from '../raster/index.js';
import { newBlock, type BlockFormat } from './level.js';
import { outputError } from './output.js';
import type { Spool } from './spool.js';

export interface BlockQueueOptions {
  readonly format: BlockFormat;
  /** Packs one block, whose content it may change. */
  readonly pack: (block: TypedArray) => Promise<Uint8Array>;
  /** Blocks that are packed at the same time. */
  readonly concurrency: number;
  /** Blocks that may be in the queue, being packed or waiting for the disk. */
  readonly longest: number;
  /** Named in errors. */
  readonly scratch: string;
}

/** Full blocks on their way to the spool: packed several at a time, appended in the order in which they came. */
export interface BlockQueue {
  /** A block to fill: a used one where there is one. Its content is undefined. */
  takeBuffer(): TypedArray;
  /** Hands a full block over, and waits while the queue is full. */
  submit(level: number, number: number, block: TypedArray): Promise<void>;
  /** Calls `look` when all blocks submitted so far are in the spool and none submitted later is. */
  whenAppended<T>(look: () => T): Promise<T>;
  /** Throws the error that stopped the queue, if one did. */
  check(): void;
  /** Drops what is not appended yet. */
  stop(): void;
}

export function createBlockQueue(spool: Spool, options: BlockQueueOptions): BlockQueue {
  const { format, concurrency, longest } = options;
  const free: TypedArray[] = [];
  const starts: (() => void)[] = [];
  const waiters: (() => void)[] = [];
  let queued = 0;
  let running = 0;
  let failure: Error | undefined;
  let order: Promise<void> = Promise.resolve();

  const check = (): void => {
    if (failure !== undefined) throw failure;
  };

  const pack = async (block: TypedArray): Promise<Uint8Array> => {
    if (running >= concurrency) await new Promise<void>((resolve) => starts.push(resolve));
    else running++;
    try {
      return await options.pack(block);
    } finally {
      const next = starts.shift();
      if (next === undefined) running--;
      else next();
    }
  };

  const append = async (level: number, number: number, packed: Promise<Uint8Array>): Promise<void> => {
    try {
      const bytes = await packed;
      if (failure === undefined) await spool.append(level, number, bytes);
    } catch (error) {
      failure ??= outputError(options.scratch, error);
    }
  };

  return {
    takeBuffer: () => free.pop() ?? newBlock(format),
    async submit(level, number, block) {
      while (queued >= longest && failure === undefined) await new Promise<void>((resolve) => waiters.push(resolve));
      check();
      queued++;
      const packed = pack(block);
      // The error is met in `append`, in order.
      packed.catch(() => undefined);
      order = order.then(async () => {
        await append(level, number, packed);
        free.push(block);
        queued--;
        waiters.shift()?.();
      });
    },
    whenAppended(look) {
      const seen = order.then(look);
      order = seen.then(() => undefined);
      return seen;
    },
    check,
    stop() {
      failure ??= new Error('the writer was stopped');
    },
  };
}
