import { Worker } from 'node:worker_threads';
import { memoryError } from '../errors.js';
import { bytesOf, type TypedArray } from '../raster/index.js';
import { encodeBlock, type Packing } from './encode.js';
import { isKernelPacking, openPackKernel, packKernelModule, type PackKernel } from './pack-kernel.js';

/** Packs blocks of one file. */
export interface Packer {
  /** Packs a block, in whose memory the result may be. Threads take blocks that lie in shared memory. */
  pack(block: TypedArray): Promise<Uint8Array>;
  /** Ends the threads, if there are any; blocks that wait are refused. */
  close(): Promise<void>;
}

/** What a thread of a packer is started with. */
export interface PackWork {
  readonly packing: Packing;
  readonly blockSize: number;
  /** The compiled kernel. */
  readonly module: object;
}

/** How many bytes a packed block has, which lie where the block was; or they themselves, where they are more. */
export type PackReply = number | Uint8Array;

/** Files of so few blocks are packed on this thread: others would not have started before. */
const FEW_BLOCKS = 4;

export interface PackerOptions {
  readonly blockSize: number;
  /** At most so many. */
  readonly threads: number;
  /** Of all levels together. */
  readonly blocks: number;
}

interface Job {
  readonly bytes: Uint8Array;
  readonly done: (packed: Uint8Array) => void;
  readonly failed: (error: Error) => void;
}

/**
 * zstd, JPEG, WebP and zlib have threads of their own; what the kernel packs is packed in worker threads, which start with the first
 * blocks.
 */
export function createPacker(packing: Packing, { blockSize, threads, blocks }: PackerOptions): Packer {
  if (!isKernelPacking(packing)) return { pack: (block) => encodeBlock(block, blockSize, blockSize, packing), close: () => Promise.resolve() };
  const module = packKernelModule();
  return blocks <= FEW_BLOCKS ? packerHere(openPackKernel(module, packing), blockSize) : packerInThreads({ packing, blockSize, module }, threads);
}

function packerHere(kernel: PackKernel, blockSize: number): Packer {
  return { pack: (block) => Promise.resolve(kernel.pack(bytesOf(block), blockSize).slice()), close: () => Promise.resolve() };
}

function closed(): Error {
  return new Error('the packer was closed before the block was packed');
}

function packerInThreads(work: PackWork, threads: number): Packer {
  const waiting: Job[] = [];
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const running = new Map<Worker, Job>();
  let isClosed = false;

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
    const worker = new Worker(new URL('./packer-thread.js', import.meta.url), { workerData: work });
    worker.on('message', (reply: PackReply) => {
      const job = running.get(worker);
      if (job === undefined) return; // closed meanwhile
      job.done(typeof reply === 'number' ? job.bytes.subarray(0, reply) : reply);
      running.delete(worker);
      next(worker);
    });
    const lose = (thrown: Error): void => {
      const error = memoryError(thrown) as Error;
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
      if (isClosed) {
        failed(closed());
        return;
      }
      waiting.push({ bytes: bytesOf(block), done, failed });
      const worker = idle.pop() ?? (all.length < threads ? start() : undefined);
      if (worker !== undefined) next(worker);
    }),
    async close() {
      const ended = all.splice(0);
      idle.length = 0;
      isClosed = true;
      // Whoever still waits for a block would wait for ever.
      for (const job of [...running.values(), ...waiting.splice(0)]) job.failed(closed());
      running.clear();
      await Promise.all(ended.map((worker) => worker.terminate()));
    },
  };
}
