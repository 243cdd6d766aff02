import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CardScore, ModelCard } from '../card/index.js';
import { InvalidFileError } from '../errors.js';
import { makeFolder } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import {
  buildNetworks, calibrate, drawCurves, exportOnnx, fit, loadLayers, loadTensorflow, mapLearner, mapShape, parseRecipe, saveLayers, shareWeights, tagLearner, verifyOnnx,
  type EpochRecord, type Learner, type Recipe, type RecipeNetworks, type Tensorflow,
} from '../train/index.js';
import { makeCard, makeFeatureCard } from './train/card.js';
import { makeReadme } from './train/readme.js';
import { loadSamples, type MapSamples, type TagSamples } from './train/samples.js';
import { scoreClasses, scoreTags } from './train/scores.js';

export interface TrainOptions {
  /** Recipe file (YAML). */
  readonly recipe: string;
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Folder for the model and everything about its making. A run that was stopped goes on from what it finds there. */
  readonly output: string;
  /** Keys of the recipe with other values: `training.epochs=3`. */
  readonly set?: readonly string[];
}

export interface TrainResult {
  readonly output: string;
  readonly engine: string;
  readonly epochs: number;
  /** From 1: the epoch whose weights the model has. */
  readonly bestEpoch: number;
  /** Time spent in epochs, over all runs. */
  readonly seconds: number;
  readonly card: ModelCard;
}

/** Trains the model of a recipe and writes it with its card. */
export async function train(options: TrainOptions, context: TaskContext = {}): Promise<TrainResult> {
  const recipe = parseRecipe(await readFile(options.recipe, 'utf8'), options.recipe, options.set);
  await makeFolder(options.output);
  const samples = await loadSamples(recipe, options.data, options.output, context);
  const { tf, engine, note } = await loadTensorflow();
  context.onProgress?.({ stage: 'train', done: 0, total: recipe.training.epochs, unit: 'epochs', detail: note });
  const networks = buildNetworks(tf, recipe, samples.outputs.length);
  if (recipe.training.start_from !== undefined) await startFrom(tf, networks, recipe.training.start_from);
  const learner = createLearner(tf, recipe, networks, samples);
  const { history, bestEpoch } = await fit(tf, learner, {
    epochs: recipe.training.epochs, rate: recipe.training.rate, decay: recipe.training.decay ?? 0.01,
    ...(recipe.training.patience === undefined ? {} : { patience: recipe.training.patience }),
    ...(recipe.training.average === undefined ? {} : { average: recipe.training.average }), keep: recipe.training.keep ?? 'best',
    checkpoint: join(options.output, 'checkpoint.bin'), fingerprint: fingerprintOf(recipe, samples), signal: context.signal,
    onEpoch: async (record, all) => {
      await write(options.output, 'history.csv', historyCsv(all));
      context.onProgress?.({ stage: 'train', done: record.epoch, total: recipe.training.epochs, unit: 'epochs', detail: describe(record, learner.scoreName) });
    },
  });
  if (recipe.training.calibrate === true && samples.kind === 'maps') {
    const offsets = calibrate(tf, networks.training, Array.from(samples.split.validation, (place) => samples.pictures[place]!), networks.multiple);
    context.onProgress?.({ stage: 'calibrate', done: 1, total: 1, unit: 'times', detail: samples.outputs.map((name, id) => `${name} ${offsets[id]!.toFixed(2)}`).join(', ') });
  }
  shareWeights(networks);
  await write(options.output, 'curves.png', await drawCurves(history, recipe.name, learner.scoreName));
  const card = await writeModel(tf, { recipe, samples, networks, options }, context);
  return { output: options.output, engine, epochs: history.length, bestEpoch, seconds: history.reduce((sum, record) => sum + record.seconds, 0), card };
}

interface Trained { readonly recipe: Recipe; readonly samples: TagSamples | MapSamples; readonly networks: RecipeNetworks; readonly options: TrainOptions }

/** Exports the network, checks and scores what was exported, and writes it with its card and README. */
async function writeModel(tf: Tensorflow, trained: Trained, context: TaskContext): Promise<ModelCard> {
  const { recipe, samples, networks, options } = trained;
  const { shipped } = networks;
  const model = exportOnnx({ name: recipe.name, outputs: { scores: shipped.scores, ...(shipped.features === undefined ? {} : { features: shipped.features }) } });
  await verifyOnnx(tf, shipped.scores, model, ...firstSquares(recipe, samples));
  const scores: readonly CardScore[] = samples.kind === 'chips'
    ? await scoreTags(recipe, model, samples, context)
    : await scoreClasses(recipe, model, samples, options.data, mapShape(recipe, samples.outputs.length), context);
  const dimensions = shipped.features?.outputs[0]?.shape[1] ?? undefined;
  const card = makeCard(recipe, samples, { parameters: shipped.scores.countParams(), scores, command: `${commandOf(options)}${recipe.card.course === undefined ? '' : ` # ${recipe.card.course}`}`, ...(dimensions === undefined ? {} : { dimensions }) });
  await writeFolder(options.output, card, model);
  await saveLayers(tf, shipped.scores, join(options.output, 'layers'));
  if (shipped.features !== undefined && dimensions !== undefined) {
    const features = makeFeatureCard(card, recipe, dimensions);
    await writeFolder(join(options.output, 'features'), features, exportOnnx({ name: features.name, outputs: { features: shipped.features } }));
  }
  return card;
}

async function writeFolder(folder: string, card: ModelCard, model: Uint8Array): Promise<void> {
  await makeFolder(folder);
  await write(folder, 'model.onnx', model);
  await write(folder, 'README.md', makeReadme(card));
  await write(folder, 'card.json', `${JSON.stringify(card, null, 2)}\n`);
}

/** Under its name only when it is complete. */
async function write(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, name);
  await writeFile(`${file}.partial`, content);
  await rename(`${file}.partial`, file);
}

/** Real samples to compare the export on: four chips, or a corner of the first picture. */
function firstSquares(recipe: Recipe, samples: TagSamples | MapSamples): [Uint8Array, [number, number, number, number]] {
  if (samples.kind === 'chips') {
    // A network that reduces by itself takes larger chips than those prepared; any pixels will do for a comparison.
    const edge = samples.chips.size * (recipe.network.reduce ?? 1);
    const pixels = Uint8Array.from({ length: 4 * edge * edge * 3 }, (_, at) => samples.chips.pixels[at % samples.chips.pixels.length]!);
    return [pixels, [4, edge, edge, 3]];
  }
  const { multiple } = mapShape(recipe, samples.outputs.length);
  const picture = samples.pictures[0]!;
  const edge = Math.max(multiple, Math.floor(Math.min(256, picture.width, picture.height) / multiple) * multiple);
  const pixels = new Uint8Array(edge * edge * 3);
  for (let row = 0; row < Math.min(edge, picture.height); row++) pixels.set(picture.pixels.subarray(row * picture.width * 3, (row * picture.width + Math.min(edge, picture.width)) * 3), row * edge * 3);
  return [pixels, [1, edge, edge, 3]];
}

function commandOf(options: TrainOptions): string {
  const recipe = options.recipe.replace(/^.*(models\/recipes\/)/, '$1');
  // Texts of the card are in the card, and folders differ from machine to machine.
  const settings = (options.set ?? []).filter((setting) => !setting.startsWith('card.')).map((setting) => `--set ${setting.replace(/^(training\.start_from=).*/, '$1<folder>/layers')}`);
  return [`tilewright train --recipe ${recipe} --data <folder> -o <folder>`, ...settings].join(' ');
}

/** Gives the networks the weights of an earlier model. */
async function startFrom(tf: Tensorflow, networks: RecipeNetworks, folder: string): Promise<void> {
  const weights = (await loadLayers(tf, folder)).getWeights();
  const wanted = networks.training.scores.getWeights();
  if (weights.map((weight) => weight.shape.join()).join(' ') !== wanted.map((weight) => weight.shape.join()).join(' ')) {
    throw new InvalidFileError(folder, 'expected weights of the same network as the recipe\'s, found others');
  }
  networks.training.scores.setWeights(weights);
}

function createLearner(tf: Tensorflow, recipe: Recipe, networks: RecipeNetworks, samples: TagSamples | MapSamples): Learner {
  const { training } = recipe;
  const common = { batch: training.batch, seed: training.seed, ...(training.augment === undefined ? {} : { augment: training.augment }) };
  if (samples.kind === 'chips') return tagLearner(tf, networks.training, samples.chips, samples.split, { ...common, threshold: training.threshold ?? 0.5 });
  return mapLearner(tf, networks.training, samples.pictures, samples.split, {
    ...common, classes: samples.outputs, patch: training.patch!, multiple: networks.multiple, classWeights: training.class_weights ?? 'sqrt', sampling: training.sampling ?? 'area', labelSmoothing: training.label_smoothing ?? 0, dice: training.dice ?? 0,
  });
}

/**
 * Of all that decides what is trained, but for the number of epochs: a run that turns out too long may be resumed as a shorter
 * one. What is done after the last step and the card's texts are free, too.
 */
function fingerprintOf(recipe: Recipe, samples: TagSamples | MapSamples): string {
  const { data, split, network, task } = recipe;
  const training = { ...recipe.training, epochs: undefined, calibrate: undefined };
  const sizes = samples.kind === 'chips' ? samples.chips.names.length : samples.pictures.map((picture) => [picture.group, picture.name, picture.width, picture.height]);
  return createHash('sha256').update(JSON.stringify([task, data, split, network, training, samples.outputs, sizes])).digest('hex').slice(0, 32);
}

function describe(record: EpochRecord, scoreName: string): string {
  return `loss ${record.loss.toFixed(4)} · validation loss ${record.validationLoss.toFixed(4)} · ${scoreName} ${record.score.toFixed(4)} · ${record.seconds.toFixed(0)} s`;
}

function historyCsv(history: readonly EpochRecord[]): string {
  const extra = Object.keys(history[0]?.values ?? {});
  const lines = history.map((record) => [record.epoch, record.rate, record.loss, record.validationLoss, record.score, record.seconds.toFixed(1), ...extra.map((key) => record.values[key])].join(','));
  return `${['epoch', 'rate', 'loss', 'validation_loss', 'score', 'seconds', ...extra].join(',')}\n${lines.join('\n')}\n`;
}
