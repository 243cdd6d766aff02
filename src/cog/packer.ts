import { Worker } from 'node:worker_threads';
import { bytesOf, type TypedArray } from '../raster/index.js';
import { encodeBlock, type Packing } from './encode.js';

/** Packs blocks of one file. */
export interface Packer {
  /** Packs a block, whose content may be changed. LZW takes blocks in shared memory without copying them. */
  pack(block: TypedArray): Promise<Uint8Array>;
  /** Ends the threads, if there are any. */
  close(): Promise<void>;
}

/** What a thread of a packer is started with. */
export interface PackWork {
  readonly packing: Packing;
  readonly blockSize: number;
}

interface Job {
  readonly bytes: Uint8Array;
  readonly done: (packed: Uint8Array) => void;
  readonly failed: (error: Error) => void;
}

/**
 * Deflate, zstd, JPEG and WebP have libraries that work on threads of their own; LZW is done here, in worker threads, which
 * start with the first blocks.
 */
export function createPacker(packing: Packing, blockSize: number, threads: number): Packer {
  if (packing.compression !== 'lzw') return { pack: (block) => encodeBlock(block, blockSize, blockSize, packing), close: () => Promise.resolve() };
  const waiting: Job[] = [];
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const running = new Map<Worker, Job>();

  const next = (worker: Worker): void => {
    const job = waiting.shift();
    if (job === undefined) {
      idle.push(worker);
      worker.unref();
      return;
    }
    running.set(worker, job);
    worker.ref();
    worker.postMessage(job.bytes);
  };

  const start = (): Worker => {
    const worker = new Worker(new URL('./packer-thread.js', import.meta.url), { workerData: { packing, blockSize } satisfies PackWork });
    worker.on('message', (packed: Uint8Array) => {
      running.get(worker)?.done(packed);
      running.delete(worker);
      next(worker);
    });
    const lose = (error: Error): void => {
      // Threads that `close` ended are no loss.
      if (!all.includes(worker)) return;
      all.splice(all.indexOf(worker), 1);
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
      running.get(worker)?.failed(error);
      running.delete(worker);
      if (all.length === 0) for (const job of waiting.splice(0)) job.failed(error);
    };
    worker.on('error', lose);
    worker.on('exit', () => lose(new Error('a thread that packs blocks ended by itself')));
    all.push(worker);
    return worker;
  };

  return {
    pack: (block) => new Promise((done, failed) => {
      waiting.push({ bytes: bytesOf(block), done, failed });
      const worker = idle.pop() ?? (all.length < threads ? start() : undefined);
      if (worker !== undefined) next(worker);
    }),
    async close() {
      await Promise.all(all.splice(0).map((worker) => worker.terminate()));
    },
  };
}
