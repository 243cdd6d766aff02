import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '../card/index.js';
import { InvalidFileError } from '../errors.js';
import type { TaskContext } from '../run/index.js';
import {
  architectureOf, calibrate, fit, loadTensorflow, parseRecipe, resolveStages, setValues, shareWeights, totalEpochs,
  type Recipe,
} from '../train/index.js';
import { beginWith } from './train/begin-weights.js';
import { createDiary } from './train/diary.js';
import { areChips, loadSamples, type LoadedSamples } from './train/samples.js';
import { openCourse } from './train/stages.js';
import { openTrainingFolder } from './train/training-folder.js';
import { writeModel } from './train/write-model.js';

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

/**
 * Trains the model of a recipe and writes it with its card and a report.
 * @throws {OutputError} if the folder holds files that no training made, or another training is at work in it
 */
export async function train(options: TrainOptions, context: TaskContext = {}): Promise<TrainResult> {
  const recipe = await readRecipe(options);
  const giveBack = await openTrainingFolder(options.output);
  try {
    return await trainInto(options, recipe, context);
  } finally {
    await giveBack();
  }
}

async function trainInto(options: TrainOptions, recipe: Recipe, context: TaskContext): Promise<TrainResult> {
  const data = { data: options.data, cacheFolder: options.output };
  const stages = resolveStages(recipe);
  const first = await loadSamples(recipe, { ...data, ...(stages[0]!.size === undefined ? {} : { size: stages[0]!.size }) }, context);
  const { tf, engine, note, advice } = await loadTensorflow();
  const total = totalEpochs(recipe);
  context.onProgress?.({ stage: 'train', done: 0, total, unit: 'epochs', detail: engine === 'javascript' && advice !== undefined ? `${note}; ${advice}` : note });
  const course = openCourse(tf, { recipe, data, first, begin: (networks) => beginWith(tf, recipe, networks, options.data) }, context);
  try {
    const validated = first.split.validation.length > 0;
    const diary = await createDiary(options.output, recipe, first, context);
    const { history, bestEpoch, weights, scoreName } = await fit(tf, course.stages, {
      architecture: architectureOf(recipe), seed: recipe.training.seed, monitor: recipe.training.monitor,
      ...(recipe.training.average === undefined ? {} : { average: recipe.training.average }), keep: validated ? recipe.training.keep ?? 'best' : 'last',
      checkpoint: join(options.output, 'checkpoint.bin'), fingerprint: fingerprintOf(recipe, first), signal: context.signal,
      onStage: (opened) => { diary.scoreIs(opened.learner.scoreName); }, onEpoch: (record, all, validation) => diary.write(record, all, validation),
    });
    const { loaded, networks } = course.current();
    setValues(tf, networks.training.logits, weights);
    if (recipe.training.calibrate === true && !areChips(loaded)) {
      const offsets = calibrate(tf, networks.training, loaded.samples, loaded.split.validation, networks.multiple);
      context.onProgress?.({ stage: 'calibrate', done: 1, total: 1, unit: 'times', detail: loaded.outputs.map((name, id) => `${name} ${offsets[id]!.toFixed(2)}`).join(', ') });
    }
    shareWeights(networks);
    const card = await writeModel(tf, { recipe, loaded, networks, options, history, bestEpoch, scoreName, engine: note }, context);
    return { output: options.output, engine, epochs: history.length, bestEpoch, seconds: history.reduce((sum, record) => sum + record.seconds, 0), card };
  } finally {
    await course.close();
  }
}

/** The recipe of these options, with its settings. */
export async function readRecipe(options: Pick<TrainOptions, 'recipe' | 'set'>): Promise<Recipe> {
  const text = await readFile(options.recipe, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(options.recipe, 'expected a recipe, found no file that can be read', { cause }); });
  return parseRecipe(text, options.recipe, options.set);
}

/**
 * Of all that decides what is trained, but for the number of epochs: a run that turns out too long may be resumed as a shorter
 * one. What is done after the last step and the card's texts are free, too.
 */
function fingerprintOf(recipe: Recipe, loaded: LoadedSamples): string {
  const { data, split, network, task, optimizer, schedule, loss, augment } = recipe;
  const training = { ...recipe.training, epochs: undefined, calibrate: undefined, threshold: undefined };
  const stages = recipe.stages.map((stage) => ({ ...stage, epochs: undefined }));
  const parts: unknown[] = [task, data, split, network, training, optimizer, schedule, loss, augment, stages, loaded.outputs, loaded.samples.count, loaded.samples.fingerprint];
  // The file may be another one under the same name.
  if (split.file !== undefined) parts.push(Object.values(loaded.split).map((part: Int32Array) => Array.from(part)));
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

