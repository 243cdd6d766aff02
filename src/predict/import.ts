import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { isMapTask, parseCard, shapeSizes, slug } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import { ModelError, throwIfAborted } from '../errors.js';
import { encodeModel } from '../onnx/index.js';
import { askOutputs, marginOf } from './ask.js';
import { openPredictor } from './engine.js';
import { patchSize } from './inspect.js';
import { loadModel } from './load.js';
import type { LoadedModel } from './load.js';
import { madeUpPatch } from './measure.js';
import { openPool } from './pool.js';
import type { Pool } from './pool.js';
import type { PredictorOutput } from './types.js';

/** A foreign model that was tried and found to fit a card. */
export interface CheckedModel {
  readonly model: LoadedModel;
  /** The card to write: what could be found out is filled in. */
  readonly card: ModelCard;
  /** What was assumed, found out, or looks wrong; for people. */
  readonly notes: readonly string[];
}

export interface CheckOptions {
  /** Path of a card, or the JSON itself; `card_version`, `name` and `file` may be missing. Default: the file's metadata. */
  readonly card?: string;
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** Steps that sizes may have to be a multiple of: networks halve up to six times. */
const STEPS = [1, 2, 4, 8, 16, 32, 64] as const;
/** Edge that every step divides; one step is added to it to try that step. */
const STEP_BASE = 128;
/** Scores that are called probabilities may miss 0 and 1 by this much. */
const ROUNDING = 1e-3;

/** Name of the ONNX file in a model folder. */
export const MODEL_FILE = 'model.onnx';

/**
 * Reads a foreign ONNX file with a card, finds out what the card does not say (`input.multiple_of`, `output.margin`), and
 * runs it once on a made-up patch.
 * @throws {ModelError} if the file does not give what the card says, or gives no finite numbers.
 */
export async function checkModel(file: string, options: CheckOptions = {}): Promise<CheckedModel> {
  const given = options.card === undefined ? undefined : await readLooseCard(options.card, file, options.name);
  const loaded = await loadModel(file, given === undefined ? {} : { card: given });
  const notes = [...loaded.notes];
  let card: ModelCard = { ...loaded.card, ...(options.name === undefined ? {} : { name: options.name }), file: MODEL_FILE };
  card = parseCard(card, options.name === undefined ? file : '--name');
  card = await fillIn({ ...loaded, card }, notes);
  const model = { ...loaded, card };
  throwIfAborted(options.signal);
  notes.push(...await tryOnce(model));
  return { model, card, notes };
}

/** Writes the ONNX file and the card into a folder that exists. */
export async function writeModel(checked: CheckedModel, folder: string): Promise<void> {
  const { model, card } = checked;
  const target = `${folder}/${MODEL_FILE}`;
  // Weights in other files are taken along inside; otherwise the file stays byte for byte what it was.
  if ((await stat(model.file)).size === model.bytes) await copyFile(model.file, target);
  else await writeFile(target, encodeModel(model.graph));
  await writeFile(`${folder}/card.json`, `${JSON.stringify(card, null, 2)}\n`);
}

async function readLooseCard(path: string, file: string, name: string | undefined): Promise<ModelCard> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => { throw new ModelError(path, 'the card cannot be read', { cause }); });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelError(path, `the card is not JSON: ${(cause as Error).message}`, { cause });
  }
  const fields = typeof json === 'object' && json !== null && !Array.isArray(json) ? json : undefined;
  const own = basename(file).replace(/\.onnx$/i, '');
  return parseCard(fields === undefined ? json : { card_version: 1, name: name ?? slug(own), ...fields, file: MODEL_FILE }, path);
}

async function fillIn(model: LoadedModel, notes: string[]): Promise<ModelCard> {
  let { card } = model;
  const sizes = shapeSizes(card.input);
  const pool = openPool({ model: model.source, device: 'cpu', workers: 1, threads: 1 });
  try {
    const free = sizes.width === -1 && sizes.height === -1;
    if (free && card.input.multiple_of === undefined) {
      const found = await findStep(pool, model);
      if (found > 1) {
        card = { ...card, input: { ...card.input, multiple_of: found } };
        notes.push(`input.multiple_of is ${found}: found by trying sizes`);
      }
    }
    if (isMapTask(card.task) && card.output.margin === undefined) {
      const step = card.input.multiple_of ?? 1;
      const edge = Math.ceil(STEP_BASE / step) * step;
      const size = patchSize(card, sizes.width === -1 ? edge : sizes.width, sizes.height === -1 ? edge : sizes.height);
      if ('reason' in size) throw new ModelError(model.source, size.reason, { advice: size.advice });
      const asked = await askOutputs(pool, { ...model, card }, { size, batch: Math.max(1, sizes.batch), session: 1 });
      const margin = marginOf(card, asked, size);
      if (margin !== undefined && margin > 0) {
        card = { ...card, output: { ...card.output, margin } };
        notes.push(`output.margin is ${margin}: the output is smaller than the input`);
      }
    }
  } finally {
    await pool.close();
  }
  return card;
}

/** The smallest step whose multiples the graph takes. For maps the answer must keep the same margin, too. */
async function findStep(pool: Pool, model: LoadedModel): Promise<number> {
  let session = 100;
  const attempt = async (edge: number): Promise<number | undefined> => {
    const size = { width: edge, height: edge, inputWidth: edge, inputHeight: edge };
    const asked = await askOutputs(pool, model, { size, batch: Math.max(1, shapeSizes(model.card.input).batch), session: ++session, by: 'run' });
    return isMapTask(model.card.task) ? marginOf(model.card, asked, size) : 0;
  };
  const margin = await attempt(STEP_BASE);
  for (const step of STEPS) {
    const found = await attempt(STEP_BASE + step).catch((error: unknown) => { if (error instanceof ModelError) return undefined; throw error; });
    if (found !== undefined && found === margin) return step;
  }
  return STEP_BASE;
}

/** Runs one made-up patch and looks at the numbers. @returns what looks wrong. */
async function tryOnce(model: LoadedModel): Promise<string[]> {
  const { card, source } = model;
  const outputs: PredictorOutput[] = [
    ...(card.task === 'semantic-segmentation' ? ['classes' as const] : []),
    ...(card.output.dim_order !== 'bhw' && card.output.classes.length > 0 ? ['scores' as const] : []),
    ...(card.output.features === undefined ? [] : ['features' as const]),
  ];
  const sizes = shapeSizes(card.input);
  const step = card.input.multiple_of ?? 1;
  const edge = card.input.window ?? Math.ceil(STEP_BASE / step) * step;
  const width = card.input.window ?? (sizes.width === -1 ? edge : sizes.width);
  const height = card.input.window ?? (sizes.height === -1 ? edge : sizes.height);
  const dtype = card.input.scene_data_types?.[0] ?? 'uint8';
  const predictor = await openPredictor(model, { outputs, dtype, patch: { width, height } });
  try {
    const found = await predictor.predict(madeUpPatch(predictor, { width, height, dtype }));
    for (const [kind, values] of [['scores', found.scores], ['features', found.features]] as const) {
      if (values?.some((value) => !Number.isFinite(value)) === true) {
        throw new ModelError(source, `its ${kind} are not all finite numbers on a made-up patch`, { advice: 'check input.value_scaling in the card' });
      }
    }
    if (found.classes?.some((id) => id >= card.output.classes.length) === true) throw new ModelError(source, `it gives class ids above ${card.output.classes.length - 1}, the last that its card names`);
    return found.scores === undefined || card.task === 'regression' ? [] : rangeNotes(found.scores);
  } finally {
    await predictor.close();
  }
}

function rangeNotes(scores: Float32Array): string[] {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of scores) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (lowest >= -ROUNDING && highest <= 1 + ROUNDING) return [];
  return [`its scores reach from ${lowest.toPrecision(3)} to ${highest.toPrecision(3)}, so they are no probabilities: is output.activation softmax or sigmoid?`];
}
