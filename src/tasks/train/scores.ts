import { join } from 'node:path';
import type { CardScore } from '../../card/index.js';
import { loadPairs, readMaskClasses } from '../../dataset/index.js';
import {
  accuracy, applyThreshold, bestConstantTags, constantConfusion, constantTags, fBeta, fBetaPerTag, intersectionOverUnion, meanIntersectionOverUnion, truthCounts,
} from '../../metrics/index.js';
import type { TaskContext } from '../../run/index.js';
import { IGNORE } from '../../samples/index.js';
import { runChips, scoreMaps, targetsOf, type Recipe } from '../../train/index.js';
import type { MapSamples, TagSamples } from './samples.js';

/** Scores of an exported tagger on chips that nothing was chosen on, beside those of answers that need no model. */
export async function scoreTags(recipe: Recipe, model: Uint8Array, samples: TagSamples, context: TaskContext): Promise<CardScore[]> {
  const { chips, split } = samples;
  const count = chips.tags.length;
  const rows = split.test.length;
  const truth = targetsOf(chips, split.test);
  const threshold = recipe.training.threshold ?? 0.5;
  const predicted = applyThreshold(await runChips(model, chips, split.test, 'scores', context.signal), count, threshold);
  const all = constantTags(chips.tags.map((_, tag) => tag), rows, count);
  // The constant answer is chosen on what the model was trained on, like the model.
  const set = bestConstantTags(targetsOf(chips, split.train), count);
  const constant = constantTags(set, rows, count);
  const on = `${rows} test chips`;
  const of = `best constant tags (${set.map((tag) => chips.tags[tag]!).join(' ')})`;
  const perTag = fBetaPerTag(truth, predicted, count);
  return [
    { metric: 'f2_samples', value: fBeta(truth, predicted, count), on },
    { metric: 'f2_micro', value: fBeta(truth, predicted, count, { average: 'micro' }), on },
    { metric: 'f2_macro', value: fBeta(truth, predicted, count, { average: 'macro' }), on },
    { metric: 'f1_samples', value: fBeta(truth, predicted, count, { beta: 1 }), on },
    { metric: 'f2_samples', value: fBeta(truth, all, count), on, of: 'all ones' },
    { metric: 'f2_micro', value: fBeta(truth, all, count, { average: 'micro' }), on, of: 'all ones' },
    { metric: 'f2_macro', value: fBeta(truth, all, count, { average: 'macro' }), on, of: 'all ones' },
    { metric: 'f1_samples', value: fBeta(truth, all, count, { beta: 1 }), on, of: 'all ones' },
    { metric: 'f2_samples', value: fBeta(truth, constant, count), on, of },
    { metric: 'f2_micro', value: fBeta(truth, constant, count, { average: 'micro' }), on, of },
    { metric: 'f2_macro', value: fBeta(truth, constant, count, { average: 'macro' }), on, of },
    { metric: 'f1_samples', value: fBeta(truth, constant, count, { beta: 1 }), on, of },
    ...chips.tags.map((tag, id): CardScore => ({ metric: `f2 ${tag}`, value: perTag[id]!, on })),
  ];
}

/** The same for a segmenter, at the full resolution of the test pictures. */
export async function scoreClasses(recipe: Recipe, model: Uint8Array, samples: MapSamples, folder: string, shape: { readonly multiple: number; readonly receptiveField: number }, context: TaskContext): Promise<CardScore[]> {
  const tested = Array.from(samples.split.test, (place) => samples.pictures[place]!);
  if (tested.length === 0) return [];
  const groups = [...new Set(tested.map((picture) => picture.group))];
  const wanted = new Set(tested.map((picture) => `${picture.group}/${picture.name}`));
  const { data } = recipe;
  const classes = await readMaskClasses(join(folder, data.classes!), data.leave_out ?? []);
  const names = samples.outputs;
  // Read again: the samples are at the network's resolution, scores are at the scene's.
  const all = await loadPairs({ folder, classes, groups, swapRedBlue: data.swap_red_blue ?? false, frame: data.frame ?? 0, signal: context.signal });
  const pictures = all.filter((picture) => wanted.has(`${picture.group}/${picture.name}`));
  const matrix = await scoreMaps(model, pictures, {
    ...shape, classes: names.length, signal: context.signal,
    onProgress: (done, total) => context.onProgress?.({ stage: 'test', done, total, unit: 'pictures' }),
  });
  const trained = new Array<number>(names.length).fill(0);
  for (const place of samples.split.train) for (const id of samples.pictures[place]!.mask) if (id !== IGNORE) trained[id]!++;
  const majority = trained.indexOf(Math.max(...trained));
  const constant = constantConfusion(truthCounts(matrix), majority);
  const on = `${pictures.length} test pictures${groups[0] === '' ? '' : ` of ${groups.join(', ')}`}`;
  const of = `majority class (${names[majority]!})`;
  const overlaps = intersectionOverUnion(matrix);
  return [
    { metric: 'pixel_accuracy', value: accuracy(matrix), on },
    { metric: 'miou', value: meanIntersectionOverUnion(matrix), on },
    { metric: 'pixel_accuracy', value: accuracy(constant), on, of },
    { metric: 'miou', value: meanOverTrue(constant), on, of },
    ...names.map((name, id): CardScore => ({ metric: `iou ${name}`, value: overlaps[id]!, on })),
  ];
}

/** Mean IoU with 0 for classes that are true but never answered. */
function meanOverTrue(matrix: Parameters<typeof intersectionOverUnion>[0]): number {
  const values = Array.from(intersectionOverUnion(matrix), (value) => (Number.isNaN(value) ? 0 : value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
