import type { EpochRecord, Recipe } from '../../train/index.js';

/** `38 seconds`, `12 minutes`, `3.2 hours`. */
export function durationText(seconds: number): string {
  if (seconds < 119.5) { const whole = Math.max(1, Math.round(seconds)); return `${whole} ${whole === 1 ? 'second' : 'seconds'}`; }
  if (seconds < 7170) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

export interface Course {
  readonly recipe: Pick<Recipe, 'training' | 'stages'>;
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly scoreName: string;
  readonly engine: string;
}

/** How long a model was trained, and which epoch's weights it has and why, in two sentences. */
export function courseText({ recipe, history, bestEpoch, scoreName, engine }: Course): string {
  const { keep = 'best', monitor = 'score', average } = recipe.training;
  const stages = new Set(history.map(({ stage }) => stage ?? 0)).size;
  const epochs = `${history.length} ${history.length === 1 ? 'epoch' : 'epochs'}${stages > 1 ? ` in ${stages} stages` : ''}`;
  const kept = history[bestEpoch - 1];
  const validated = kept !== undefined && Number.isFinite(kept.validationLoss);
  const why = keep === 'last' || !validated ? 'the last' : `the best by validation ${monitor === 'loss' ? 'loss' : scoreName}${stages > 1 ? ' in the last stage' : ''}`;
  const numbers = !validated ? '' : ` (validation ${Number.isFinite(kept.score) ? `${scoreName} ${kept.score.toFixed(4)}, ` : ''}loss ${kept.validationLoss.toFixed(4)})`;
  return `${epochs} in ${durationText(history.reduce((sum, { seconds }) => sum + seconds, 0))} with ${engine}. Its weights are those of epoch ${bestEpoch}, ${why}${numbers}${average === undefined ? '' : ', as a moving average over steps'}.`;
}
