import type { LayersModel, Tensor, Variable } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import { throwIfAborted } from '../errors.js';
import { createAdamW, oneCycle, type AdamW } from './adamw.js';
import { createAverage } from './average.js';
import { readCheckpoint, writeCheckpoint, type EpochRecord } from './checkpoint.js';
import { fuseTrainingOps } from './fused-ops.js';
import type { Learner } from './learner.js';

export interface FitOptions {
  readonly epochs: number;
  /** Highest learning rate of the one cycle. Default 4e-3. */
  readonly rate?: number;
  /** Weight decay. Default 0.01. */
  readonly decay?: number;
  /** Stops after so many epochs without a better score. Default: never (one cycle is best at its end). */
  readonly patience?: number;
  /** Share of the moving average of the weights that stays per step; it is what is validated and kept. Default: no average. */
  readonly average?: number;
  /** `best`: the weights of the epoch with the best score; `last`: those of the last, whatever its score. Default `best`. */
  readonly keep?: 'best' | 'last';
  /** Where the state is kept after every epoch; training goes on from it. Default: nowhere. */
  readonly checkpoint?: string;
  /** What the checkpoint must have been made by. Default empty. */
  readonly fingerprint?: string;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (record: EpochRecord, history: readonly EpochRecord[]) => void | Promise<void>;
  readonly onStep?: (epoch: number, step: number, loss: number) => void;
}

export interface FitResult {
  readonly history: readonly EpochRecord[];
  /** From 1: the epoch whose weights (or average of weights) the network has now. */
  readonly bestEpoch: number;
}

/**
 * Trains a network with AdamW over one cycle of the learning rate, keeps the weights of the epoch with the best validation
 * score (or of the last), and leaves the network with them. Native steps block the thread: the signal is looked at between steps.
 * @throws {Interrupted} when the signal is aborted; the finished epochs are in the checkpoint.
 */
export async function fit(tf: Tensorflow, learner: Learner, options: FitOptions): Promise<FitResult> {
  const { epochs, rate = 4e-3, checkpoint, fingerprint = '', signal } = options;
  const model = learner.network.logits;
  fuseTrainingOps(tf, model);
  const variables = trainableVariables(model);
  const optimizer = createAdamW(tf, variables, options.decay === undefined ? {} : { decay: options.decay });
  const average = options.average === undefined ? undefined : createAverage(tf, model, options.average);
  const saved = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, fingerprint);
  const history: EpochRecord[] = [...(saved?.history ?? [])];
  let best: readonly Float32Array[] | undefined = saved?.best;
  let bestEpoch = saved?.bestEpoch ?? 0;
  if (saved !== undefined) {
    setValues(tf, model, saved.weights);
    optimizer.steps = saved.steps;
    optimizer.moments.forEach((moment, index) => assign(tf, moment, saved.moments[index]!));
    average?.set(saved.average);
  }
  const totalSteps = epochs * learner.stepsPerEpoch;
  for (let epoch = history.length; epoch < epochs; epoch++) {
    if (options.patience !== undefined && epoch - bestEpoch >= options.patience && bestEpoch > 0) break;
    const started = performance.now();
    let lossSum = 0;
    let lastRate = 0;
    for (let step = 0; step < learner.stepsPerEpoch; step++) {
      // Lets signals and timers in between two blocking steps.
      await new Promise(setImmediate);
      throwIfAborted(signal);
      lastRate = oneCycle(epoch * learner.stepsPerEpoch + step, totalSteps, rate);
      const loss = trainStep(tf, learner, variables, optimizer, { epoch, step, rate: lastRate });
      average?.update(optimizer.steps);
      lossSum += loss;
      options.onStep?.(epoch, step, loss);
    }
    const weights = getValues(model);
    const averaged = average?.values();
    if (averaged !== undefined) setValues(tf, model, averaged);
    const validation = await learner.validate(signal);
    if (averaged !== undefined) setValues(tf, model, weights);
    const record: EpochRecord = {
      epoch: epoch + 1, rate: lastRate, loss: lossSum / learner.stepsPerEpoch, validationLoss: validation.loss, score: validation.score,
      seconds: (performance.now() - started) / 1000, values: validation.values,
    };
    history.push(record);
    if (best === undefined || options.keep === 'last' || validation.score > history[bestEpoch - 1]!.score) {
      bestEpoch = epoch + 1;
      best = averaged ?? weights;
    }
    if (checkpoint !== undefined) {
      await writeCheckpoint(checkpoint, {
        fingerprint, epoch: epoch + 1, steps: optimizer.steps, history, bestEpoch, weights, best,
        moments: optimizer.moments.map((moment) => moment.dataSync<'float32'>()), average: averaged ?? [],
      });
    }
    await options.onEpoch?.(record, history);
  }
  if (best !== undefined) setValues(tf, model, best);
  optimizer.moments.forEach((moment) => moment.dispose());
  average?.dispose();
  return { history, bestEpoch };
}

/** One step; returns the loss before it. */
function trainStep(tf: Tensorflow, learner: Learner, variables: Variable[], optimizer: AdamW, at: { readonly epoch: number; readonly step: number; readonly rate: number }): number {
  const batch = learner.batch(at.epoch, at.step);
  return tf.tidy(() => {
    const x = tf.tensor4d(batch.x, [...batch.xShape]);
    const y = tf.tensor(batch.y, [...batch.yShape]);
    const { value, grads } = tf.variableGrads(() => learner.loss(learner.network.logits.apply(x, { training: true }) as Tensor, y), variables);
    optimizer.step(grads, at.rate);
    return value.dataSync()[0]!;
  });
}

export function trainableVariables(model: LayersModel): Variable[] {
  // A layer's weight keeps its variable in `val`, which the typings leave out.
  return model.trainableWeights.map((weight) => (weight as unknown as { val: Variable }).val);
}

/** Values of all weights, in the model's order. */
export function getValues(model: LayersModel): Float32Array[] {
  return model.getWeights().map((tensor) => tensor.dataSync<'float32'>().slice());
}

export function setValues(tf: Tensorflow, model: LayersModel, values: readonly Float32Array[]): void {
  tf.tidy(() => model.setWeights(model.getWeights().map((tensor, index) => tf.tensor(values[index]!, tensor.shape))));
}

function assign(tf: Tensorflow, variable: Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
