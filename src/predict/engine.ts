import { availableParallelism } from 'node:os';
import { isMapTask, shapeSizes } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError } from '../errors.js';
import type { PatchBatch } from '../grid/index.js';
import { bytesPerSample, dataTypeOf } from '../raster/index.js';
import type { DataType } from '../raster/index.js';
import { askOutputs, checkFacts, outputSize } from './ask.js';
import type { AskedFacts } from './ask.js';
import { checkDevice } from './devices.js';
import { FUSED_INPUT, fuseGraph, fusedOutput } from './fuse.js';
import { findInput, patchSize } from './inspect.js';
import type { PatchSize } from './inspect.js';
import { loadModel } from './load.js';
import type { LoadedModel } from './load.js';
import { openPool } from './pool.js';
import type { Pool } from './pool.js';
import { createSpares } from './spares.js';
import type { RunJob } from './protocol.js';
import type { PatchOutput, Predictor, PredictorOptions, PredictorOutput, StartedEngines } from './types.js';

/** Where the model leaves the size free and none is asked for, it is tried on patches of about this edge. */
const TRIED_EDGE = 128;

/**
 * Opens a model for predicting: its graph, with everything before and after it built in, in worker threads.
 *
 * The same patch gives the same bytes for any number of threads and patches per batch: on the CPU every patch is a run of
 * its own (measured: batches gain nothing on maps, and their kernels may round differently).
 * @param model A loaded model, or what {@link loadModel} takes.
 * @throws {ModelError} if the model does not give what its card says; {@link EnvironmentError} if the device is not here;
 *   {@link InvalidOptionError} for a patch size that the model cannot take.
 */
export async function openPredictor(model: LoadedModel | string, options: PredictorOptions): Promise<Predictor> {
  const loaded = typeof model === 'string' ? await loadModel(model) : model;
  const { card, source } = loaded;
  checkOutputs(card, options.outputs, source);
  const dtype = options.dtype ?? 'uint8';
  checkSceneType(card, dtype, source);
  const device = options.device ?? 'cpu';
  const layout = threadLayout(isMapTask(card.task) ? 'maps' : 'chips', threadsOf(options), device, { ...options, modelBytes: loaded.bytes });
  await checkDevice(device);
  const started = options.started?.take(source, { device, ...layout });
  if (started === undefined) await options.started?.close();
  const pool = started ?? openPool({ model: source, device, ...layout });
  const sessions = createSessions({ pool, model: loaded, outputs: options.outputs, dtype, device });
  let milliseconds = 0;
  const spares = createSpares();
  try {
    const [width, height] = options.patch === undefined ? triedSize(card) : [options.patch.width, options.patch.height];
    await sessions.withSize(width, height, () => Promise.resolve());
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    card,
    concurrency: pool.workers,
    device,
    precision: loaded.precision,
    get engineMilliseconds() { return milliseconds; },
    predict: (batch, signal) => sessions.withSize(batch.width, batch.height, async (session) => {
      const job = jobFor(session, batch, dtype, card, source);
      const result = await pool.run(session.id, { ...job, ...spares.takeOutputs(session.id, batch.count) }, signal);
      milliseconds += result.milliseconds;
      spares.keepBatch(result.input);
      const output = session.read(result.outputs, batch.count);
      spares.remember(output, session.id, batch.count, result);
      return output;
    }),
    recycle: (output) => spares.keepOutputs(output),
    spareBatch: (length) => spares.takeBatch(length),
    close: () => pool.close(),
  };
}

function threadsOf(options: { readonly threads?: number }): number {
  return Math.max(1, Math.floor(options.threads ?? availableParallelism()));
}

/**
 * Starts the threads of the engines while the model is still being read, which takes as long. On the CPU only: other devices
 * are tried out first.
 */
export function startEngines(purpose: 'maps' | 'chips', options: Pick<PredictorOptions, 'device' | 'threads' | 'workers'>): StartedEngines | undefined {
  const device = options.device ?? 'cpu';
  if (device !== 'cpu') return undefined;
  const layout = threadLayout(purpose, threadsOf(options), device, options);
  const pool = openPool({ model: 'the model', device, ...layout });
  let taken = false;
  return {
    take(model, wanted) {
      if (taken || wanted.device !== device || wanted.workers !== layout.workers || wanted.threads !== layout.threads) return undefined;
      taken = true;
      pool.call(model);
      return pool;
    },
    close: () => (taken ? Promise.resolve() : pool.close()),
  };
}

/** Engines side by side for maps: the second works while the first hands over its answer and gets its next patch. */
const MAP_WORKERS = 2;

/** Weights that chip engines hold together at most, if it is more than one engine: each has its own, twice while it starts. */
const WEIGHTS_BYTES = 2 ** 27;

/**
 * Threads inside one engine, or engines with fewer threads each. Measured (docs/decisions/0004-engine.md): chips are too small
 * to share, an engine per thread is faster, as long as their weights are not what fills the memory; maps hold their activations once per engine, so there are two, which share the
 * threads evenly and keep the cores busy while the main thread reads, stitches and writes.
 */
export function threadLayout(
  purpose: 'maps' | 'chips', threads: number, device: string, { workers, modelBytes = 0 }: { readonly workers?: number; readonly modelBytes?: number } = {},
): { readonly workers: number; readonly threads: number } {
  if (device !== 'cpu') return { workers: 1, threads };
  const bearable = Math.max(1, Math.floor(WEIGHTS_BYTES / Math.max(1, modelBytes)));
  const engines = Math.min(threads, workers ?? (purpose === 'maps' ? MAP_WORKERS : bearable));
  return { workers: engines, threads: Math.max(1, Math.floor(threads / engines)) };
}

function checkOutputs(card: ModelCard, outputs: readonly PredictorOutput[], source: string): void {
  if (outputs.length === 0) throw new RangeError('expected at least one output to be asked for');
  for (const kind of outputs) {
    if (kind === 'features' && card.output.features === undefined) {
      throw new ModelError(source, 'its card names no features', { advice: 'choose a model that has output.features in its card' });
    }
    if (kind === 'classes' && card.task !== 'semantic-segmentation') throw new ModelError(source, `it gives no class per pixel: its task is ${card.task}`);
    if (kind === 'scores' && card.output.dim_order === 'bhw') throw new ModelError(source, 'it gives class ids, not probabilities');
    if (kind === 'scores' && card.output.classes.length === 0) throw new ModelError(source, 'it gives features only: its card has no classes');
  }
}

function checkSceneType(card: ModelCard, dtype: DataType, source: string): void {
  const allowed = card.input.scene_data_types ?? ['uint8'];
  if (!allowed.includes(dtype)) throw new ModelError(source, `it is made for ${allowed.join(', ')} samples, not for ${dtype}`, { advice: 'convert the scene, or change input.scene_data_types in the card if the values mean the same' });
}

function triedSize(card: ModelCard): readonly [number, number] {
  const fixed = shapeSizes(card.input);
  const step = card.input.multiple_of ?? 1;
  const free = Math.max(step, Math.ceil(TRIED_EDGE / step) * step);
  if (card.input.window !== undefined) return [card.input.window, card.input.window];
  return [fixed.width === -1 ? free : fixed.width, fixed.height === -1 ? free : fixed.height];
}

/** A fused graph that is loaded in all workers, for one patch size. */
interface Session {
  readonly id: number;
  readonly size: PatchSize;
  readonly step: number;
  readonly exact: boolean;
  /** Reduce patches by area before the graph, where the ratio is not whole. */
  readonly reduceFirst: boolean;
  read(outputs: Readonly<Record<string, { readonly dims: readonly number[]; readonly data: ArrayBufferView }>>, count: number): PatchOutput;
}

interface Sessions {
  /** Calls `use` with the session for a patch size, and keeps that session loaded until it is done. */
  withSize<T>(width: number, height: number, use: (session: Session) => Promise<T>): Promise<T>;
}

/** Sessions by patch size, made when a size first comes. Only the latest two stay: each holds its own memory. */
const SESSIONS_KEPT = 2;

interface SessionEntry {
  readonly id: number;
  readonly session: Promise<Session>;
  users: number;
  leaving: boolean;
}

function createSessions(parts: Omit<SessionParts, 'id' | 'width' | 'height'>): Sessions {
  const made = new Map<string, SessionEntry>();
  let ids = 0;
  const leave = (entry: SessionEntry): void => { if (entry.leaving && entry.users === 0) parts.pool.unload(entry.id); };

  function entryFor(width: number, height: number): SessionEntry {
    const key = `${width}x${height}`;
    const found = made.get(key);
    if (found !== undefined) return found;
    const id = (ids += 2);
    const entry: SessionEntry = { id, session: makeSession({ ...parts, id, width, height }), users: 0, leaving: false };
    made.set(key, entry);
    entry.session.catch(() => made.delete(key));
    const [oldestKey] = made.keys();
    const oldest = oldestKey === undefined ? undefined : made.get(oldestKey);
    if (made.size > SESSIONS_KEPT && oldest !== undefined && oldestKey !== undefined) {
      made.delete(oldestKey);
      oldest.leaving = true;
      leave(oldest);
    }
    return entry;
  }

  return {
    async withSize(width, height, use) {
      const entry = entryFor(width, height);
      entry.users += 1;
      try {
        return await use(await entry.session);
      } finally {
        entry.users -= 1;
        leave(entry);
      }
    },
  };
}

interface SessionParts {
  readonly pool: Pool;
  readonly model: LoadedModel;
  readonly outputs: readonly PredictorOutput[];
  readonly dtype: DataType;
  readonly device: string;
  readonly id: number;
  readonly width: number;
  readonly height: number;
}

async function makeSession(parts: SessionParts): Promise<Session> {
  const { pool, model, outputs, dtype, id } = parts;
  const { card, source } = model;
  const size = patchSize(card, parts.width, parts.height);
  if ('reason' in size) throw new InvalidOptionError('--patch-size', `${source} ${size.reason}`, { advice: size.advice });
  const fixedBatch = shapeSizes(card.input).batch;
  // Graphics cards want many patches at once; on the CPU a patch's bytes must not depend on its neighbours.
  const batch = fixedBatch === -1 ? (parts.device === 'cpu' ? 1 : -1) : fixedBatch;
  const facts = await askOutputs(pool, model, { size, batch: Math.max(1, batch), session: id + 1 });
  checkFacts(card, facts, size, source, model.dense);
  const ratioX = size.width / size.inputWidth;
  const ratioY = size.height / size.inputHeight;
  const reduceFirst = !Number.isInteger(ratioX) || !Number.isInteger(ratioY);
  const bytes = fuseGraph(model.graph, {
    card, facts: facts.facts, outputs, batch,
    input: findInput(model.graph, card.input.name, source).name,
    dtype: reduceFirst ? 'float32' : dtype,
    width: reduceFirst ? size.inputWidth : size.width,
    height: reduceFirst ? size.inputHeight : size.height,
    reduceX: reduceFirst ? 1 : ratioX,
    reduceY: reduceFirst ? 1 : ratioY,
  });
  await pool.load(id, bytes);
  return {
    id, size, reduceFirst,
    step: batch === -1 ? Number.MAX_SAFE_INTEGER : batch,
    exact: batch > 1,
    read: (found, count) => readOutputs(found, count, card, outputs, facts, source),
  };
}

/** The batch as a job. Its buffer goes with it; a part of a larger buffer is copied, as others may still need the rest. */
function jobFor(session: Session, batch: PatchBatch, dtype: DataType, card: ModelCard, source: string): RunJob {
  if (batch.bands !== card.input.bands.length) throw new ModelError(source, `it takes ${card.input.bands.length} bands (${card.input.bands.join(', ')}), the patches have ${batch.bands}`, { advice: 'choose bands with --bands' });
  const expected = batch.count * batch.width * batch.height * batch.bands;
  if (batch.data.length !== expected || dataTypeOf(batch.data) !== dtype) {
    throw new RangeError(`expected ${expected} samples of ${dtype}, found ${batch.data.length} of ${dataTypeOf(batch.data)}`);
  }
  const whole = batch.data.byteLength === batch.data.buffer.byteLength && batch.data.buffer instanceof ArrayBuffer && bytesPerSample(dtype) > 0;
  return {
    input: FUSED_INPUT,
    type: dtype,
    data: whole ? batch.data : batch.data.slice(),
    dims: [batch.height, batch.width, batch.bands],
    count: batch.count,
    step: Math.min(session.step, session.exact ? session.step : batch.count),
    exact: session.exact,
    ...(session.reduceFirst ? { reduceTo: { width: session.size.inputWidth, height: session.size.inputHeight } } : {}),
  };
}

function readOutputs(found: Readonly<Record<string, { readonly dims: readonly number[]; readonly data: ArrayBufferView }>>, count: number, card: ModelCard, outputs: readonly PredictorOutput[], asked: AskedFacts, source: string): PatchOutput {
  const { width, height } = outputSize(card, asked.scoreDims ?? []);
  const take = (kind: PredictorOutput, length: number): ArrayBufferView => {
    const values = found[fusedOutput(kind)];
    if (values === undefined || (values.data as Float32Array).length !== count * length) throw new ModelError(source, `its ${kind} should have ${length} values per patch, found [${values?.dims.join(', ') ?? ''}]`);
    return values.data;
  };
  return {
    width, height,
    ...(outputs.includes('classes') ? { classes: take('classes', width * height) as Uint8Array } : {}),
    ...(outputs.includes('scores') ? { scores: take('scores', width * height * card.output.classes.length) as Float32Array } : {}),
    ...(outputs.includes('features') ? { features: take('features', card.output.features?.dimensions ?? 0) as Float32Array } : {}),
  };
}
