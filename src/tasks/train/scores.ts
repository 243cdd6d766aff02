import type { CardScore } from '../../card/index.js';
import {
  accuracy, addToConfusion, applyThreshold, bestConstantTags, confusionMatrix, constantConfusion, constantTags, fBeta, fBetaPerTag, intersectionOverUnion, meanIntersectionOverTrue, meanIntersectionOverUnion, truthCounts, type ConfusionMatrix,
} from '../../metrics/index.js';
import type { TaskContext } from '../../run/index.js';
import { countPixels, runChips, scoreMaps, targetsOf, type RecipeTraining, type ScoreMapsOptions } from '../../train/index.js';
import type { LoadedChips, LoadedMaps } from './samples.js';

/** Samples that a model is scored on, and what to say of them. */
export interface Scored { readonly places: Int32Array; readonly on: string }

/**
 * The test samples; where there are none, those for choices, which is said; where there are none of these either, nothing.
 * @param kind `chips` or `pictures`
 */
export function scoredSamples(split: LoadedChips['split'], kind: string, training: RecipeTraining): Scored {
  if (split.test.length > 0) return { places: split.test, on: counted(split.test, 'test', kind) };
  if (split.validation.length === 0) return { places: split.validation, on: 'nothing: no samples were kept apart' };
  return { places: split.validation, on: `${counted(split.validation, 'validation', kind)}${choicesOf(training)}` };
}

function counted({ length }: Int32Array, part: string, kind: string): string {
  return `${length} ${part} ${length === 1 ? kind.replace(/s$/, '') : kind}`;
}

/** What a training chooses on its validation samples. */
export function choicesMade({ keep = 'best', calibrate, threshold }: RecipeTraining): string[] {
  return [...(keep === 'best' ? ['the epoch'] : []), ...(threshold === 'per-tag' ? ['thresholds'] : []), ...(calibrate === true ? ['offsets'] : [])];
}

/** What was chosen on the validation samples, so that scores on them are a little too good. */
function choicesOf(training: RecipeTraining): string {
  const choices = choicesMade(training);
  if (choices.length === 0) return ', on which nothing was chosen';
  return ` (on which ${choices.join(' and ')} ${choices.length > 1 || choices[0] !== 'the epoch' ? 'were' : 'was'} chosen, too)`;
}

/** What an exported chip model answers, `[places, tags]`. */
export async function answerChips(model: Uint8Array, { samples }: LoadedChips, places: Int32Array, context: TaskContext): Promise<Float32Array> {
  return runChips(model, samples, places, 'scores', context.signal);
}

/** Scores of a tagger's answers beside those of answers that need no model. */
export function scoreTags({ samples, split }: LoadedChips, { places, on }: Scored, answers: Float32Array, thresholds: number | readonly number[]): CardScore[] {
  const count = samples.tags.length;
  const rows = places.length;
  if (rows === 0) return [];
  const truth = targetsOf(samples, places);
  const predicted = applyThreshold(answers, count, thresholds);
  const all = constantTags(samples.tags.map((_, tag) => tag), rows, count);
  // The constant answer is chosen on what the model was trained on, like the model.
  const set = bestConstantTags(targetsOf(samples, split.train), count);
  const constant = constantTags(set, rows, count);
  const of = `best constant tags of the training samples (${set.map((tag) => samples.tags[tag]!).join(' ')})`;
  const perTag = fBetaPerTag(truth, predicted, count);
  const four = (found: Uint8Array, by: { readonly of?: string }): CardScore[] => [
    { metric: 'f2_samples', value: fBeta(truth, found, count), on, ...by },
    { metric: 'f2_micro', value: fBeta(truth, found, count, { average: 'micro' }), on, ...by },
    { metric: 'f2_macro', value: fBeta(truth, found, count, { average: 'macro' }), on, ...by },
    { metric: 'f1_samples', value: fBeta(truth, found, count, { beta: 1 }), on, ...by },
  ];
  return [...four(predicted, {}), ...four(all, { of: 'all ones' }), ...four(constant, { of }), ...samples.tags.flatMap((tag, id): CardScore[] => (truth.some((there, at) => there === 1 && at % count === id) ? [{ metric: `f2 ${tag}`, value: perTag[id]!, on }] : []))];
}

/** Counts of true and likeliest classes of chips. */
export function confuseClasses({ samples }: LoadedChips, { places }: Scored, answers: Float32Array): ConfusionMatrix {
  const count = samples.tags.length;
  const matrix = confusionMatrix(count);
  const truth = targetsOf(samples, places);
  const row = (values: ArrayLike<number>, at: number): number => { let best = 0; for (let id = 1; id < count; id++) if (values[at + id]! > values[at + best]!) best = id; return best; };
  addToConfusion(matrix, Uint8Array.from(places, (_, index) => row(truth, index * count)), Uint8Array.from(places, (_, index) => row(answers, index * count)));
  return matrix;
}

/** Scores of a classifier beside the most frequent class. */
export function scoreClassifier({ samples, split }: LoadedChips, { places, on }: Scored, matrix: ConfusionMatrix): CardScore[] {
  if (places.length === 0) return [];
  const trained = new Array<number>(samples.tags.length).fill(0);
  for (const chip of split.train) for (let id = 0; id < trained.length; id++) trained[id]! += samples.targets[chip * trained.length + id]!;
  const majority = trained.indexOf(Math.max(...trained));
  const truth = truthCounts(matrix);
  return [
    { metric: 'accuracy', value: accuracy(matrix), on },
    { metric: 'accuracy', value: accuracy(constantConfusion(truth, majority)), on, of: `majority class of the training samples (${samples.tags[majority]!})` },
    ...samples.tags.flatMap((name, id): CardScore[] => (truth[id]! === 0 ? [] : [{ metric: `recall ${name}`, value: matrix.counts[id * matrix.classes + id]! / truth[id]!, on }])),
  ];
}

export interface MapShape { readonly multiple: number; readonly receptiveField: number }

/** Counts of true and likeliest classes per pixel, at the full size of the pictures. */
export function confuseMaps(model: Uint8Array, full: LoadedMaps, { places }: Scored, shape: MapShape, context: TaskContext, onPicture?: ScoreMapsOptions['onPicture']): Promise<ConfusionMatrix> {
  return scoreMaps(model, full.samples, places, {
    ...shape, classes: full.outputs.length, signal: context.signal, ...(onPicture === undefined ? {} : { onPicture }),
    onProgress: (done, total) => context.onProgress?.({ stage: 'test', done, total, unit: 'pictures' }),
  });
}

/** Scores of a segmenter beside the most frequent class. */
export function scoreClasses({ samples, split }: LoadedMaps, { places, on }: Scored, matrix: ConfusionMatrix): CardScore[] {
  if (places.length === 0) return [];
  const names = samples.classes;
  const trained = countPixels(samples, split.train);
  const majority = trained.indexOf(Math.max(...trained));
  const constant = constantConfusion(truthCounts(matrix), majority);
  const groups = [...new Set(Array.from(places, (place) => samples.pictures[place]!.group))];
  const where = groups[0] === '' ? on : `${on} of ${groups.join(', ')}`;
  const of = `majority class of the training samples (${names[majority]!})`;
  const overlaps = intersectionOverUnion(matrix);
  return [
    { metric: 'pixel_accuracy', value: accuracy(matrix), on: where },
    { metric: 'miou', value: meanIntersectionOverUnion(matrix), on: where },
    { metric: 'pixel_accuracy', value: accuracy(constant), on: where, of },
    { metric: 'miou', value: meanIntersectionOverTrue(constant), on: where, of },
    ...names.flatMap((name, id): CardScore[] => (Number.isNaN(overlaps[id]!) ? [] : [{ metric: `iou ${name}`, value: overlaps[id]!, on: where }])),
  ];
}
