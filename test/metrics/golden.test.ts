import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accuracy, addToConfusion, applyThreshold, averagePrecisionPerTag, bestConstantTags, classPrecisionRecall, confusionMatrix, constantConfusion, constantTags, dice, fBeta, fBetaPerTag,
  intersectionOverUnion, meanIntersectionOverTrue, meanIntersectionOverUnion, precisionRecall, precisionRecallPerTag, subsetAccuracy, tagAccuracy, topKAccuracy, truthCounts, type TagAverage,
} from '../../src/metrics/index.js';
import { hasShared, root, shared } from '../places.js';

interface Golden {
  tags: { truth: number[][]; predicted: number[][]; scores: { beta: number; average: TagAverage; value: number }[]; perTag: number[]; bestConstant: { set: number[]; value: number };
    matrixScores: number[][]; precision: Record<TagAverage, number>; recall: Record<TagAverage, number>; precisionPerTag: number[]; recallPerTag: number[]; averagePrecision: number[]; tagAccuracy: number; subsetAccuracy: number };
  top: { truth: number[]; scores: number[][]; value: Record<string, number> };
  classes: { truth: number[]; predicted: number[]; confusion: number[][]; accuracy: number; iou: number[]; miou: number; dice: number[]; precision: number[]; recall: number[] };
}
const golden = JSON.parse(readFileSync(join(root, 'fixtures/metrics/golden.json'), 'utf8')) as Golden;
const truth = Uint8Array.from(golden.tags.truth.flat());
const predicted = Uint8Array.from(golden.tags.predicted.flat());

describe('scores of tags, as scikit-learn', () => {
  it.each(golden.tags.scores)('F$beta by $average', ({ beta, average, value }) => {
    expect(fBeta(truth, predicted, 6, { beta, average })).toBeCloseTo(value, 12);
  });

  it('per tag', () => {
    fBetaPerTag(truth, predicted, 6).forEach((value, tag) => expect(value).toBeCloseTo(golden.tags.perTag[tag]!, 12));
  });

  it.each(['samples', 'micro', 'macro'] as const)('precision and recall by %s', (average) => {
    const found = precisionRecall(truth, predicted, 6, { average });
    expect(found.precision).toBeCloseTo(golden.tags.precision[average], 12);
    expect(found.recall).toBeCloseTo(golden.tags.recall[average], 12);
  });

  it('precision, recall and average precision per tag, absent tags and equal scores included', () => {
    precisionRecallPerTag(truth, predicted, 6).forEach(({ precision, recall }, tag) => {
      expect(precision).toBeCloseTo(golden.tags.precisionPerTag[tag]!, 12);
      expect(recall).toBeCloseTo(golden.tags.recallPerTag[tag]!, 12);
    });
    averagePrecisionPerTag(truth, golden.tags.matrixScores.flat(), 6).forEach((value, tag) => expect(value).toBeCloseTo(golden.tags.averagePrecision[tag]!, 12));
  });

  it('accuracy by tag and by whole rows', () => {
    expect(tagAccuracy(truth, predicted)).toBeCloseTo(golden.tags.tagAccuracy, 12);
    expect(subsetAccuracy(truth, predicted, 6)).toBeCloseTo(golden.tags.subsetAccuracy, 12);
  });

  it.each(['1', '2', '3'])('top %s of several classes, equal scores included', (k) => {
    expect(topKAccuracy(golden.top.truth, golden.top.scores.flat(), 5, Number(k))).toBeCloseTo(golden.top.value[k]!, 12);
  });

  it('finds the best constant set', () => {
    const set = bestConstantTags(truth, 6);
    expect(set).toEqual(golden.tags.bestConstant.set);
    expect(fBeta(truth, constantTags(set, 40, 6), 6)).toBeCloseTo(golden.tags.bestConstant.value, 12);
  });

  it('is 1 for the truth itself and between 0 and 1 for anything', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { minLength: 5, maxLength: 50 }), (tags, bits) => {
      const length = Math.floor(bits.length / tags) * tags;
      const a = Uint8Array.from({ length }, (_, i) => (bits[i]! || i % tags === 0 ? 1 : 0));
      expect(fBeta(a, a, tags)).toBe(1);
      const value = fBeta(a, Uint8Array.from(a, (_, i) => (bits[length - 1 - i]! ? 1 : 0)), tags);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }));
  });

  it('takes one threshold for all tags or one per tag, and counts a score on it as present', () => {
    expect(Array.from(applyThreshold([0.2, 0.2, 0.19, 0.6], 2, 0.2))).toEqual([1, 1, 0, 1]);
    expect(Array.from(applyThreshold([0.2, 0.2, 0.19, 0.6], 2, [0.1, 0.5]))).toEqual([1, 0, 1, 1]);
  });

  it.skipIf(!hasShared('planet/train_v2_32.csv'))('gives the known baselines of the Amazon chips', () => {
    const rows = readFileSync(join(shared, 'planet/train_v2_32.csv'), 'utf8').trim().split(/\r?\n/).slice(1).map((line) => line.split(',')[1]!.split(' ').filter((tag) => tag !== ''));
    const tags = [...new Set(rows.flat())].sort();
    expect(tags).toHaveLength(17);
    const all = Uint8Array.from(rows.flatMap((row) => tags.map((tag) => (row.includes(tag) ? 1 : 0))));
    expect(fBeta(all, constantTags(tags.map((_, i) => i), rows.length, 17), 17)).toBeCloseTo(0.4837, 4);
    const set = bestConstantTags(all, 17);
    expect(set.map((tag) => tags[tag])).toEqual(['agriculture', 'clear', 'partly_cloudy', 'primary', 'road', 'water']);
    expect(fBeta(all, constantTags(set, rows.length, 17), 17)).toBeCloseTo(0.689, 4);
  });
});

describe('scores of classes, as scikit-learn', () => {
  const matrix = confusionMatrix(3);
  addToConfusion(matrix, Uint8Array.from(golden.classes.truth), Uint8Array.from(golden.classes.predicted));

  it('counts pairs and leaves 255 out', () => {
    expect(Array.from(matrix.counts)).toEqual(golden.classes.confusion.flat());
  });

  it('accuracy, IoU and their mean', () => {
    expect(accuracy(matrix)).toBeCloseTo(golden.classes.accuracy, 12);
    intersectionOverUnion(matrix).forEach((value, id) => expect(value).toBeCloseTo(golden.classes.iou[id]!, 12));
    expect(meanIntersectionOverUnion(matrix)).toBeCloseTo(golden.classes.miou, 12);
  });

  it('Dice, precision and recall', () => {
    dice(matrix).forEach((value, id) => expect(value).toBeCloseTo(golden.classes.dice[id]!, 12));
    classPrecisionRecall(matrix).forEach(({ precision, recall }, id) => {
      expect(precision).toBeCloseTo(golden.classes.precision[id]!, 12);
      expect(recall).toBeCloseTo(golden.classes.recall[id]!, 12);
    });
  });

  it('counts 0 for a class that is true and never answered, and nothing for one that is never true', () => {
    const constant = confusionMatrix(3);
    addToConfusion(constant, Uint8Array.of(0, 0, 1, 1), Uint8Array.of(0, 0, 0, 0));
    expect(meanIntersectionOverTrue(constant)).toBeCloseTo(0.25, 12);
  });

  it('knows what answering one class always would score', () => {
    const always = confusionMatrix(3);
    addToConfusion(always, Uint8Array.from(golden.classes.truth), new Uint8Array(300).fill(1));
    expect(constantConfusion(truthCounts(matrix), 1)).toEqual(always);
  });

  it('leaves a class that occurs nowhere out of the mean', () => {
    const two = confusionMatrix(3);
    addToConfusion(two, Uint8Array.of(0, 0, 1, 1), Uint8Array.of(0, 1, 1, 1));
    expect(meanIntersectionOverUnion(two)).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
  });
});
