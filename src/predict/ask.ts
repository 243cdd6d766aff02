import { shapeSizes } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import { ModelError } from '../errors.js';
import type { TensorTypeName } from '../onnx/index.js';
import type { TypedArray } from '../raster/index.js';
import { probeGraph } from './fuse.js';
import type { OutputFacts } from './fuse.js';
import { channelsAllowed, findInput, scoreOutput } from './inspect.js';
import type { PatchSize } from './inspect.js';
import type { LoadedModel } from './load.js';
import type { Pool } from './pool.js';
import type { RunJob } from './protocol.js';

/** What the graph gives for one size of patches. */
export interface AskedFacts {
  readonly facts: OutputFacts;
  /** Sizes of the output with scores, with the batch axis. */
  readonly scoreDims: readonly number[] | undefined;
  readonly featureDims: readonly number[] | undefined;
}

export interface AskOptions {
  readonly size: PatchSize;
  /** Patches per run. */
  readonly batch: number;
  /** Number that the pool's workers do not use for another graph. */
  readonly session: number;
  /** `infer` (default): a run on zeros only where the engine cannot tell the sizes without. `run`: always a run. */
  readonly by?: 'infer' | 'run';
}

const ENGINE_FAILED = /onnxruntime (?:cannot load it|failed on a patch): (.*)$/;

/**
 * Asks the engine what the graph gives for patches of a size.
 * @throws {ModelError} if the graph does not work for this size.
 */
export async function askOutputs(pool: Pool, model: LoadedModel, options: AskOptions): Promise<AskedFacts> {
  try {
    return await ask(pool, model, options);
  } catch (error) {
    const reason = error instanceof ModelError ? ENGINE_FAILED.exec(error.message)?.[1] : undefined;
    const fixed = shapeSizes(model.card.input);
    if (reason === undefined || (fixed.width !== -1 && fixed.height !== -1)) throw error;
    throw new ModelError(model.source, `it does not work on ${options.size.inputWidth}×${options.size.inputHeight} pixels: ${reason}`, {
      cause: error, advice: 'its sides may have to be multiples of 8, 16 or 32; tilewright models import finds out, input.multiple_of in the card says it',
    });
  } finally {
    pool.unload(options.session);
  }
}

async function ask(pool: Pool, model: LoadedModel, options: AskOptions): Promise<AskedFacts> {
  const { card, source, graph } = model;
  const { size, batch, session } = options;
  const input = findInput(graph, card.input.name, source);
  const bands = card.input.bands.length;
  const shape = card.input.dim_order === 'bhwc' ? [batch, size.inputHeight, size.inputWidth, bands] : [batch, bands, size.inputHeight, size.inputWidth];
  const scores = scoreOutput(graph, card, source);
  const names = [...new Set([...(scores === undefined ? [] : [scores]), ...(card.output.features === undefined ? [] : [card.output.features.name])])];
  let infos = await pool.load(session, probeGraph(graph, input.name, card.input.data_type, shape, names), 'as it is');
  if (options.by === 'run' || infos.some((info) => info.dims.length === 0 || info.dims.includes(-1))) {
    const result = await pool.run(session, zeros(input.name, card.input.data_type, shape));
    infos = infos.map((info) => ({ ...info, dims: result.outputs[info.name]?.dims ?? [] }));
  }
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
export function checkFacts(card: ModelCard, asked: AskedFacts, size: PatchSize, source: string, dense?: LoadedModel['dense']): void {
  const { scoreDims, featureDims } = asked;
  if (scoreDims !== undefined && card.output.classes.length > 0) checkScores(card, scoreDims, asked.facts.scores?.name ?? '', size, source, dense);
  const features = card.output.features;
  if (features === undefined || featureDims === undefined) return;
  const { length } = featureDims;
  const axis = card.input.dim_order === 'bhwc' && length === 4 ? 3 : 1;
  const dimensions = length === 4 ? featureDims[axis] ?? 0 : featureDims.slice(1).reduce((product, n) => product * n, 1);
  if (dimensions !== features.dimensions) {
    throw new ModelError(source, `card field output.features.dimensions says ${features.dimensions}, but ${features.name} gives ${dimensions} (its shape is [${featureDims.join(', ')}])`);
  }
}

/** Pixels that are missing on every side of a map output; `undefined` if they differ from side to side or the output is larger. */
export function marginOf(card: ModelCard, asked: AskedFacts, size: PatchSize): number | undefined {
  const { height, width } = outputSize(card, asked.scoreDims ?? []);
  const margin = (size.inputHeight - height) / 2;
  return margin === (size.inputWidth - width) / 2 && Number.isInteger(margin) && margin >= 0 ? margin : undefined;
}

/** Edge lengths of an output with scores; 1 for answers per patch. */
export function outputSize(card: ModelCard, dims: readonly number[]): { readonly width: number; readonly height: number } {
  const order = card.output.dim_order;
  if (order === 'bc') return { width: 1, height: 1 };
  return order === 'bchw' ? { height: dims[2] ?? 1, width: dims[3] ?? 1 } : { height: dims[1] ?? 1, width: dims[2] ?? 1 };
}

function checkScores(card: ModelCard, dims: readonly number[], name: string, size: PatchSize, source: string, dense?: LoadedModel['dense']): void {
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
  const { width, height } = outputSize(card, dims);
  if (dense !== undefined) {
    const answers = (pixels: number): number => Math.floor((pixels - dense.patch) / dense.stride) + 1;
    if (height === answers(size.inputHeight) && width === answers(size.inputWidth)) return;
    throw new ModelError(source, `its dense form gives ${width}×${height} answers for ${size.inputWidth}×${size.inputHeight} pixels, expected ${answers(size.inputWidth)}×${answers(size.inputHeight)}`);
  }
  const margin = card.output.margin ?? 0;
  if (height === size.inputHeight - 2 * margin && width === size.inputWidth - 2 * margin) return;
  if (height > size.inputHeight || width > size.inputWidth) throw new ModelError(source, `it gives more pixels (${width}×${height}) than it takes (${size.inputWidth}×${size.inputHeight}); such models are not run`);
  const found = (size.inputHeight - height) / 2;
  const advice = found === (size.inputWidth - width) / 2 && Number.isInteger(found) ? { advice: `set output.margin to ${found} in the card` } : { advice: 'the same number of pixels must be missing on every side; try another patch size' };
  throw new ModelError(source, `card field output.margin says ${margin}, but for ${size.inputWidth}×${size.inputHeight} pixels it gives ${width}×${height}`, advice);
}

