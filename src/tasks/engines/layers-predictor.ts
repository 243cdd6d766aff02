import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { errorFromPlain, Interrupted, InvalidOptionError, ModelError } from '../../errors.js';
import { patchSize } from '../../predict/index.js';
import { prepareNative } from '../../train/index.js';
import type { LoadedModel, PatchOutput, Predictor, PredictorOptions } from '../../predict/index.js';
import type { LayersReply, LayersRequest, LayersSettings } from './protocol.js';

interface Waiting {
  readonly resolve: (output: PatchOutput) => void;
  readonly reject: (error: Error) => void;
}

/** Where a model's folder has its network in TensorFlow.js's format. */
export function layersFolder(model: Pick<LoadedModel, 'file'>): string {
  return join(dirname(model.file), 'layers');
}

/**
 * A predictor that runs a model's layers by TensorFlow, in a thread of its own: the same scores as its ONNX graph, to rounding.
 * @throws {ModelError} if the model has no layers beside its graph; {@link EnvironmentError} if TensorFlow's native engine is not here
 */
export async function openLayersPredictor(model: LoadedModel, options: Pick<PredictorOptions, 'outputs' | 'threads'>): Promise<Predictor> {
  const { card, source } = model;
  const folder = layersFolder(model);
  if ((await stat(join(folder, 'model.json')).catch(() => undefined))?.isFile() !== true) {
    throw new ModelError(source, 'has no layers beside its graph (layers/model.json), which TensorFlow would run', { advice: 'train and models import --architecture write them; or leave --engine out' });
  }
  prepareNative();
  if (options.threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(options.threads);
  const settings: LayersSettings = { mark: 'tilewright-layers', folder, model: source, card, outputs: options.outputs };
  const worker = new Worker(fileURLToPath(new URL('./layers-worker.js', import.meta.url)), { workerData: settings, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  const [ended, device] = [new Promise<void>((resolve) => { worker.once('exit', () => resolve()); }), await started(worker, source)];
  let [ids, milliseconds, closed] = [0, 0, false];
  const fail = (error: Error): void => { for (const { reject } of waiting.values()) reject(error); waiting.clear(); };
  worker.on('message', (reply: LayersReply) => {
    if (reply.kind === 'ready' || reply.id === undefined) return;
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if (reply.kind === 'failed') one?.reject(errorFromPlain(reply.error));
    else {
      milliseconds += reply.milliseconds;
      one?.resolve(reply.answer);
    }
  });
  worker.on('error', (error) => fail(new ModelError(source, `TensorFlow's thread failed: ${error.message}`, { cause: error })));
  worker.on('exit', () => { if (!closed) fail(new ModelError(source, 'TensorFlow\'s thread ended by itself')); });
  worker.unref();
  return {
    card, concurrency: 1, device, precision: 'float32',
    get engineMilliseconds() { return milliseconds; },
    async predict(batch, signal) {
      if (closed) throw new ModelError(source, 'the predictor was closed');
      if (signal?.aborted) throw new Interrupted();
      if (batch.bands !== card.input.bands.length) throw new ModelError(source, `it takes ${card.input.bands.length} bands (${card.input.bands.join(', ')}), the patches have ${batch.bands}`, { advice: 'choose bands with --bands' });
      const size = patchSize(card, batch.width, batch.height);
      if ('reason' in size) throw new InvalidOptionError('--patch-size', `${source} ${size.reason}`, { advice: size.advice });
      const data = batch.data.byteLength === batch.data.buffer.byteLength ? batch.data : batch.data.slice();
      const request: LayersRequest = { id: ++ids, data, count: batch.count, width: batch.width, height: batch.height, bands: batch.bands, inputWidth: size.inputWidth, inputHeight: size.inputHeight };
      let stop: (() => void) | undefined;
      try {
        return await new Promise<PatchOutput>((resolve, reject) => {
          waiting.set(request.id, { resolve, reject });
          stop = () => reject(new Interrupted());
          signal?.addEventListener('abort', stop, { once: true });
          worker.ref();
          worker.postMessage(request, [data.buffer as ArrayBuffer]);
        });
      } finally {
        if (stop !== undefined) signal?.removeEventListener('abort', stop);
      }
    },
    recycle: () => undefined,
    spareBatch: () => undefined,
    async close() {
      if (closed) return;
      closed = true;
      const busy = waiting.size > 0;
      fail(new Interrupted('the predictor was closed'));
      worker.ref();
      worker.postMessage('close');
      if (!busy) await ended;
    },
  };
}

/** Waits until the network is loaded. @returns what it runs on */
function started(worker: Worker, source: string): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once('message', (reply: LayersReply) => {
      if (reply.kind === 'ready') resolve(reply.device);
      else reject(reply.kind === 'failed' ? errorFromPlain(reply.error) : new ModelError(source, 'TensorFlow\'s thread answered before it was asked'));
    });
    worker.once('error', (error) => reject(new ModelError(source, `TensorFlow's thread failed: ${error.message}`, { cause: error })));
    worker.once('exit', () => reject(new ModelError(source, 'TensorFlow\'s thread ended while it was loading')));
  });
}
