import type { CardScore } from '../../card/index.js';
import { applyThreshold, fBetaPerTag, type ConfusionMatrix } from '../../metrics/index.js';
import { targetsOf } from '../../train/index.js';
import type { LoadedChips } from './samples.js';

/** What scoring a model found, for the report. */
export interface Examined {
  /** Samples that it was scored on. */
  readonly on: string;
  readonly scores: readonly CardScore[];
  readonly table: ReportTable;
  readonly extremes: { readonly best: readonly ReportSample[]; readonly worst: readonly ReportSample[] };
}

export interface ReportTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** By cell, how strongly it is coloured, 0 to 1; none for other tables. */
  readonly strength?: readonly (readonly number[])[];
}

export interface ReportSample {
  readonly name: string;
  /** One line: what is true and what was answered. */
  readonly text: string;
  /** Pictures side by side, as PNG or JPEG. */
  readonly pictures: readonly Uint8Array[];
}

/** True classes by rows, answers by columns, as shares of the row. */
export function confusionTable({ classes, counts }: ConfusionMatrix, names: readonly string[]): ReportTable {
  const rows = names.map((_, row) => Array.from(counts.subarray(row * classes, (row + 1) * classes)));
  const shares = rows.map((row) => { const sum = row.reduce((total, count) => total + count, 0); return row.map((count) => (sum === 0 ? 0 : count / sum)); });
  return {
    title: 'What was answered (columns) where a class is true (rows)', head: ['', ...names, 'all'],
    rows: rows.map((row, id) => [names[id]!, ...shares[id]!.map((share) => `${(share * 100).toFixed(1)} %`), row.reduce((total, count) => total + count, 0)]),
    strength: shares,
  };
}

/** Per tag: how often it is there, was found, rightly; threshold and F2. */
export function tagTable({ samples }: LoadedChips, places: Int32Array, answers: Float32Array, thresholds: readonly number[]): ReportTable {
  const count = samples.tags.length;
  const truth = targetsOf(samples, places);
  const found = applyThreshold(answers, count, thresholds);
  const scores = fBetaPerTag(truth, found, count);
  const sum = (values: (at: number) => number, tag: number): number => { let total = 0; for (let at = tag; at < truth.length; at += count) total += values(at); return total; };
  return {
    title: 'Tags', head: ['tag', 'threshold', 'there', 'found', 'rightly', 'precision', 'recall', 'F2'],
    rows: samples.tags.map((tag, id) => {
      const [real, all, right] = [sum((at) => truth[at]!, id), sum((at) => found[at]!, id), sum((at) => truth[at]! & found[at]!, id)];
      return [tag, thresholds[id]!, real, all, right, all === 0 ? '' : (right / all).toFixed(3), real === 0 ? '' : (right / real).toFixed(3), scores[id]!.toFixed(3)];
    }),
  };
}
