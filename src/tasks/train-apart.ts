import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { errorFromPlain, errorToPlain, type PlainError } from '../errors.js';
import type { Progress, TaskContext } from '../run/index.js';
import { prepareNative } from '../train/index.js';
import { train, type TrainOptions, type TrainResult } from './train.js';

type Message = { readonly progress: Progress } | { readonly result: TrainResult } | { readonly error: PlainError };

/** Marks a worker as one of ours: this file is also imported by threads that only want the function. */
const MARK = 'tilewright-train';

/**
 * As {@link train}, in a thread of its own: native steps block the thread that they run in, and the caller's stays free for
 * progress and Ctrl-C. Aborting is looked at between two steps.
 */
export function trainApart(options: TrainOptions, context: TaskContext = {}): Promise<TrainResult> {
  prepareNative();
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { mark: MARK, options } });
    const abort = (): void => worker.postMessage('abort');
    if (context.signal?.aborted === true) abort();
    context.signal?.addEventListener('abort', abort, { once: true });
    let ended = false;
    const end = (settle: () => void): void => {
      if (ended) return;
      ended = true;
      context.signal?.removeEventListener('abort', abort);
      void worker.terminate().then(settle);
    };
    worker.on('message', (message: Message) => {
      if ('progress' in message) context.onProgress?.(message.progress);
      else if ('result' in message) end(() => resolve(message.result));
      else end(() => reject(errorFromPlain(message.error)));
    });
    worker.on('error', (error) => end(() => reject(error)));
    worker.on('exit', (code) => end(() => reject(new Error(`the training thread ended with code ${code}`))));
  });
}

async function work(options: TrainOptions): Promise<void> {
  const controller = new AbortController();
  parentPort!.once('message', () => controller.abort());
  const send = (message: Message): void => parentPort!.postMessage(message);
  try {
    send({ result: await train(options, { signal: controller.signal, onProgress: (progress) => send({ progress }) }) });
  } catch (error) {
    send({ error: errorToPlain(error) });
  }
}

const given = workerData as { readonly mark?: string; readonly options: TrainOptions } | null;
if (!isMainThread && given?.mark === MARK) void work(given.options);
