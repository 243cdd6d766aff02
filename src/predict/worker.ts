import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { areaResampleInto } from '../raster/index.js';
import type { TypedArray } from '../raster/index.js';
import type { RunJob, RunResult, TensorInfo, WorkerReply, WorkerRequest, WorkerSettings } from './protocol.js';

/**
 * The thread that onnxruntime runs in: `session.run` blocks its thread until it is done. Requests are answered one after the
 * other, in the order in which they came.
 */

/** onnxruntime's levels: 3 errors, 4 fatal. */
const LEVELS = { errors: 3, nothing: 4 } as const;

type Values = RunResult['outputs'][string];

const settings = workerData as WorkerSettings;
const sessions = new Map<number, InferenceSession>();
/** What sessions last gave, without the data. */
const layouts = new Map<number, Readonly<Record<string, Omit<Values, 'data'>>>>();
env.logLevel = settings.logs === 'errors' ? 'error' : 'fatal';

async function load(session: number, graph: Uint8Array, optimize: boolean): Promise<readonly TensorInfo[]> {
  const made = await InferenceSession.create(graph, {
    executionProviders: [settings.device],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    // Measured (docs/decisions/0004-engine.md): the arena without the pattern planner is as fast and takes 44 % less memory.
    enableCpuMemArena: true,
    enableMemPattern: false,
    logSeverityLevel: LEVELS[settings.logs],
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  sessions.set(session, made);
  return made.outputMetadata.map((output) => ({
    name: output.name,
    type: output.isTensor ? output.type : 'no tensor',
    dims: output.isTensor ? output.shape.map((size) => (typeof size === 'number' ? size : -1)) : [],
  }));
}

async function run(session: InferenceSession, id: number, job: RunJob): Promise<RunResult> {
  const dims = job.reduceTo === undefined ? job.dims : [job.reduceTo.height, job.reduceTo.width, job.dims[2] ?? 1];
  const type = job.reduceTo === undefined ? job.type : 'float32';
  const perPatch = dims.reduce((product, size) => product * size, 1);
  const data = job.reduceTo === undefined ? job.data : reduceAll(job, perPatch);
  const outputs = spareOutputs(id, job);
  let milliseconds = 0;
  for (let from = 0; from < job.count; from += job.step) {
    if (Atomics.load(settings.closed, 0) !== 0) throw new Error('closed');
    const wanted = Math.min(job.step, job.count - from);
    const count = job.exact ? job.step : wanted;
    const samples = filledUp(data.subarray(from * perPatch, (from + wanted) * perPatch), count * perPatch);
    const feeds = { [job.input]: new Tensor(type as 'float32', samples as Float32Array, [count, ...dims]) };
    const before = performance.now();
    const places = preallocated(outputs, from, count, job.count);
    const found = await session.run(feeds, places);
    milliseconds += performance.now() - before;
    for (const name of session.outputNames) {
      // onnxruntime writes into the place that it is given, and makes a copy of it all the same.
      if (places[name]) free(found[name] as Tensor);
      else keep(outputs, name, found[name] as Tensor, from, wanted, job);
    }
  }
  layouts.set(id, Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, { type: values.type, dims: values.dims }])));
  return { outputs, milliseconds, input: job.data };
}

const ARRAYS: Readonly<Record<string, Float32ArrayConstructor | Uint8ArrayConstructor | undefined>> = { float32: Float32Array, uint8: Uint8Array };

/** The buffers of an earlier answer as outputs, where they are what this job will give; else none. */
function spareOutputs(id: number, job: RunJob): Record<string, Values> {
  const outputs: Record<string, Values> = {};
  for (const [name, { type, dims }] of Object.entries(layouts.get(id) ?? {})) {
    const buffer = job.spare?.[name];
    const make = ARRAYS[type];
    if (buffer === undefined || make === undefined || dims[0] !== job.count) return {};
    const data = new make(buffer);
    if (data.length !== dims.reduce((product, size) => product * size, 1)) return {};
    outputs[name] = { type, dims, data };
  }
  return outputs;
}

/** Tensors over the places of the result where the next patches belong, so that the engine writes there itself. */
function preallocated(outputs: Record<string, Values>, from: number, count: number, total: number): Record<string, Tensor | null> {
  const fetches: Record<string, Tensor | null> = {};
  for (const [name, values] of Object.entries(outputs)) {
    const per = lengthOf(values.data) / total;
    const fits = from + count <= total;
    const place = (values.data as Float32Array).subarray(from * per, (from + count) * per);
    fetches[name] = fits ? new Tensor(values.type as 'float32', place, [count, ...values.dims.slice(1)]) : null;
  }
  return Object.keys(fetches).length === 0 ? {} : fetches;
}

const { port1: nowhere } = new MessageChannel();
nowhere.close();

/**
 * Frees the memory of a tensor now: what is handed over to a closed port is thrown away. Measured: left to the garbage collector, the
 * copies of answers made a run 80 MB larger, by an amount that grew with the scene (docs/decisions/0007-memory-and-pace-of-segment.md).
 */
function free(tensor: Tensor): void {
  const { buffer } = tensor.data as unknown as Float32Array;
  nowhere.postMessage(undefined, [buffer as ArrayBuffer]);
}

function keep(outputs: Record<string, Values>, name: string, found: Tensor, from: number, wanted: number, job: RunJob): void {
  const data = found.data as unknown as Float32Array;
  const batch = found.dims[0] ?? 1;
  let known = outputs[name];
  if (known === undefined) {
    if (from === 0 && batch === job.count) {
      outputs[name] = { type: found.type, dims: found.dims, data };
      return;
    }
    const total = (data.length / batch) * job.count;
    known = { type: found.type, dims: [job.count, ...found.dims.slice(1)], data: new (data.constructor as Float32ArrayConstructor)(total) };
    outputs[name] = known;
  }
  const target = known.data as Float32Array;
  const per = target.length / job.count;
  target.set(data.subarray(0, wanted * per), from * per);
}

function lengthOf(data: ArrayBufferView): number {
  return (data as Float32Array).length;
}

/** The samples, followed by zeros up to `length`. */
function filledUp(samples: TypedArray, length: number): TypedArray {
  if (samples.length === length) return samples;
  const full = new (samples.constructor as Float32ArrayConstructor)(length);
  full.set(samples);
  return full;
}

function reduceAll(job: RunJob, perPatch: number): Float32Array {
  const [height = 1, width = 1, bands = 1] = job.dims;
  const target = job.reduceTo ?? { width, height };
  const result = new Float32Array(job.count * perPatch);
  const length = height * width * bands;
  for (let i = 0; i < job.count; i++) {
    areaResampleInto(job.data.subarray(i * length, (i + 1) * length), { width, height, bands }, target, result.subarray(i * perPatch, (i + 1) * perPatch));
  }
  return result;
}

async function answer(request: WorkerRequest): Promise<void> {
  const reply = (message: WorkerReply, handOver: ArrayBuffer[] = []): void => parentPort?.postMessage(message, handOver);
  switch (request.kind) {
    case 'load':
      reply({ kind: 'loaded', id: request.id, outputs: await load(request.session, request.graph, request.optimize) });
      return;
    case 'run': {
      const session = sessions.get(request.session);
      if (session === undefined) throw new Error('no such session');
      const result = await run(session, request.session, request.job);
      reply({ kind: 'done', id: request.id, result }, [result.input, ...Object.values(result.outputs).map((values) => values.data)].map(({ buffer }) => buffer as ArrayBuffer));
      return;
    }
    case 'unload':
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      layouts.delete(request.session);
      return;
    case 'close':
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      parentPort?.close();
  }
}

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (request: WorkerRequest) => {
  last = last.then(() => answer(request)).catch((error: unknown) => {
    if (!('id' in request)) return;
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ kind: 'failed', id: request.id, message } satisfies WorkerReply);
  });
});
