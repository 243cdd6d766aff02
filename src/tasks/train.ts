import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskContext } from '../run/index.js';
import { buildNetworks, fit, loadTensorflow, mapLearner, parseRecipe, tagLearner, type EpochRecord, type Learner, type Recipe, type RecipeNetworks } from '../train/index.js';
import type { Tensorflow } from '../../models/architectures/index.js';
import { loadSamples, type MapSamples, type TagSamples } from './train-samples.js';

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
  readonly bestEpoch: number;
  readonly seconds: number;
}

/** Trains the model of a recipe and writes it with its card. */
export async function train(options: TrainOptions, context: TaskContext = {}): Promise<TrainResult> {
  const recipe = parseRecipe(await readFile(options.recipe, 'utf8'), options.recipe, options.set);
  await mkdir(options.output, { recursive: true });
  const samples = await loadSamples(recipe, options.data, options.output, context);
  const { tf, engine, note } = await loadTensorflow();
  context.onProgress?.({ stage: 'train', done: 0, total: recipe.training.epochs, unit: 'epochs', detail: note });
  const networks = buildNetworks(tf, recipe, samples.outputs.length);
  const learner = createLearner(tf, recipe, networks, samples);
  const { history, bestEpoch } = await fit(tf, learner, {
    epochs: recipe.training.epochs, rate: recipe.training.rate, decay: recipe.training.decay ?? 0.01,
    ...(recipe.training.patience === undefined ? {} : { patience: recipe.training.patience }),
    checkpoint: join(options.output, 'checkpoint.bin'), fingerprint: fingerprintOf(recipe, samples), signal: context.signal,
    onEpoch: async (record, all) => {
      await writeFile(join(options.output, 'history.csv'), historyCsv(all));
      context.onProgress?.({ stage: 'train', done: record.epoch, total: recipe.training.epochs, unit: 'epochs', detail: describe(record, learner.scoreName) });
    },
  });
  return { output: options.output, engine, epochs: history.length, bestEpoch, seconds: history.reduce((sum, record) => sum + record.seconds, 0) };
}

function createLearner(tf: Tensorflow, recipe: Recipe, networks: RecipeNetworks, samples: TagSamples | MapSamples): Learner {
  const { training } = recipe;
  const common = { batch: training.batch, seed: training.seed, ...(training.augment === undefined ? {} : { augment: training.augment }) };
  if (samples.kind === 'chips') return tagLearner(tf, networks.training, samples.chips, samples.split, { ...common, threshold: training.threshold ?? 0.5 });
  return mapLearner(tf, networks.training, samples.pictures, samples.split, {
    ...common, classes: samples.outputs, patch: training.patch!, multiple: networks.multiple, classWeights: training.class_weights ?? 'sqrt',
  });
}

/**
 * Of all that decides what is trained, but for the number of epochs: a run that turns out too long may be resumed as a shorter
 * one. The card's texts are free, too.
 */
function fingerprintOf(recipe: Recipe, samples: TagSamples | MapSamples): string {
  const { data, split, network, task } = recipe;
  const training = { ...recipe.training, epochs: undefined };
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
