import type { PatchBatch } from '../grid/index.js';
import { isMapTask } from '../card/index.js';
import { ModelError } from '../errors.js';
import type { TypedArray } from '../raster/index.js';
import type { PatchOutput, Predictor } from './types.js';

/** Ways to look at a patch: mirrored (`flips`: 4), or mirrored and turned by quarters (`d4`: 8). */
export type TestTimeAugmentation = 'flips' | 'd4';

/** One way to look: what is done to the patch, in this order. All that a pixel goes through can be undone. */
export interface PatchTurn {
  /** Rows become columns. */
  readonly transpose: boolean;
  readonly mirrorX: boolean;
  readonly mirrorY: boolean;
}

/** The turns of one kind of augmentation; the first leaves the patch as it is. */
export function turnsOf(kind: TestTimeAugmentation): readonly PatchTurn[] {
  const flips = [false, true].flatMap((mirrorY) => [false, true].map((mirrorX) => ({ mirrorX, mirrorY })));
  return (kind === 'd4' ? [false, true] : [false]).flatMap((transpose) => flips.map((flip) => ({ transpose, ...flip })));
}

/**
 * A predictor that looks at every patch in several ways and averages the probabilities, put back to where they belong. Only `scores`
 * can be asked for: the most likely class is that of the mean. Each patch costs as many runs as there are ways.
 * @throws {ModelError} at the first patch, if the ways need patches of another shape than the model takes
 */
export function withTurns(predictor: Predictor, kind: TestTimeAugmentation): Predictor {
  const turns = turnsOf(kind);
  return {
    card: predictor.card, concurrency: predictor.concurrency, device: predictor.device, precision: predictor.precision,
    get engineMilliseconds() { return predictor.engineMilliseconds; },
    predict: async (batch, signal) => {
      const { shape, dim_order: order } = predictor.card.input;
      const [height, width] = order === 'bhwc' ? [shape[1], shape[2]] : [shape[2], shape[3]];
      if (kind === 'd4' && height > 0 && height !== width) throw new ModelError(predictor.card.name, `takes ${width} × ${height} pixels, which cannot be turned by quarters`, { advice: 'take --tta flips' });
      let mean: PatchOutput | undefined;
      // One after the other: callers have several patches under way, and a sum needs no more memory than one answer.
      for (const turn of turns) {
        const answer = await predictor.predict(turnBatch(batch, turn), signal);
        if (answer.scores === undefined) throw new ModelError(predictor.card.name, 'gives no probabilities that could be averaged');
        // Every answer is that for the patch as it is; the first turn changes nothing, so sizes are right from the start.
        mean ??= { width: answer.width, height: answer.height, scores: new Float32Array(answer.scores.length) };
        addTurned(mean, answer, turn, isMapTask(predictor.card.task) ? 'map' : 'patches');
        predictor.recycle(answer);
      }
      const { scores } = mean!;
      for (let i = 0; i < scores!.length; i++) scores![i]! /= turns.length;
      return mean!;
    },
    recycle: (output) => predictor.recycle(output),
    // The batch stays with the caller's copy: every way is a copy of its own.
    spareBatch: () => undefined,
    close: () => predictor.close(),
  };
}

/** A copy of a batch, seen in one way; pixel-interleaved. */
export function turnBatch(batch: PatchBatch, turn: PatchTurn): PatchBatch {
  const { data, count, width, height, bands } = batch;
  const out = new (data.constructor as new (length: number) => TypedArray)(data.length);
  const size = turn.transpose ? { width: height, height: width } : { width, height };
  const patch = width * height * bands;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < size.height; y++) {
      for (let x = 0; x < size.width; x++) {
        const from = n * patch + sourceOf(turn, x, y, width, height) * bands;
        const to = n * patch + (y * size.width + x) * bands;
        for (let band = 0; band < bands; band++) out[to + band] = data[from + band]!;
      }
    }
  }
  return { data: out, count, bands, ...size };
}

/** The place in a patch of `width × height` that pixel (x, y) of the turned patch shows. */
function sourceOf(turn: PatchTurn, x: number, y: number, width: number, height: number): number {
  const [column, row] = turn.transpose ? [y, x] : [x, y];
  return (turn.mirrorY ? height - 1 - row : row) * width + (turn.mirrorX ? width - 1 - column : column);
}

/** Adds the scores of a turned patch, pixel by pixel where they belong. */
function addTurned(sums: PatchOutput, answer: PatchOutput, turn: PatchTurn, kind: 'map' | 'patches'): void {
  const { width, height } = sums;
  const to = sums.scores!;
  const from = answer.scores!;
  if (kind === 'patches') {
    for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
    return;
  }
  const plane = width * height;
  for (let base = 0; base < to.length; base += plane) {
    for (let y = 0; y < answer.height; y++) {
      for (let x = 0; x < answer.width; x++) to[base + sourceOf(turn, x, y, width, height)]! += from[base + y * answer.width + x]!;
    }
  }
}
