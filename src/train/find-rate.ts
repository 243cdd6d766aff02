import type { Tensorflow } from '../../models/architectures/index.js';
import { throwIfAborted } from '../errors.js';
import type { OpenedStage } from './fit.js';
import { fuseTrainingOps } from './fused-ops.js';
import { chooseLayers, peakRate, ratesOf, trainedWeights } from './layer-choice.js';
import { squareWeights } from './fit.js';
import { createOptimizer } from './optimizer.js';
import type { Stage } from './resolve-stages.js';
import { setTrainingMode } from './training-mode.js';
import { trainStep } from './train-step.js';
import { getValues, setValues } from './weight-values.js';
import type { Architecture } from '../../models/architectures/index.js';

export interface FindRateOptions {
  readonly architecture: Architecture;
  readonly seed: number;
  /** First and last rate. Default 1e-7 and 10. */
  readonly from?: number;
  readonly to?: number;
  /** Default 100. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, steps: number) => void;
}

export interface RatePoint { readonly rate: number; readonly loss: number; /** Moving average of the losses so far. */ readonly smooth: number }

export interface FoundRate {
  readonly points: readonly RatePoint[];
  /** Rates to begin with; absent where the loss did not fall at any rate. */
  readonly suggested?: {
    /** Where the loss falls most steeply. */
    readonly steepest: number;
    /** A tenth of the rate with the lowest loss. */
    readonly tenthOfLowest: number;
  };
}

/** The average keeps this share per step; the loss has run away when it is so many times the lowest. */
const KEPT = 0.9;
const RUN_AWAY = 4;

/**
 * Trains for some steps with a rate that grows evenly by ratio, and looks at where the loss falls (Smith 2015). The weights are
 * put back afterwards.
 */
export async function findRate(tf: Tensorflow, opened: OpenedStage, stage: Pick<Stage, 'freeze' | 'optimizer' | 'loss'>, options: FindRateOptions): Promise<FoundRate> {
  const { from = 1e-7, to = 10, steps = 100, architecture } = options;
  const { model, learner } = opened;
  const kept = getValues(model);
  const frozen = chooseLayers(architecture, model, stage.freeze, 'freeze');
  fuseTrainingOps(tf, learner.network.logits);
  const mode = setTrainingMode(tf, learner.network.logits, frozen, options.seed);
  const weights = trainedWeights(learner.network.logits, frozen);
  const shares = ratesOf(architecture, model, weights, stage.optimizer.lr).map((rate) => rate / peakRate(stage.optimizer.lr));
  const optimizer = createOptimizer(tf, weights.map((weight) => weight.variable), stage.optimizer);
  const parts = { learner, optimizer, weights, l2: squareWeights(architecture, model, weights, stage.loss.l2) };
  const points: RatePoint[] = [];
  let average = 0;
  let lowest = Infinity;
  for (let step = 0; step < steps; step++) {
    await new Promise(setImmediate);
    throwIfAborted(options.signal);
    const rate = from * (to / from) ** (step / (steps - 1));
    mode.at(step);
    const loss = trainStep(tf, parts, learner.batch(Math.floor(step / learner.stepsPerEpoch), step % learner.stepsPerEpoch), shares.map((share) => share * rate));
    average = average * KEPT + loss * (1 - KEPT);
    const smooth = average / (1 - KEPT ** (step + 1));
    points.push({ rate, loss, smooth });
    options.onStep?.(step + 1, steps);
    if (!Number.isFinite(loss) || (step > 10 && smooth > lowest * RUN_AWAY)) break;
    lowest = Math.min(lowest, smooth);
  }
  optimizer.dispose();
  setValues(tf, model, kept);
  return { points, ...suggestRates(points) };
}

/** The loss has fallen if its smoothed value is below the first ones by this share. */
const FALLEN = 0.01;

/** Rates to begin with, from the smoothed losses; none where they never fall. */
export function suggestRates(points: readonly RatePoint[]): Pick<FoundRate, 'suggested'> {
  const finite = points.filter((point) => Number.isFinite(point.smooth));
  const lowest = finite.reduce((best, point, index) => (point.smooth < finite[best]!.smooth ? index : best), 0);
  let steepest = 0;
  let slope = 0;
  for (let index = 1; index < lowest; index++) {
    const change = (finite[index + 1]!.smooth - finite[index - 1]!.smooth) / Math.log(finite[index + 1]!.rate / finite[index - 1]!.rate);
    if (change < slope) { slope = change; steepest = index; }
  }
  if (steepest === 0 || finite[lowest]!.smooth > finite[0]!.smooth * (1 - FALLEN)) return {};
  return { suggested: { steepest: finite[steepest]!.rate, tenthOfLowest: finite[lowest]!.rate / 10 } };
}
