import { readFile, rename, rm, writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { CardInt8, CardScore, ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError } from '../errors.js';
import { encodeModel, quantizableLayers, quantizableValues, quantizeModel, type OnnxModel } from '../onnx/index.js';
import { loadModel } from '../predict/index.js';
import type { TaskContext } from '../run/index.js';
import { answersFor, mapShape, meanDifference, measureRanges, parseRecipe, type CalibrationPatch } from '../train/index.js';
import { calibrationPatches } from './quantize/patches.js';
import { loadSamples } from './train/samples.js';
import { scoreClasses, scoreTags } from './train/scores.js';

export interface QuantizeOptions {
  /** Model folder, or the name of a shipped model. */
  readonly model: string;
  /** The recipe that says what its data are. */
  readonly recipe: string;
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Keys of the recipe with other values. */
  readonly set?: readonly string[];
  /** Patches of the training part that ranges are measured on. Default 32. */
  readonly patches?: number;
  /** Replaces an 8-bit form that is there. */
  readonly overwrite?: boolean;
}

export interface QuantizeResult {
  readonly model: string;
  readonly file: string;
  readonly bytes: number;
  readonly floatBytes: number;
  readonly int8: CardInt8;
  /** Whether `--precision auto` takes it. */
  readonly taken: boolean;
}

const INT8_FILE = 'model.int8.onnx';
/** Layers stay in float, most sensitive first, until scores of training patches differ by no more than this on average. */
const MOST_DIFFERENCE = 0.005;
/** Rounds of both forms one after the other; the least time counts. */
const ROUNDS = 7;

/**
 * Makes the 8-bit form of a trained model: `model.int8.onnx` beside its ONNX file, and `int8` in its card. Ranges come from
 * patches of the training part; layers that lose most stay in float; both forms are scored on the validation part, which
 * nothing was calibrated on, and timed against each other. The test part is not looked at.
 * @throws {ModelError} if the model does not take bytes of three bands as `train` exports them.
 */
export async function quantize(options: QuantizeOptions, context: TaskContext = {}): Promise<QuantizeResult> {
  const recipe = parseRecipe(await readFile(options.recipe, 'utf8'), options.recipe, options.set);
  const loaded = await loadModel(options.model);
  const { card, graph } = loaded;
  const folder = dirname(loaded.file);
  if (loaded.cardOrigin !== 'file' || basename(loaded.file) !== card.file) throw new ModelError(options.model, 'expected a model folder, found a single file', { advice: 'make one with: tilewright models import' });
  if (card.int8 !== undefined && options.overwrite !== true) throw new InvalidOptionError('--overwrite', `${options.model} has an 8-bit form`, { advice: 'add --overwrite to replace it' });
  if (card.input.data_type !== 'uint8' || card.input.dim_order !== 'bhwc' || card.input.bands.length !== 3 || card.input.value_scaling !== undefined) {
    throw new ModelError(options.model, `expected a graph that takes bytes [batch, height, width, 3] and scales them itself, found ${card.input.data_type} ${card.input.dim_order}`, { advice: 'only models that tilewright trained are quantised' });
  }
  if (card.output.classes.length === 0) throw new ModelError(options.model, 'expected a model that gives scores, found one of feature vectors only', { advice: 'without a score nobody can say what 8 bits cost' });
  const cache = await mkdtemp(join(tmpdir(), 'tilewright-quantize-'));
  try {
    const samples = await loadSamples(recipe, options.data, cache, context);
    if (card.output.classes.map(({ name }) => name).join() !== samples.outputs.join()) throw new ModelError(options.model, `expected the classes of the data (${samples.outputs.join(', ')})`);
    const patches = calibrationPatches(samples, { count: options.patches ?? 32, reduce: samples.kind === 'maps' ? recipe.network.reduce ?? 1 : 1, multiple: samples.kind === 'maps' ? card.input.multiple_of ?? 1 : 1 });
    const made = await withLeastLoss(graph, card, patches, context);
    const bytes = encodeModel(made.model);
    // The validation part in the place of the test part: what is measured at the end stays unseen.
    const judged = { ...samples, split: { ...samples.split, test: samples.split.validation } };
    const score = async (model: Uint8Array): Promise<CardScore> => {
      const scores = judged.kind === 'chips' ? await scoreTags(recipe, model, judged, context) : await scoreClasses(recipe, model, judged, options.data, mapShape(recipe, samples.outputs.length), context);
      const main = scores.find(({ metric, of }) => of === undefined && metric === (judged.kind === 'chips' ? 'f2_samples' : 'miou'));
      if (main === undefined) throw new ModelError(options.model, 'expected validation data to score on, found none');
      return main;
    };
    const [float32, int8] = [await score(encodeModel(graph)), await score(bytes)];
    const entry: CardInt8 = {
      file: INT8_FILE, metric: int8.metric, value: rounded(int8.value), float32: rounded(float32.value), on: `${int8.on.replace('test', 'validation')}, calibrated on ${patches.length} training patches`,
      speedup: rounded(await speedup(graph, made.model, patches[0]!)), ...(made.floatLayers.length === 0 ? {} : { float_layers: made.floatLayers }),
    };
    const file = await write(folder, bytes, { ...card, int8: entry });
    const taken = (await loadModel(folder, { precision: 'auto' })).precision === 'int8';
    return { model: options.model, file, bytes: bytes.length, floatBytes: loaded.bytes, int8: entry, taken };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/** Quantises all layers, then leaves the most sensitive ones in float until the scores are close enough, or half of them are. */
async function withLeastLoss(graph: OnnxModel, card: ModelCard, patches: readonly CalibrationPatch[], context: TaskContext): Promise<{ readonly model: OnnxModel; readonly floatLayers: readonly string[] }> {
  const ranges = await measureRanges(graph, quantizableValues(graph), patches, context.signal);
  const layers = quantizableLayers(graph);
  const few = patches.slice(0, 8);
  const output = card.output.name ?? graph.graph.output[0]!.name;
  const expected = await answersFor(graph, output, few, context.signal);
  const loss = async (keepFloat: ReadonlySet<string>): Promise<{ readonly model: OnnxModel; readonly difference: number }> => {
    const model = quantizeModel(graph, { ranges, keepFloat });
    return { model, difference: meanDifference(expected, await answersFor(model, output, few, context.signal)) };
  };
  let current = await loss(new Set());
  if (current.difference <= MOST_DIFFERENCE) return { model: current.model, floatLayers: [] };
  const alone: { readonly layer: string; readonly difference: number }[] = [];
  for (const layer of layers) {
    alone.push({ layer, difference: (await loss(new Set(layers.filter((other) => other !== layer)))).difference });
    context.onProgress?.({ stage: 'sensitivity', done: alone.length, total: layers.length, unit: 'layers' });
  }
  const order = alone.sort((a, b) => b.difference - a.difference).map(({ layer }) => layer);
  const kept: string[] = [];
  while (current.difference > MOST_DIFFERENCE && kept.length < Math.floor(layers.length / 2)) {
    kept.push(order[kept.length]!);
    current = await loss(new Set(kept));
  }
  return { model: current.model, floatLayers: kept };
}

/** Processor time of one patch on one thread, float ÷ integers, the least of several turns each. */
async function speedup(float32: OnnxModel, int8: OnnxModel, patch: CalibrationPatch): Promise<number> {
  const sessions = await Promise.all([float32, int8].map((model) => ort.InferenceSession.create(encodeModel(model), { intraOpNumThreads: 1, interOpNumThreads: 1 })));
  const least = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [which, session] of sessions.entries()) {
      const before = process.cpuUsage();
      await session.run({ [float32.graph.input[0]!.name]: new ort.Tensor('uint8', patch.pixels, [1, patch.height, patch.width, 3]) });
      const used = process.cpuUsage(before);
      if (round > 0) least[which] = Math.min(least[which]!, used.user + used.system);
    }
  }
  await Promise.all(sessions.map((session) => session.release()));
  return least[0]! / least[1]!;
}

async function write(folder: string, bytes: Uint8Array, card: ModelCard): Promise<string> {
  const file = join(folder, INT8_FILE);
  for (const [path, content] of [[file, bytes], [join(folder, 'card.json'), `${JSON.stringify(card, null, 2)}\n`]] as const) {
    await writeFile(`${path}.partial`, content);
    await rename(`${path}.partial`, path);
  }
  return file;
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
