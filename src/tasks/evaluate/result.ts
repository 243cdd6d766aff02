import { basename, join } from 'node:path';
import type { Problem } from '../../dataset/index.js';
import { InvalidOptionError } from '../../errors.js';
import { readSplit } from '../../dataset/index.js';
import { barChart, contactSheet, matrixChart, type SheetItem } from '../../picture/index.js';
import { checkOutput, makeFolder, writeWhole } from '../../run/index.js';
import type { Split } from '../../samples/index.js';

/** Scores of one class or tag. */
export interface ClassScore {
  readonly name: string;
  /** Chips that have it, or pixels that are it. */
  readonly support: number;
  readonly precision: number;
  readonly recall: number;
  /** Chips. */
  readonly f2?: number;
  readonly averagePrecision?: number;
  readonly threshold?: number;
  /** Maps; `null` for a class that is neither true nor predicted. */
  readonly iou?: number | null;
  readonly dice?: number | null;
}

export interface Baseline {
  readonly f2?: number;
  readonly accuracy?: number;
  readonly miou?: number;
  readonly averagePrecision?: number;
}

/** A sample where model and truth differ most, and why that may be the truth's fault. */
export interface WorstSample {
  readonly name: string;
  /** Chips: mean cross-entropy of its answers; maps: share of its pixels that differ. */
  readonly disagreement: number;
  /** Chips: `+road` found and not in the truth, `-water` in the truth and not found. Maps: the pair of classes that differs most. */
  readonly differs: string;
  /** The model is as sure of the other answer as it is of right ones elsewhere: likely an error of the label. */
  readonly suspect: boolean;
}

/** What {@link evaluate} found. */
export interface EvaluateResult {
  readonly model: string;
  readonly data: string;
  readonly task: 'tags' | 'classes' | 'maps';
  /** What of the data was scored, for people: `the test part of its training`. Absent: all of them. */
  readonly part?: string;
  /** Chips, or pictures. */
  readonly n: number;
  /** Maps: pixels that were compared. */
  readonly pixels?: number;
  /** Tags: F-beta with β = 2, mean over chips. */
  readonly f2: number | null;
  /** Tags: share of answers that are right; classes: of chips; maps: of pixels. */
  readonly accuracy: number | null;
  /** Maps: mean over the classes that are true or predicted. */
  readonly miou: number | null;
  /** Further scores by name: `f1`, `f2_micro`, `map`, `top3` … */
  readonly scores: Readonly<Record<string, number>>;
  readonly perClass: readonly ClassScore[];
  /** Answers that need no model, chosen on the scored samples themselves: the data may be all there are. */
  readonly baselines: Readonly<Record<string, Baseline>>;
  /** `[truth][predicted]`, chips or pixels; not for tags. */
  readonly confusion?: readonly (readonly number[])[];
  readonly worst: readonly WorstSample[];
  /** Samples whose label is likely wrong. */
  readonly suspects: number;
  readonly tta?: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly files: readonly string[];
}

const FILES = ['scores.png', 'confusion.png', 'worst.png'] as const;

export async function checkEvaluateOutput(folder: string | undefined, overwrite: boolean): Promise<void> {
  if (folder !== undefined) for (const name of FILES) await checkOutput(join(folder, name), { overwrite, option: '-o' });
}

export interface Drawn {
  readonly colors: readonly string[];
  readonly items: readonly SheetItem[];
  readonly columns: number;
}

/** Draws the scores of every class in its colour, the confusion matrix, and the worst samples. */
export async function drawEvaluation(result: EvaluateResult, { colors, items, columns }: Drawn, folder: string): Promise<string[]> {
  await makeFolder(folder);
  const files: string[] = [];
  const write = async (name: (typeof FILES)[number], png: Buffer): Promise<void> => { await writeWhole(join(folder, name), png); files.push(join(folder, name)); };
  const score = result.task === 'maps' ? 'IoU' : 'F2';
  const value = (one: ClassScore): number => (result.task === 'maps' ? one.iou ?? 0 : one.f2 ?? 0);
  await write('scores.png', await barChart({
    title: `${score} of ${result.model} by class`, subtitle: `${result.n} ${result.task === 'maps' ? 'pictures' : 'chips'} of ${result.data.replace(/^.*\//, '')}`,
    bars: result.perClass.map((one, id) => ({ name: one.name, color: colors[id]!, value: value(one), label: value(one).toFixed(3) })),
  }));
  if (result.confusion !== undefined) {
    await write('confusion.png', await matrixChart({
      title: `What ${result.model} takes for what`, subtitle: 'per cent of what is true of the class on the left', names: result.perClass.map(({ name }) => name), colors,
      values: result.confusion.map((row) => { const sum = row.reduce((a, b) => a + b, 0); return row.map((count) => count / sum); }), rowLabel: 'truth', columnLabel: 'predicted',
    }));
  }
  if (items.length > 0) await write('worst.png', await contactSheet({ title: 'Where model and truth differ most', subtitle: `${result.suspects === 1 ? '1 sample is a likely error' : `${result.suspects} samples are likely errors`} of the labels (framed)${result.task === 'maps' ? '' : '; + found, not in the truth; - in the truth, not found; with the model\'s probability'}`, items, columns }));
  return files;
}

/** What is scored of the data, where it is not all of them. */
export interface PartOptions {
  readonly split?: string;
  readonly part?: keyof Split;
  /** The split of the model's training; asked for where the data have no such part of their own. */
  readonly recorded?: string;
}

export interface ChosenPart {
  readonly places: readonly number[];
  /** For people: `the test part of split.json`; absent where everything is scored. */
  readonly part?: string;
}

/**
 * Places of the samples that are scored.
 * @throws {InvalidFileError} if the split is of other samples; {@link InvalidOptionError} if nobody says what the part is
 */
export async function chosenPart({ split, part, recorded }: PartOptions, names: readonly string[], own: Split | undefined): Promise<ChosenPart> {
  if (split !== undefined) return { places: Array.from((await readSplit(split, names))[part ?? 'test']), part: `the ${part ?? 'test'} part of ${basename(split)}` };
  if (part === undefined) return { places: Array.from(names.keys()) };
  if (recorded !== undefined) {
    const places = Array.from((await readSplit(recorded, names, 'these are not the data that the model was trained on: score all of them (without --part), or give a split of them with --split'))[part]);
    if (places.length === 0) throw new InvalidOptionError('--part', `expected a part that the model's training made, found no samples of these data for ${part} in ${recorded}`, { advice: 'it trained without; score data that it has not seen' });
    return { places, part: `the ${part} part of its training` };
  }
  if (own === undefined) throw new InvalidOptionError('--part', 'expected data with parts of their own, a model that says how its training split them, or --split, found none of them', { advice: 'make a split with: tilewright dataset split' });
  return { places: Array.from(own[part]), part: `the ${part} part of the data` };
}
