import { availableParallelism } from 'node:os';
import { isMapTask, shapeSizes } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError } from '../errors.js';
import type { PatchBatch } from '../grid/index.js';
import type { TensorTypeName } from '../onnx/index.js';
import { bytesPerSample, dataTypeOf } from '../raster/index.js';
import type { DataType, TypedArray } from '../raster/index.js';
import { FUSED_INPUT, fuseGraph, fusedOutput, probeGraph } from './fuse.js';
import type { OutputFacts } from './fuse.js';
import { channelsAllowed, findInput, patchSize, scoreOutput } from './inspect.js';
import type { PatchSize } from './inspect.js';
import { loadModel } from './load.js';
import type { LoadedModel } from './load.js';
import { openPool } from './pool.js';
import type { Pool } from './pool.js';
import type { RunJob, TensorInfo } from './protocol.js';
import type { PatchOutput, Predictor, PredictorOptions, PredictorOutput } from './types.js';

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
  const threads = Math.max(1, Math.floor(options.threads ?? availableParallelism()));
  const layout = threadLayout(card, threads, device);
  const pool = openPool({ model: source, device, ...layout });
  const sessions = createSessions({ pool, model: loaded, outputs: options.outputs, dtype, device });
  let milliseconds = 0;
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
    get engineMilliseconds() { return milliseconds; },
    predict: (batch, signal) => sessions.withSize(batch.width, batch.height, async (session) => {
      const result = await pool.run(session.id, jobFor(session, batch, dtype, card, source), signal);
      milliseconds += result.milliseconds;
      return session.read(result.outputs, batch.count);
    }),
    close: () => pool.close(),
  };
}

/**
 * Threads inside one engine, or engines with a thread each. Measured (docs/decisions/0005-engine.md): for maps one engine
 * with all threads is as fast and holds its activations once; chips are too small to share, an engine per thread is faster.
 */
export function threadLayout(card: ModelCard, threads: number, device: string): { readonly workers: number; readonly threads: number } {
  return device === 'cpu' && !isMapTask(card.task) ? { workers: threads, threads: 1 } : { workers: 1, threads };
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
  const facts = await askOutputs(pool, model, size, Math.max(1, batch), id + 1);
  checkFacts(card, facts, size, source);
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

/** What the graph gives for one size. */
interface AskedFacts {
  readonly facts: OutputFacts;
  /** Sizes of the output with scores, with the batch axis. */
  readonly scoreDims: readonly number[] | undefined;
  readonly featureDims: readonly number[] | undefined;
}

/** Asks the engine what the graph gives for patches of this size: by inference of shapes, and only where that fails by a run on zeros. */
async function askOutputs(pool: Pool, model: LoadedModel, size: PatchSize, batch: number, session: number): Promise<AskedFacts> {
  const { card, source, graph } = model;
  const input = findInput(graph, card.input.name, source);
  const bands = card.input.bands.length;
  const shape = card.input.dim_order === 'bhwc' ? [batch, size.inputHeight, size.inputWidth, bands] : [batch, bands, size.inputHeight, size.inputWidth];
  const scores = scoreOutput(graph, card, source);
  const names = [...new Set([...(scores === undefined ? [] : [scores]), ...(card.output.features === undefined ? [] : [card.output.features.name])])];
  let infos = await pool.load(session, probeGraph(graph, input.name, card.input.data_type, shape, names), 'as it is');
  if (infos.some((info) => info.dims.length === 0 || info.dims.includes(-1))) {
    const result = await pool.run(session, zeros(input.name, card.input.data_type, shape));
    infos = infos.map((info) => ({ ...info, dims: result.outputs[info.name]?.dims ?? [] }));
  }
  pool.unload(session);
  const scoreInfo = infos.find((info) => info.name === scores);
  const featureInfo = infos.find((info) => info.name === card.output.features?.name);
  const axis = card.output.dim_order === 'bhwc' ? 3 : 1;
  return {
    facts: {
      ...(scoreInfo === undefined ? {} : { scores: { name: scoreInfo.name, type: scoreInfo.type as TensorTypeName, rank: scoreInfo.dims.length, channels: scoreInfo.dims[axis] ?? 1 } }),
      ...(featureInfo === undefined ? {} : { features: { name: featureInfo.name, type: featureInfo.type as TensorTypeName, rank: featureInfo.dims.length } }),
    },
    scoreDims: scoreInfo?.dims,
    featureDims: featureInfo?.dims,
  };
}

function zeros(input: string, type: ModelCard['input']['data_type'], shape: readonly number[]): RunJob {
  const length = shape.reduce((product, size) => product * size, 1);
  const data: TypedArray = type === 'float32' ? new Float32Array(length) : type === 'uint8' ? new Uint8Array(length) : type === 'int16' ? new Int16Array(length) : new Uint16Array(length);
  const batch = shape[0] ?? 1;
  return { input, type, data, dims: shape.slice(1), count: batch, step: batch, exact: true };
}

/** Compares what the graph gives with what the card says. */
function checkFacts(card: ModelCard, asked: AskedFacts, size: PatchSize, source: string): void {
  const { scoreDims, featureDims } = asked;
  if (scoreDims !== undefined && card.output.classes.length > 0) checkScores(card, scoreDims, asked.facts.scores?.name ?? '', size, source);
  const features = card.output.features;
  if (features === undefined || featureDims === undefined) return;
  const { length } = featureDims;
  const axis = card.input.dim_order === 'bhwc' && length === 4 ? 3 : 1;
  const dimensions = length === 4 ? featureDims[axis] ?? 0 : featureDims.slice(1).reduce((product, n) => product * n, 1);
  if (dimensions !== features.dimensions) {
    throw new ModelError(source, `card field output.features.dimensions says ${features.dimensions}, but ${features.name} gives ${dimensions} (its shape is [${featureDims.join(', ')}])`);
  }
}

function checkScores(card: ModelCard, dims: readonly number[], name: string, size: PatchSize, source: string): void {
  const { dim_order, classes } = card.output;
  const shape = `its output ${name} is [${dims.join(', ')}]`;
  const count = classes.length;
  if (dim_order === 'bc') {
    const values = dims.slice(1).reduce((product, n) => product * n, 1);
    if (values !== count) throw new ModelError(source, `its card has ${count} classes, but ${shape}: ${values} values per patch`);
    return;
  }
  if (dims.length !== (dim_order === 'bhw' ? 3 : 4)) throw new ModelError(source, `card field output.dim_order says ${dim_order}, but ${shape}`);
  const channels = dims[dim_order === 'bchw' ? 1 : 3] ?? 1;
  if (dim_order !== 'bhw' && !channelsAllowed(card).includes(channels)) {
    const other = dims[dim_order === 'bchw' ? 3 : 1];
    const advice = other === count ? { advice: `is output.dim_order ${dim_order === 'bchw' ? 'bhwc' : 'bchw'}?` } : {};
    throw new ModelError(source, `its card has ${count} classes, but ${shape}: ${channels} channels`, advice);
  }
  const height = dims[dim_order === 'bchw' ? 2 : 1] ?? 0;
  const width = dims[dim_order === 'bchw' ? 3 : 2] ?? 0;
  const margin = card.output.margin ?? 0;
  if (height === size.inputHeight - 2 * margin && width === size.inputWidth - 2 * margin) return;
  if (height > size.inputHeight || width > size.inputWidth) throw new ModelError(source, `it gives more pixels (${width}×${height}) than it takes (${size.inputWidth}×${size.inputHeight}); such models are not run`);
  const found = (size.inputHeight - height) / 2;
  const advice = found === (size.inputWidth - width) / 2 && Number.isInteger(found) ? { advice: `set output.margin to ${found} in the card` } : { advice: 'the same number of pixels must be missing on every side; try another patch size' };
  throw new ModelError(source, `card field output.margin says ${margin}, but for ${size.inputWidth}×${size.inputHeight} pixels it gives ${width}×${height}`, advice);
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
  const order = card.output.dim_order;
  const dims = asked.scoreDims ?? [];
  const map = order !== 'bc';
  const height = map ? dims[order === 'bchw' ? 2 : 1] ?? 1 : 1;
  const width = map ? dims[order === 'bchw' ? 3 : 2] ?? 1 : 1;
  const take = (kind: PredictorOutput, length: number): ArrayBufferView => {
    const values = found[fusedOutput(kind)];
    const length_ = values === undefined ? 0 : (values.data as Float32Array).length;
    if (values === undefined || length_ !== count * length) throw new ModelError(source, `its ${kind} should have ${length} values per patch, found [${values?.dims.join(', ') ?? ''}]`);
    return values.data;
  };
  return {
    width, height,
    ...(outputs.includes('classes') ? { classes: take('classes', width * height) as Uint8Array } : {}),
    ...(outputs.includes('scores') ? { scores: take('scores', width * height * card.output.classes.length) as Float32Array } : {}),
    ...(outputs.includes('features') ? { features: take('features', card.output.features?.dimensions ?? 0) as Float32Array } : {}),
  };
}

export type { TensorInfo };
