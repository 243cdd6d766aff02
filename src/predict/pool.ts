import { Worker } from 'node:worker_threads';
import { EnvironmentError, Interrupted, ModelError } from '../errors.js';
import { engineError } from './engine-error.js';
import type { RunJob, RunResult, TensorInfo, WorkerReply, WorkerRequest, WorkerSettings } from './protocol.js';

/** Jobs that a worker holds at once: one that runs, one that is ready when it ends. */
const HELD_PER_WORKER = 2;

export interface PoolOptions extends Omit<WorkerSettings, 'closed' | 'logs'> {
  /** Default `nothing`. */
  readonly logs?: WorkerSettings['logs'];
  /** Model for messages. */
  readonly model: string;
  readonly workers: number;
}

/** Worker threads with an engine each. Every worker has every graph. */
export interface Pool {
  readonly workers: number;
  /** What to call the model in messages from now on. */
  call(model: string): void;
  /** Loads a graph in all workers. @returns its outputs as the engine sees them. */
  load(session: number, graph: Uint8Array, optimize?: 'optimize' | 'as it is'): Promise<readonly TensorInfo[]>;
  unload(session: number): void;
  /** Runs a job in the first worker that is free; jobs start in the order in which they come. The job's buffer is handed over. */
  run(session: number, job: RunJob, signal?: AbortSignal): Promise<RunResult>;
  /**
   * Ends the workers. Jobs are refused. A native call cannot be interrupted: the thread of one that runs is not waited for,
   * but the process cannot end before it (`process.exit` waits, too, and then fails; only a signal ends it at once).
   */
  close(): Promise<void>;
}

interface Waiting {
  readonly request: WorkerRequest & { readonly id: number };
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly held: Map<number, Waiting>;
  readonly ended: Promise<void>;
}

/** Starts `workers` threads; they load the engine at once and graphs when told. */
export function openPool(options: PoolOptions): Pool {
  let { model } = options;
  const queue: Waiting[] = [];
  let ids = 0;
  let closing = false;
  let broken: Error | undefined;
  const closed = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const threads = Array.from({ length: options.workers }, () => startThread());

  function startThread(): Thread {
    const settings: WorkerSettings = { device: options.device, threads: options.threads, logs: options.logs ?? 'nothing', closed };
    // Without Node's own options: some, such as --input-type, are only right for the main script.
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings, execArgv: [] });
    const held = new Map<number, Waiting>();
    const ended = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
    const thread = { worker, held, ended };
    worker.on('message', (reply: WorkerReply) => settle(thread, reply));
    worker.on('error', (error) => fail(startupError(error)));
    worker.on('exit', (code) => { if (!closing) fail(new ModelError(model, `the engine's thread ended by itself (exit code ${code})`)); });
    worker.unref();
    return thread;
  }

  function startupError(error: Error): Error {
    if (/onnxruntime|\.node|ERR_DLOPEN/.test(error.message) && (error as { code?: string }).code !== undefined) {
      return new EnvironmentError(`onnxruntime-node cannot be loaded: ${error.message.split('\n')[0] ?? ''}`, { cause: error, advice: 'run npm ci again; tilewright doctor says more' });
    }
    return (error as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY' ? engineError(model, options.device, 'out of memory', 'run')
      : new ModelError(model, `the engine's thread failed: ${error.message}`, { cause: error });
  }

  /** A worker that is gone takes the pool with it: its sessions are lost, and a silent restart would hide what kills it. */
  function fail(error: Error): void {
    broken ??= error;
    for (const waiting of queue.splice(0)) waiting.reject(broken);
    for (const { held } of threads) {
      for (const waiting of held.values()) waiting.reject(broken);
      held.clear();
    }
  }

  function settle(thread: Thread, reply: WorkerReply): void {
    const waiting = thread.held.get(reply.id);
    thread.held.delete(reply.id);
    if (thread.held.size === 0 && !closing) thread.worker.unref();
    if (waiting === undefined) return;
    if (reply.kind === 'failed') waiting.reject(engineError(model, options.device, reply.message, waiting.request.kind === 'load' ? 'load' : 'run'));
    else waiting.resolve(reply);
    pump();
  }

  function send(thread: Thread, waiting: Waiting, handOver: ArrayBuffer[]): void {
    thread.held.set(waiting.request.id, waiting);
    // A thread with work keeps the process alive; an idle one does not, also if its predictor was never closed.
    thread.worker.ref();
    thread.worker.postMessage(waiting.request, handOver);
  }

  function pump(): void {
    while (queue.length > 0) {
      const free = threads.reduce((best, thread) => (thread.held.size < best.held.size ? thread : best));
      if (free.held.size >= HELD_PER_WORKER) return;
      const waiting = queue.shift();
      if (waiting?.request.kind === 'run') send(free, waiting, [waiting.request.job.data, ...Object.values(waiting.request.job.spare ?? {})].map((part) => ('buffer' in part ? part.buffer as ArrayBuffer : part)));
    }
  }

  return {
    workers: options.workers,
    call(name) { model = name; },
    async load(session, graph, optimize = 'optimize') {
      if (broken !== undefined) throw broken;
      const replies = await Promise.all(threads.map((thread) => new Promise<WorkerReply>((resolve, reject) => {
        const own = graph.slice();
        send(thread, { request: { kind: 'load', id: ++ids, session, graph: own, optimize: optimize === 'optimize' }, resolve, reject }, [own.buffer]);
      })));
      const [first] = replies;
      return first?.kind === 'loaded' ? first.outputs : [];
    },
    unload(session) {
      for (const { worker } of threads) worker.postMessage({ kind: 'unload', session } satisfies WorkerRequest);
    },
    async run(session, job, signal) {
      if (closing) throw new ModelError(model, 'the predictor was closed');
      if (broken !== undefined) throw broken;
      if (signal?.aborted) throw new Interrupted();
      let stop: (() => void) | undefined;
      try {
        const reply = await new Promise<WorkerReply>((resolve, reject) => {
          const waiting: Waiting = { request: { kind: 'run', id: ++ids, session, job }, resolve, reject };
          stop = () => {
            const index = queue.indexOf(waiting);
            if (index >= 0) queue.splice(index, 1);
            reject(new Interrupted());
          };
          signal?.addEventListener('abort', stop, { once: true });
          queue.push(waiting);
          pump();
        });
        if (reply.kind !== 'done') throw new ModelError(model, `the engine answered ${reply.kind}`);
        return reply.result;
      } finally {
        if (stop !== undefined) signal?.removeEventListener('abort', stop);
      }
    },
    async close() {
      if (closing) return;
      closing = true;
      Atomics.store(closed, 0, 1);
      const busy = threads.some(({ held }) => held.size > 0);
      fail(new Interrupted('the predictor was closed'));
      for (const { worker } of threads) {
        // Tearing a thread down while it is inside the engine would abort the process, so it keeps the process until it is out.
        worker.ref();
        worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
      }
      if (!busy) await Promise.all(threads.map(({ ended }) => ended));
    },
  };
}
