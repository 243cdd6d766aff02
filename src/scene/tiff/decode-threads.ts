import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { TypedArray } from '../../raster/index.js';
import type { BlockShape, DecodeContext } from './packed-block.js';

/** The blocks of one read. The stored bytes are handed over and back, not copied. */
export interface DecodeJob {
  readonly id: number;
  readonly context: DecodeContext;
  readonly stored: Uint8Array;
  readonly blocks: readonly StoredBlock[];
}

export interface StoredBlock {
  /** Where its bytes are among those that were read. */
  readonly offset: number;
  readonly length: number;
  readonly shape: BlockShape;
}

export type DecodeReply =
  | { readonly id: number; readonly blocks: readonly TypedArray[]; readonly stored: Uint8Array }
  | { readonly id: number; readonly block: number; readonly problem: string };

/** A block that a thread could not decode; the message goes on after the block's name. */
export class BlockProblem extends Error {
  constructor(readonly block: number, message: string) {
    super(message);
  }
}

/** Stored bytes that are decoded without threads first: starting them takes about as long. */
const FEW_BYTES = 2 * 2 ** 20;
/** More of them would wait for the one thread that copies blocks. */
const MOST_THREADS = 4;

/** Decoded blocks, and the stored bytes handed back. */
export interface Decoded {
  readonly blocks: readonly TypedArray[];
  readonly stored: Uint8Array;
}

interface Waiting {
  readonly resolve: (decoded: Decoded | undefined) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

let seen = 0;
let ids = 0;
let threads: Thread[] | undefined;
let lost = 0;

/** After so many threads that could not be started, or ended, no more are tried. */
const MOST_LOST = 4;

/** Threads on this machine. */
function decodeThreads(): number {
  return Math.min(MOST_THREADS, availableParallelism());
}

/**
 * Decodes blocks in a thread that all scenes share; where little was read so far there is none, and the caller decodes. Threads that wait do not keep the process alive.
 * @returns `undefined`, at once or later, if the caller has to do it: the thread may end, and the stored bytes are lost then.
 * @throws {BlockProblem} if a block is damaged
 */
export function decodeInThread(stored: Uint8Array, blocks: readonly StoredBlock[], context: DecodeContext): Promise<Decoded | undefined> | undefined {
  seen += stored.length;
  if (seen < FEW_BYTES || lost >= MOST_LOST) return undefined;
  threads ??= Array.from({ length: decodeThreads() }, startThread);
  const { worker, waiting } = threads.reduce((best, one) => (one.waiting.size < best.waiting.size ? one : best));
  const id = ids++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.ref();
    worker.postMessage({ id, context, stored, blocks } satisfies DecodeJob, [stored.buffer as ArrayBuffer]);
  });
}

function startThread(): Thread {
  const worker = new Worker(new URL('./decode-thread.js', import.meta.url), { execArgv: [] });
  const thread: Thread = { worker, waiting: new Map() };
  worker.unref();
  worker.on('message', (reply: DecodeReply) => {
    const job = thread.waiting.get(reply.id);
    thread.waiting.delete(reply.id);
    if (thread.waiting.size === 0) worker.unref();
    if ('blocks' in reply) job?.resolve(reply);
    else job?.reject(new BlockProblem(reply.block, reply.problem));
  });
  const forget = (): void => {
    if (threads?.includes(thread) !== true) return;
    lost++;
    threads = threads.filter((other) => other !== thread);
    if (threads.length === 0) threads = undefined;
    for (const job of thread.waiting.values()) job.resolve(undefined);
    thread.waiting.clear();
  };
  worker.on('error', forget);
  worker.on('exit', forget);
  return thread;
}
