import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '../card/index.js';
import { problemText } from '../dataset/index.js';
import { InvalidFileError } from '../errors.js';
import type { TaskContext } from '../run/index.js';
import {
  architectureOf, calibrate, fit, loadTensorflow, parseRecipe, readProgress, resolveStages, setValues, shareWeights, totalEpochs,
  type EngineName, type LoadedTensorflow, type Recipe, type Stage,
} from '../train/index.js';
import type { PublicWeights } from './models/catalogue.js';
import { findBeginning, type Beginning } from './train/begin-weights.js';
import { checkNetwork } from './train/check-network.js';
import { createDiary } from './train/diary.js';
import { leakNotes } from './train/leaks.js';
import { CHECKPOINT, fingerprintOf, originOf, refuseOther } from './train/origin.js';
import { areChips, loadSamples, type LoadedSamples } from './train/samples.js';
import { scoredSamples } from './train/scores.js';
import { openCourse } from './train/stages.js';
import { openTrainingFolder, refuseStranger } from './train/training-folder.js';
import { writeModel } from './train/write-model.js';

export interface TrainOptions {
  /** Recipe file (YAML). */
  readonly recipe: string;
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Folder for the model and everything about its making. A run that was stopped goes on from what it finds there. */
  readonly output: string;
  /** Of the model, in lower case letters, digits and hyphens. Default: the recipe's. */
  readonly name?: string;
  /** Keys of the recipe with other values: `training.epochs=3`. */
  readonly set?: readonly string[];
}

export interface TrainResult {
  readonly output: string;
  readonly engine: EngineName;
  readonly epochs: number;
  /** From 1: the epoch whose weights the model has. */
  readonly bestEpoch: number;
  /** Samples that the scores of the card are on; what was chosen on them is said. */
  readonly scoredOn: string;
  /** Time spent in epochs, over all runs. */
  readonly seconds: number;
  readonly card: ModelCard;
}

/**
 * Trains the model of a recipe and writes it with its card and a report.
 * Recipe, weights to begin with and folder are looked at before the data, and the data before the first step.
 * @param catalogue Weights that recipes may name. Default: those of `models pull`
 * @throws {InvalidOptionError} if the folder holds files that no training made; {@link OutputError} if another training is at work in it
 */
export async function train(options: TrainOptions, context: TaskContext = {}, catalogue?: readonly PublicWeights[]): Promise<TrainResult> {
  const recipe = await readRecipe(options);
  // Before the engine is loaded, which takes seconds and is not silent.
  await refuseStranger(options.output);
  const loaded = await loadTensorflow();
  checkNetwork(loaded.tf, recipe);
  const beginning = await findBeginning(loaded.tf, recipe, options.data, context, catalogue);
  const giveBack = await openTrainingFolder(options.output, originOf(recipe, options.data));
  try {
    const result = await trainInto(options, recipe, { ...loaded, ...beginning }, context);
    await giveBack();
    return result;
  } catch (error) {
    await giveBack(error);
    throw error;
  }
}

type Ready = LoadedTensorflow & Beginning;

async function trainInto(options: TrainOptions, recipe: Recipe, { tf, engine, note, advice, begin, outputs }: Ready, context: TaskContext): Promise<TrainResult> {
  const data = { data: options.data, cacheFolder: options.output, toTrain: true };
  const stages = resolveStages(recipe);
  const total = totalEpochs(recipe);
  // Epochs of an earlier run are done: they are not counted in the time that is left.
  const done = Math.min(total, (await readProgress(join(options.output, CHECKPOINT)))?.epoch ?? 0);
  const tell = (detail: string): void => context.onProgress?.({ stage: 'train', done, total, unit: 'epochs', detail });
  const goingOn = (): void => tell(done < total ? `going on after epoch ${done} of an earlier run` : 'all epochs were done by an earlier run: its model is written again');
  let origin = originOf(recipe, options.data);
  const first = await loadSamples(recipe, {
    ...data, ...(stages[0]!.size === undefined ? {} : { size: stages[0]!.size }), ...(outputs === undefined ? {} : { outputs }),
    onListed: ({ entries, classes }) => { origin = { ...origin, listed: { entries: entries.length, classes } }; return Promise.resolve(); },
    onKey: async (key) => { origin = { ...origin, data: key }; await refuseOther(options.output, origin); if (done > 0) goingOn(); },
  }, context);
  for (const remark of first.remarks) context.onProgress?.({ stage: 'data', done: 1, total: 1, unit: 'times', detail: `note: ${problemText(remark)}` });
  for (const note of [...taskNotes(recipe, first), ...stepNotes(stages, first, recipe.training.steps)]) context.onProgress?.({ stage: 'data', done: 1, total: 1, unit: 'times', detail: `note: ${note}` });
  tell(engine === 'javascript' && advice !== undefined ? `${note}; ${advice}` : note);
  const fingerprint = fingerprintOf(recipe, first);
  await refuseOther(options.output, origin, fingerprint).catch(async (error: unknown) => { await first.samples.close(); throw error; });
  const course = openCourse(tf, { recipe, data, first, begin: (networks) => begin(tf, networks) }, context);
  try {
    if (await stat(join(options.output, CHECKPOINT)).catch(() => undefined) === undefined) await leakNotes(first, context);
    const validated = first.split.validation.length > 0;
    const diary = await createDiary(options.output, recipe, first, context, options.name);
    const { history, bestEpoch, weights, scoreName } = await fit(tf, course.stages, {
      architecture: architectureOf(recipe), seed: recipe.training.seed, monitor: recipe.training.monitor,
      ...(recipe.training.average === undefined ? {} : { average: recipe.training.average }), keep: validated ? recipe.training.keep ?? 'best' : 'last',
      checkpoint: join(options.output, CHECKPOINT), fingerprint, origin, signal: context.signal, stages: recipe.stages.length,
      onStage: (opened) => { diary.scoreIs(opened.learner.scoreName); }, onEpoch: (record, all, validation) => diary.write(record, all, validation),
    });
    const { loaded, networks } = course.current();
    setValues(tf, networks.training.logits, weights);
    if (recipe.training.calibrate === true && !areChips(loaded)) {
      const offsets = await calibrate(tf, networks.training, loaded.samples, loaded.split.validation, { multiple: networks.multiple, signal: context.signal });
      context.onProgress?.({ stage: 'calibrate', done: 1, total: 1, unit: 'times', detail: loaded.outputs.map((name, id) => `${name} ${offsets[id]!.toFixed(2)}`).join(', ') });
    }
    shareWeights(networks);
    const card = await writeModel(tf, { recipe, loaded, networks, options, history, bestEpoch, scoreName, engine: note, name: options.name ?? recipe.name }, context);
    return { output: options.output, engine, epochs: history.length, bestEpoch, scoredOn: scoredSamples(loaded.split, areChips(loaded) ? 'chips' : 'pictures', recipe.training).on, seconds: history.reduce((sum, record) => sum + record.seconds, 0), card };
  } finally {
    await course.close();
  }
}

/** What another task would fit better. */
function taskNotes(recipe: Recipe, loaded: LoadedSamples): string[] {
  if (recipe.task !== 'tagger' || !areChips(loaded) || !loaded.samples.exclusive) return [];
  return ['every chip of these data has exactly one class, and a tagger decides on each class by itself (none, or several, may come out): a classifier fits better (tilewright train classifier, or --set task=classifier with training.threshold=null)'];
}

/** Steps of a whole training below which normalisation and weights have hardly moved: measured on a few hundred chips, where 45 were too few and 165 enough. */
const FEW_STEPS = 100;

/** That there are few steps, where a smaller batch would make more of them. */
function stepNotes(stages: readonly Stage[], loaded: LoadedSamples, perEpoch: number | undefined): string[] {
  const steps = stages.reduce((sum, stage) => sum + stage.epochs * (perEpoch ?? Math.ceil(loaded.split.train.length / stage.batch)), 0);
  if (!areChips(loaded) || steps >= FEW_STEPS || stages.every(({ batch }) => batch <= 8)) return [];
  return [`${steps} steps in all (${loaded.split.train.length} chips in batches of ${stages[0]!.batch}) are few, and scores may stay at those of the most frequent class: a smaller training.batch, such as 16, or more training.epochs make more of them`];
}

/** The recipe of these options, with its settings. */
export async function readRecipe(options: Pick<TrainOptions, 'recipe' | 'set'>): Promise<Recipe> {
  const text = await readFile(options.recipe, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(options.recipe, 'expected a recipe, found no file that can be read', { advice: 'shipped recipes go by their names alone, as in tilewright train theme-cnn', cause }); });
  return parseRecipe(text, options.recipe, options.set);
}
