import type { RecipeSchedule } from './recipe.js';

/** Where a step is in its stage. */
export interface SchedulePlace {
  /** From 0, over the whole stage. */
  readonly step: number;
  /** Steps of the stage. */
  readonly steps: number;
  /** Validation losses of the epochs that the stage has finished. */
  readonly losses: readonly number[];
}

/**
 * What the highest rate is multiplied by at a step. It depends on nothing but the place, so a run that goes on needs no state.
 */
export function rateFactor(schedule: RecipeSchedule, place: SchedulePlace, peak: number): number {
  const least = Math.min(1, (schedule.min_lr ?? 0) / peak);
  switch (schedule.name) {
    case 'constant': return 1;
    case 'one-cycle': return oneCycle(place.step, place.steps, 1, schedule.rise, schedule.start_divisor);
    // From the peak at the first step, half a cosine (Loshchilov and Hutter 2017).
    case 'cosine': return least + (1 - least) * (1 + Math.cos((Math.PI * place.step) / Math.max(1, place.steps))) / 2;
    case 'plateau': return Math.max(least, plateau(place.losses, schedule.factor ?? 0.5, schedule.patience ?? 3));
  }
}

/** Learning rate of step `step` of `steps`: a cosine up over the first part, a cosine down to nearly nothing (Smith 2018). */
export function oneCycle(step: number, steps: number, peak: number, rise = 0.25, startDivisor = 25): number {
  const start = peak / startDivisor;
  const end = peak / 1e4;
  const top = rise * steps;
  const blend = (from: number, to: number, part: number): number => to + (from - to) * (1 + Math.cos(Math.PI * part)) / 2;
  return step < top ? blend(start, peak, step / top) : blend(peak, end, Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
}

/** A loss counts as lower if it is by this much (Keras's `min_delta`). */
const LOWER_BY = 1e-4;

/** The product of the factors so far: one for every `patience` epochs in a row without a lower loss (ReduceLROnPlateau of Keras). */
function plateau(losses: readonly number[], factor: number, patience: number): number {
  let product = 1;
  let lowest = Infinity;
  let waited = 0;
  for (const loss of losses) {
    if (loss < lowest - LOWER_BY) { lowest = loss; waited = 0; continue; }
    if (++waited >= patience) { product *= factor; waited = 0; }
  }
  return product;
}
