import { ModelError } from '../../errors.js';
import { patchesOfStrip } from '../../grid/index.js';
import type { Grid, Patch } from '../../grid/index.js';
import type { Predictor } from '../../predict/index.js';
import { allocate, bytesPerSample } from '../../raster/index.js';
import type { Scene, TypedArray } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { cutPart, hasData } from './patches.js';

/** Bytes that are read at once: some chips of a strip, side by side. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** Groups that are read ahead of those that the engine works on. */
const READ_AHEAD = 2;

export interface ChipSource {
  readonly scene: Scene;
  readonly predictor: Predictor;
  readonly grid: Grid;
  /** Bands for the model, from 0. */
  readonly bands: readonly number[];
  /** What is asked of the model: probabilities per tag, or a feature vector. */
  readonly kind: 'scores' | 'features';
}

/** The answers for one strip of chips. */
export interface ChipStrip {
  readonly row: number;
  readonly patches: readonly Patch[];
  /** One per patch; `undefined` where the patch has no data and was not predicted. */
  readonly values: readonly (Float32Array | undefined)[];
}

/** Chips side by side that are read and predicted together. */
interface Group {
  readonly row: number;
  readonly patches: readonly Patch[];
  readonly last: boolean;
}

/**
 * Predicts the chips of a scene strip by strip, from strip `from` on. Reading runs ahead of the engine; strips come in order.
 * In memory are a few groups of chips, whatever the size of the scene.
 */
export async function* chipStrips(source: ChipSource, from: number, context: TaskContext): AsyncGenerator<ChipStrip> {
  let patches: Patch[] = [];
  let values: (Float32Array | undefined)[] = [];
  const work = (group: Group): Promise<GroupAnswer> => predictGroup(source, group, context.signal);
  for await (const { group, answers } of ordered(groupsFrom(source, from), source.predictor.concurrency + READ_AHEAD, work, context.signal)) {
    patches.push(...group.patches);
    values.push(...answers);
    if (!group.last) continue;
    yield { row: group.row, patches, values };
    patches = [];
    values = [];
  }
}

/** Bytes that {@link chipStrips} holds at most, the scene's own cache and the engine not counted. */
export function chipStripBytes(source: Pick<ChipSource, 'scene' | 'grid' | 'bands'>, concurrency: number): number {
  // A group is there twice while its chips are cut out of it.
  return 2 * groupSize(source) * chipBytes(source) * (concurrency + READ_AHEAD);
}

function* groupsFrom(source: ChipSource, from: number): Generator<Group> {
  const { grid } = source;
  const size = groupSize(source);
  for (let row = from; row < grid.rows.length; row++) {
    const strip = patchesOfStrip(grid, row);
    for (let i = 0; i < strip.length; i += size) {
      yield { row, patches: strip.slice(i, i + size), last: i + size >= strip.length };
    }
  }
}

function chipBytes(source: Pick<ChipSource, 'scene' | 'grid' | 'bands'>): number {
  return source.grid.patchWidth * source.grid.patchHeight * source.bands.length * bytesPerSample(source.scene.profile.dtype);
}

function groupSize(source: Pick<ChipSource, 'scene' | 'grid' | 'bands'>): number {
  return Math.max(1, Math.min(source.grid.columns.length, Math.floor(GROUP_BYTES / chipBytes(source)), 16));
}

/** Arrays that windows of a scene were read into, to be read into again: without them megabytes per group wait for the garbage collector. */
const readInto = new WeakMap<Scene, TypedArray[]>();

interface GroupAnswer {
  readonly group: Group;
  readonly answers: readonly (Float32Array | undefined)[];
}

async function predictGroup(source: ChipSource, group: Group, signal: AbortSignal | undefined): Promise<GroupAnswer> {
  return { group, answers: await predictGroupOf(source, group.patches, signal) };
}

/** Reads and predicts neighbouring chips of one strip. @returns one answer per chip, `undefined` for those without data. */
export async function predictGroupOf(source: ChipSource, patches: readonly Patch[], signal?: AbortSignal): Promise<(Float32Array | undefined)[]> {
  const { scene, grid, bands, predictor } = source;
  const first = patches[0]!.window;
  const end = patches.at(-1)!.window;
  const window = { x: first.x, y: first.y, width: end.x + end.width - first.x, height: first.height };
  const free = readInto.get(scene) ?? [];
  readInto.set(scene, free);
  const into = free.pop();
  const raster = await scene.read(window, { bands, edge: 'reflect', ...(into === undefined ? {} : { into }), ...(signal === undefined ? {} : { signal }) });
  const parts = patches.map((patch) => ({ x: patch.window.x - window.x, y: 0, width: grid.patchWidth, height: grid.patchHeight }));
  const filled = parts.flatMap((part, i) => (hasData(raster, part) ? [i] : []));
  const answers: (Float32Array | undefined)[] = parts.map(() => undefined);
  const length = grid.patchWidth * grid.patchHeight * bands.length;
  const data = filled.length === 0 ? undefined : predictor.spareBatch(filled.length * length) ?? allocate(scene.profile.dtype, filled.length * length);
  if (data !== undefined) filled.forEach((i, k) => cutPart(raster, parts[i]!, data, k * length));
  if (free.length <= predictor.concurrency + READ_AHEAD) free.push(raster.data);
  if (data === undefined) return answers;
  const batch = { data, count: filled.length, width: grid.patchWidth, height: grid.patchHeight, bands: bands.length };
  const output = await predictor.predict(batch, signal);
  const rows = rowsOf(output[source.kind], filled.length, predictor.card.name);
  filled.forEach((i, k) => { answers[i] = rows[k]!.slice(); });
  predictor.recycle(output);
  return answers;
}

/**
 * A predictor's answer, one row per chip.
 * @throws {ModelError} if a number is not finite: it would poison tables and distances without a word.
 */
export function rowsOf(values: Float32Array | undefined, count: number, model: string): Float32Array[] {
  if (values === undefined) throw new ModelError(model, 'gave no answer of the kind that was asked for');
  if (!values.every(Number.isFinite)) throw new ModelError(model, 'answered with numbers that are not finite', { advice: 'check the card\'s value_scaling and the scene\'s nodata' });
  const length = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * length, (i + 1) * length));
}
