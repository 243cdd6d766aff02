import type { LayersModel } from '@tensorflow/tfjs';
import type { Architecture, Tensorflow } from '../../models/architectures/index.js';
import { InvalidOptionError, throwIfAborted } from '../errors.js';
import { createAverage } from './average.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type EpochRecord, type Origin } from './checkpoint.js';
import { fuseTrainingOps } from './fused-ops.js';
import { chooseLayers, peakRate, ratesOf, trainedWeights, type TrainedWeight } from './layer-choice.js';
import type { Learner, Validation } from './learner.js';
import { createOptimizer } from './optimizer.js';
import type { RecipeLoss, RecipeTraining } from './recipe.js';
import type { Stage } from './resolve-stages.js';
import { rateFactor } from './schedule.js';
import { setTrainingMode } from './training-mode.js';
import { trainStep } from './train-step.js';
import { assignValues, getValues, setValues } from './weight-values.js';

/** A network and its samples, at the size of a stage. */
export interface OpenedStage {
  /** All weights, frozen ones included; the learner may run a part of it only. */
  readonly model: LayersModel;
  readonly learner: Learner;
}

/** One stage of a training, opened when its turn comes. */
export interface FitStage {
  readonly stage: Pick<Stage, 'name' | 'epochs' | 'freeze' | 'patience' | 'optimizer' | 'schedule' | 'loss'>;
  /** Called with the weights that the stage begins with; absent for the first. */
  open(begin: readonly Float32Array[] | undefined): Promise<OpenedStage>;
}

export interface FitOptions extends Pick<RecipeTraining, 'average' | 'keep' | 'monitor'> {
  readonly architecture: Architecture;
  /** Of dropout. */
  readonly seed: number;
  /** Where the state is kept after every epoch; training goes on from it. Default: nowhere. */
  readonly checkpoint?: string;
  /** What the checkpoint must have been made by. Default empty. */
  readonly fingerprint?: string;
  /** Noted in the checkpoint. */
  readonly origin?: Origin;
  readonly signal?: AbortSignal;
  /** How many stages the recipe names, for messages. Default 1: none by name. */
  readonly stages?: number;
  /** Called with a stage and the score's name before its first epoch. */
  readonly onStage?: (opened: OpenedStage, index: number) => void | Promise<void>;
  readonly onEpoch?: (record: EpochRecord, history: readonly EpochRecord[], validation: Validation) => void | Promise<void>;
  readonly onStep?: (epoch: number, step: number, loss: number) => void;
}

export interface FitResult {
  readonly history: readonly EpochRecord[];
  /** From 1: the epoch whose weights (or average of weights) the network has now. */
  readonly bestEpoch: number;
  /** Of the last stage's network. */
  readonly weights: readonly Float32Array[];
  readonly scoreName: string;
}

/** What a run carries from epoch to epoch. */
interface State { history: EpochRecord[]; best: readonly Float32Array[] | undefined; bestEpoch: number }

/**
 * Trains stage after stage, each from the weights that the one before ended with: those of its best epoch, or of its last.
 * The optimizer begins anew with each. Native steps block the thread: the signal is looked at between steps.
 * @throws {Interrupted} when the signal is aborted; the finished epochs are in the checkpoint.
 */
export async function fit(tf: Tensorflow, stages: readonly FitStage[], options: FitOptions): Promise<FitResult> {
  const saved = options.checkpoint === undefined ? undefined : await readCheckpoint(options.checkpoint, options.fingerprint ?? '');
  const state: State = { history: [...(saved?.history ?? [])], best: saved?.best, bestEpoch: saved?.bestEpoch ?? 0 };
  const reached = saved?.history.at(-1)?.stage ?? 0;
  let scoreName = '';
  for (let index = reached; index < stages.length; index++) {
    const going = index === reached && saved !== undefined;
    const opened = await stages[index]!.open(going ? saved.weights : state.best);
    const begin = going ? saved.weights : state.best;
    if (begin !== undefined) setValues(tf, opened.model, begin);
    if (!going) { state.best = undefined; state.bestEpoch = 0; }
    scoreName = opened.learner.scoreName;
    await options.onStage?.(opened, index);
    await fitStage(tf, { opened, stage: stages[index]!.stage, index, state, saved: going ? saved : undefined, options });
  }
  return { history: state.history, bestEpoch: state.bestEpoch, weights: state.best!, scoreName };
}

interface StageRun {
  readonly opened: OpenedStage;
  readonly stage: FitStage['stage'];
  readonly index: number;
  readonly state: State;
  readonly saved: Checkpoint | undefined;
  readonly options: FitOptions;
}

async function fitStage(tf: Tensorflow, run: StageRun): Promise<void> {
  const { opened: { model, learner }, stage, index, state, saved, options } = run;
  const { seed, monitor = 'score', keep = 'best' } = options;
  const frozen = chooseLayers(options.architecture, model, stage.freeze, 'freeze');
  fuseTrainingOps(tf, learner.network.logits);
  const mode = setTrainingMode(tf, learner.network.logits, frozen, seed);
  const weights = trainedWeights(learner.network.logits, frozen);
  const rates = ratesOf(options.architecture, model, weights, stage.optimizer.lr);
  const peak = peakRate(stage.optimizer.lr);
  const optimizer = createOptimizer(tf, weights.map((weight) => weight.variable), stage.optimizer);
  const average = options.average === undefined ? undefined : createAverage(tf, model, options.average);
  if (saved !== undefined) {
    optimizer.steps = saved.steps;
    optimizer.moments.forEach((moment, place) => assignValues(tf, moment, saved.moments[place]!));
    average?.set(saved.average);
  }
  const parts = { learner, optimizer, weights, l2: squareWeights(options.architecture, model, weights, stage.loss.l2) };
  const before = state.history.filter((record) => (record.stage ?? 0) < index).length;
  const steps = learner.stepsPerEpoch;
  for (let epoch = state.history.length; epoch < before + stage.epochs; epoch++) {
    if (stage.patience !== undefined && state.bestEpoch > 0 && epoch - state.bestEpoch >= stage.patience) break;
    const started = performance.now();
    // Where nothing is validated, the losses of training are all there is.
    const losses = state.history.slice(before).map((record) => (Number.isFinite(record.validationLoss) ? record.validationLoss : record.loss));
    let lossSum = 0;
    let samples = 0;
    let factor = 1;
    for (let step = 0; step < steps; step++) {
      // Lets signals and timers in between two blocking steps.
      await new Promise(setImmediate);
      throwIfAborted(options.signal);
      factor = rateFactor(stage.schedule, { step: (epoch - before) * steps + step, steps: stage.epochs * steps, losses }, peak);
      mode.at(epoch * steps + step);
      const batch = learner.batch(epoch, step);
      const loss = checkedLoss(trainStep(tf, parts, batch, rates.map((rate) => rate * factor)), { epoch: epoch + 1, step: step + 1, peak, name: stage.name, stages: options.stages ?? 1 });
      average?.update(optimizer.steps);
      // The last batch may be smaller: the mean is over samples.
      lossSum += loss * batch.xShape[0]!;
      samples += batch.xShape[0]!;
      options.onStep?.(epoch, step, loss);
    }
    const values = getValues(model);
    const averaged = average?.values();
    if (averaged !== undefined) setValues(tf, model, averaged);
    const validation = await learner.validate(options.signal);
    if (averaged !== undefined) setValues(tf, model, values);
    const record: EpochRecord = {
      epoch: epoch + 1, ...(index === 0 ? {} : { stage: index }), rate: peak * factor, loss: lossSum / samples, validationLoss: validation.loss, score: validation.score,
      seconds: (performance.now() - started) / 1000, values: validation.values,
    };
    state.history.push(record);
    if (state.best === undefined || keep === 'last' || isBetter(record, state.history[state.bestEpoch - 1]!, monitor)) {
      state.bestEpoch = epoch + 1;
      state.best = averaged ?? values;
    }
    if (options.checkpoint !== undefined) {
      await writeCheckpoint(options.checkpoint, {
        fingerprint: options.fingerprint ?? '', ...(options.origin === undefined ? {} : { origin: options.origin }), epoch: epoch + 1, steps: optimizer.steps, history: state.history, bestEpoch: state.bestEpoch, weights: values, best: state.best,
        moments: optimizer.moments.map((moment) => moment.dataSync<'float32'>()), average: averaged ?? [],
      });
    }
    await options.onEpoch?.(record, state.history, validation);
  }
  if (state.best !== undefined) setValues(tf, model, state.best);
  optimizer.dispose();
  average?.dispose();
}

interface LossPlace { readonly epoch: number; readonly step: number; readonly peak: number; readonly name: string; readonly stages: number }

/** @throws {InvalidOptionError} for a loss that is no number: no later step mends the weights then */
function checkedLoss(loss: number, { epoch, step, peak, name, stages }: LossPlace): number {
  if (Number.isFinite(loss)) return loss;
  throw new InvalidOptionError(stages > 1 ? `stages.${name}.lr` : 'optimizer.lr', `expected a rate with which the loss stays a number, found ${peak} and a loss of ${loss} in step ${step} of epoch ${epoch}`, { advice: 'take a smaller one (--find-lr looks for it), or shorten gradients with optimizer.clipnorm' });
}

/** A score that is no number is never best: the first that is one takes its place. */
function isBetter(record: EpochRecord, best: EpochRecord, monitor: 'score' | 'loss'): boolean {
  const [value, reached] = monitor === 'score' ? [record.score, best.score] : [-record.validationLoss, -best.validationLoss];
  return value > reached || (Number.isNaN(reached) && !Number.isNaN(value));
}

/** By weight: what its squares weigh in the loss. Kernels only. */
export function squareWeights(architecture: Architecture, model: LayersModel, weights: readonly TrainedWeight[], l2: RecipeLoss['l2']): number[] {
  if (l2 === undefined) return weights.map(() => 0);
  const named = typeof l2 === 'number' ? [] : Object.entries(l2).map(([name, value]) => ({ layers: chooseLayers(architecture, model, [name], 'loss.l2'), value }));
  return weights.map(({ variable, layer }) => {
    if (variable.rank < 2) return 0;
    return typeof l2 === 'number' ? l2 : named.find(({ layers }) => layers.has(layer.name))?.value ?? 0;
  });
}
