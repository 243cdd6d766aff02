import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { sharedMemory } from '../shared-memory.js';
import { takeBlockMemory } from '../block-memory.js';
import { kernelModule, openBlockKernel } from './block-kernel.js';
import type { BlockKernel } from './block-kernel.js';
import type { KernelWork } from './kernel-work.js';

/** A block to decode. Its stored bytes lie in memory that threads share. */
export interface DecodeJob {
  readonly id: number;
  readonly stored: Uint8Array;
  readonly work: KernelWork;
  /** Memory for what is unpacked, shared as well. */
  readonly memory: Uint8Array;
}

export interface DecodeReply {
  readonly id: number;
  /** Bytes that were unpacked; absent where the block could not be decoded. */
  readonly length?: number;
}

/** Stored bytes that are decoded without threads first: starting them takes about as long. */
const FEW_BYTES = 2 ** 20;
/** Blocks of fewer bytes are decoded at once: a message takes longer. */
const SMALL_BLOCK = 2 ** 14;
/** More of them would wait for the one thread that copies blocks. */
const MOST_THREADS = 4;

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, (length: number | undefined) => void>;
  isReady: boolean;
}

let seen = 0;
let ids = 0;
let threads: Thread[] = [];
let lost = 0;

/** After so many threads that could not be started, or ended, no more are tried. */
const MOST_LOST = 4;

/**
 * Decodes a block in one of the threads that all scenes share. Threads that wait do not keep the process alive.
 * @returns the unpacked bytes, a whole number of rows of them and maybe a part of one more; `undefined`, at once or later, if the caller has to decode
 * the block, and to say what is wrong with it: while threads are starting, where one is lost, and for blocks that a kernel refuses
 */
export function decodeInThread(stored: Uint8Array, work: KernelWork): Promise<Uint8Array | undefined> | undefined {
  seen += stored.length;
  if (seen < FEW_BYTES || work.length < SMALL_BLOCK) return undefined;
  if (threads.length === 0 && lost < MOST_LOST) startThreads();
  const ready = threads.filter((thread) => thread.isReady);
  if (ready.length === 0) return undefined;
  const { worker, waiting } = ready.reduce((best, one) => (one.waiting.size < best.waiting.size ? one : best));
  const id = ids++;
  const memory = new Uint8Array(takeBlockMemory(work.length));
  return new Promise((resolve) => {
    waiting.set(id, (length) => { resolve(length === undefined ? undefined : memory.subarray(0, length)); });
    worker.ref();
    worker.postMessage({ id, stored: shared(stored), work, memory } satisfies DecodeJob);
  });
}

/** Small blocks that are decoded without the kernel first: compiling it takes about as long. */
const FEW_BLOCKS = 1000;

let small = 0;
let kernel: BlockKernel | undefined;

/** Unpacks a small block at once, into memory that belongs to the caller; `undefined` for others, and where {@link decodeInThread} gives nothing. */
export function decodeAtOnce(stored: Uint8Array, work: KernelWork): Uint8Array | undefined {
  if (work.length >= SMALL_BLOCK || small++ < FEW_BLOCKS) return undefined;
  kernel ??= openBlockKernel(kernelModule());
  const found = kernel.unpack(work.coding, stored, work.length, work.rows);
  return typeof found === 'number' || found.length < work.least ? undefined : found.slice();
}

/** Memory that a thread can be given without a copy; another one would copy all of its buffer. */
function shared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = new Uint8Array(sharedMemory(bytes.length));
  copy.set(bytes);
  return copy;
}

/** As many as are of use; fewer where the system gives no more. */
function startThreads(): void {
  try {
    while (threads.length < Math.min(MOST_THREADS, availableParallelism())) threads.push(startThread());
  } catch {
    lost = MOST_LOST;
  }
}

function startThread(): Thread {
  const worker = new Worker(new URL('./decode-thread.js', import.meta.url), { execArgv: [], workerData: kernelModule() });
  const thread: Thread = { worker, waiting: new Map(), isReady: false };
  worker.on('online', () => { thread.isReady = true; });
  worker.on('message', ({ id, length }: DecodeReply) => {
    const resolve = thread.waiting.get(id);
    thread.waiting.delete(id);
    if (thread.waiting.size === 0) worker.unref();
    resolve?.(length);
  });
  const forget = (): void => {
    if (!threads.includes(thread)) return;
    lost++;
    threads = threads.filter((other) => other !== thread);
    for (const resolve of thread.waiting.values()) resolve(undefined);
    thread.waiting.clear();
  };
  worker.on('error', forget);
  worker.on('exit', forget);
  // After the listeners: one for messages makes the process wait for them.
  worker.unref();
  return thread;
}
