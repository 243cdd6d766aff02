import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { CardInt8, CardScore, ModelCard } from '../card/index.js';
import { InvalidFileError, InvalidOptionError, ModelError } from '../errors.js';
import { encodeModel, quantizableLayers, quantizableValues, quantizeModel, type OnnxModel } from '../onnx/index.js';
import { loadModel } from '../predict/index.js';
import type { TaskContext } from '../run/index.js';
import { answersFor, meanDifference, measureRanges, parseRecipe, type CalibrationPatch } from '../train/index.js';
import { calibrationPatches } from './quantize/patches.js';
import { INT8_FILE, writeInt8 } from './quantize/write.js';
import { areChips, loadSamples, type LoadedSamples } from './train/samples.js';
import { answerChips, confuseClasses, confuseMaps, scoreClasses, scoreClassifier, scoreTags } from './train/scores.js';

export interface QuantizeOptions {
  /** Model folder, or the name of a shipped model. */
  readonly model: string;
  /** The recipe that says what its data are. Default: `recipe.yaml` in the model's folder, as `train` writes it. */
  readonly recipe?: string;
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
  const loaded = await loadModel(options.model);
  const file = options.recipe ?? join(dirname(loaded.file), 'recipe.yaml');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if (options.recipe !== undefined) throw new InvalidFileError(file, 'expected a recipe, found no file that can be read', { cause });
    throw new InvalidOptionError('--recipe', `expected the recipe that says what the data of ${options.model} are, found none in its folder`, { advice: 'give its file' });
  });
  const recipe = parseRecipe(text, file, options.set);
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
    const samples = await loadSamples(recipe, { data: options.data, cacheFolder: cache, fullSize: true }, context);
    try {
      return await quantizeOn(samples, { options, card, graph, folder, floatBytes: loaded.bytes }, context);
    } finally {
      await samples.samples.close();
    }
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

interface Job {
  readonly options: QuantizeOptions;
  readonly card: ModelCard;
  readonly graph: OnnxModel;
  readonly folder: string;
  readonly floatBytes: number;
}

async function quantizeOn(samples: LoadedSamples, { options, card, graph, folder, floatBytes }: Job, context: TaskContext): Promise<QuantizeResult> {
  if (card.output.classes.map(({ name }) => name).join() !== samples.outputs.join()) throw new ModelError(options.model, `expected the classes of the data (${samples.outputs.join(', ')})`);
  const patches = calibrationPatches(samples, { count: options.patches ?? 32, multiple: card.input.multiple_of ?? 1 });
  const made = await withLeastLoss(graph, card, patches, context);
  const bytes = encodeModel(made.model);
  const [float32, int8] = [await validationScore(encodeModel(graph), samples, card, context), await validationScore(bytes, samples, card, context)];
  const entry: CardInt8 = {
    file: INT8_FILE, metric: int8.metric, value: rounded(int8.value), float32: rounded(float32.value), on: `${int8.on}, calibrated on ${patches.length} training patches`,
    speedup: rounded(await speedup(graph, made.model, patches[0]!)), ...(made.floatLayers.length === 0 ? {} : { float_layers: made.floatLayers }),
  };
  const file = await writeInt8(folder, bytes, { ...card, int8: entry });
  const taken = (await loadModel(folder, { precision: 'auto' })).precision === 'int8';
  return { model: options.model, file, bytes: bytes.length, floatBytes, int8: entry, taken };
}

/** The main score on the validation part; what is measured at the end stays unseen. */
async function validationScore(model: Uint8Array, samples: LoadedSamples, card: ModelCard, context: TaskContext): Promise<CardScore> {
  const places = samples.split.validation;
  if (places.length === 0) throw new ModelError(card.name, 'expected validation data to score on, found none');
  const scored = { places, on: `${places.length} validation ${areChips(samples) ? 'chips' : 'pictures'}` };
  if (areChips(samples)) {
    const answers = await answerChips(model, samples, places, context);
    if (samples.samples.exclusive) return scoreClassifier(samples, scored, confuseClasses(samples, scored, answers))[0]!;
    return scoreTags(samples, scored, answers, card.output.classes.map(({ threshold }) => threshold ?? 0.5))[0]!;
  }
  const matrix = await confuseMaps(model, samples, scored, { multiple: card.input.multiple_of ?? 1, receptiveField: card.receptive_field ?? 512 }, context);
  return scoreClasses(samples, scored, matrix).find(({ metric, of }) => of === undefined && metric === 'miou')!;
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

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
