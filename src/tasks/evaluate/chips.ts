import { dirname } from 'node:path';
import type { ModelCard } from '../../card/index.js';
import { splitName, toRgba, type FoundData, type Picture } from '../../dataset/index.js';
import { InvalidFileError, ModelError, throwIfAborted } from '../../errors.js';
import {
  accuracy, addToConfusion, applyThreshold, averagePrecisionPerTag, bestConstantTags, confusionMatrix, constantTags, fBeta, fBetaPerTag, precisionRecall, precisionRecallPerTag,
  subsetAccuracy, tagAccuracy, topKAccuracy,
} from '../../metrics/index.js';
import type { SheetItem } from '../../picture/index.js';
import { openPredictor, withTurns, type LoadedModel } from '../../predict/index.js';
import type { Split } from '../../samples/index.js';
import { ordered, type TaskContext } from '../../run/index.js';
import { rowsOf } from '../chips/strips.js';
import { tagRule } from '../classify/outputs.js';
import { listData, openChips, type ListedData } from '../dataset/open.js';
import { enlarged } from '../chips/enlarge.js';
import { chipEdge } from '../chips/patches.js';
import type { EvaluateOptions } from '../evaluate.js';
import { openRecogniser, type Recogniser } from '../train/seen.js';
import { keptApart } from './recorded.js';
import { checkEvaluateOutput, chosenPart, drawEvaluation, type Baseline, type ChosenPart, type EvaluateResult, type PartOptions, type WorstSample } from './result.js';

/** Chips with their truth, by the model's classes. */
interface TruthChips {
  readonly names: readonly string[];
  /** As a split has them. */
  readonly splitNames: readonly string[];
  /** The data's own parts. */
  readonly parts?: Split | undefined;
  readonly targets: Uint8Array;
  readonly exclusive: boolean;
  picture(index: number): Promise<Picture>;
  close(): Promise<void>;
}

/** Chips that are read ahead of those that the engine works on. */
const READ_AHEAD = 4;

/** Scores a model that tags or classes chips, by the predictor that `classify` uses, on chips in their own size. */
export async function evaluateChips(options: EvaluateOptions & PartOptions, model: LoadedModel, found: FoundData, context: TaskContext): Promise<EvaluateResult> {
  await checkEvaluateOutput(options.output, options.overwrite ?? false);
  const { card } = model;
  const recogniser = await openRecogniser(dirname(model.file));
  const { chips, places, part, problems } = await openTruth(options, card, found, recogniser, context);
  try {
    const first = await chips.picture(places[0]!);
    const plain = await openPredictor(model, { outputs: ['scores'], patch: { width: first.width, height: first.height }, ...(options.threads === undefined ? {} : { threads: options.threads }) });
    const predictor = options.tta === undefined ? plain : withTurns(plain, options.tta);
    const classes = card.output.classes.length;
    const scores = new Float32Array(places.length * classes);
    try {
      let done = 0;
      const predict = async (place: number): Promise<Float32Array> => {
        const { data, width, height } = await chips.picture(place);
        return rowsOf((await predictor.predict({ data: Uint8Array.from(data), count: 1, width, height, bands: 3 }, context.signal)).scores, 1, card.name)[0]!;
      };
      for await (const row of ordered(places, predictor.concurrency + READ_AHEAD, predict, context.signal)) {
        scores.set(row, done++ * classes);
        if (done % 512 === 0 || done === places.length) context.onProgress?.({ stage: 'evaluate', done, total: places.length, unit: 'chips' });
      }
      throwIfAborted(context.signal);
    } finally {
      await predictor.close();
    }
    const truth = new Uint8Array(places.length * classes);
    places.forEach((place, row) => truth.set(chips.targets.subarray(place * classes, (place + 1) * classes), row * classes));
    const names = places.map((place) => chips.names[place]!);
    const known = recogniser?.note(places.length, await keptApart(options, model, chips.splitNames, chips.parts));
    const scored = score({ card, truth, scores, names, options });
    const result: EvaluateResult = { ...scored, data: options.data ?? '', ...(part === undefined ? {} : { part }), problems, ...(options.tta === undefined ? {} : { tta: options.tta }), warnings: [...model.notes, ...known === undefined ? [] : [known]], files: [] };
    if (options.output === undefined) return result;
    const items: SheetItem[] = [];
    for (const one of result.worst) items.push({ picture: toRgba(await chips.picture(places[names.indexOf(one.name)]!)), caption: one.name, lines: differsLines(one.differs), highlighted: one.suspect });
    return { ...result, files: await drawEvaluation(result, { colors: card.output.classes.map(({ color_hint: color }) => color), items, columns: 4 }, options.output) };
  } finally {
    await chips.close();
  }
}

async function openTruth(options: EvaluateOptions & PartOptions, card: ModelCard, found: FoundData, recogniser: Recogniser | undefined, context: TaskContext): Promise<ChosenPart & { readonly chips: TruthChips; readonly problems: EvaluateResult['problems'] }> {
  const set = options.set === undefined ? {} : { set: options.set };
  const data = await listData({ data: found, ...set });
  const tags = card.output.classes.map(({ name }) => name);
  if (data.list.kind === 'chips') {
    const { list, problems } = data;
    const splitNames = list.names.map((name, index) => splitName(list.groups[index]!, name));
    const chosen = await chosenPart(options, splitNames, list.parts);
    await refuseOthers(options, card, found, data);
    problems.throwIfAny(data.source);
    if (chosen.places.length === 0) throw new InvalidFileError(data.source, 'expected chips to score, found none');
    return { ...chosen, problems: problems.all, chips: { names: list.names, splitNames, parts: list.parts, targets: inOrder(list.targets, list.tags, tags, card.name), exclusive: list.exclusive, picture: async (index) => { const own = await list.decode(index); await recogniser?.chip(index, own); return enlarged(own, card); }, close: () => list.close() } };
  }
  // Before pictures are decoded: other classes are other data.
  inOrder(new Uint8Array(), data.list.classes.map(({ name }) => name), tags, card.name);
  await data.list.close();
  // Chips cut from pictures or scenes are as large as those of `classify`.
  const edge = data.found.description.chip ?? chipEdge(card);
  const { samples, remarks } = await openChips({ data: data.found, size: edge }, context);
  const splitNames = samples.groups.map((group, index) => splitName(group, samples.nameOf(index)));
  const chosen = await chosenPart(options, splitNames, samples.parts);
  if (chosen.places.length === 0) throw new InvalidFileError(data.source, 'expected chips to score, found none');
  return {
    ...chosen, problems: remarks,
    chips: {
      names: Array.from({ length: samples.count }, (_, index) => samples.nameOf(index)), splitNames, parts: samples.parts, targets: inOrder(samples.targets, samples.tags, tags, card.name), exclusive: samples.exclusive,
      picture: async (index) => {
        const own = { width: edge, height: edge, data: new Uint8Array(edge * edge * 3) };
        samples.read(index, own.data, 0);
        await recogniser?.chip(index, own);
        return own;
      },
      close: () => samples.close(),
    },
  };
}

/** Data of which most tags are none of the model's are other data: that is said, not each of their lines. */
async function refuseOthers(options: EvaluateOptions, card: ModelCard, { description, ...found }: FoundData, { source, problems, list }: ListedData): Promise<void> {
  if (options.set?.some((setting) => setting.startsWith('class_names')) === true || !problems.all.some(({ kind }) => kind === 'unknown tag')) return;
  const { class_names: _known, ...own } = description;
  const { list: all } = await listData({ data: { ...found, description: own } });
  await all.close();
  const names = card.output.classes.map(({ name }) => name);
  const tags = all.kind === 'chips' ? all.tags : [];
  const others = tags.filter((tag) => !names.includes(tag));
  if (2 * others.length <= tags.length) return;
  await list.close();
  throw new ModelError(card.name, `expected data with its ${names.length} ${card.task === 'classification' ? 'classes' : 'tags'} (${shortList(names)}), found ${tags.length === others.length ? 'only' : 'mostly'} others in ${source}: ${shortList(others)}`, { advice: 'choose the model that was made for these tags' });
}

function shortList(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`;
}

/** Truth by the model's classes, whatever order the data have them in. @throws {ModelError} if the data have others. */
function inOrder(targets: Uint8Array, from: readonly string[], to: readonly string[], model: string): Uint8Array {
  const places = from.map((name) => to.indexOf(name));
  const missing = from.filter((_, id) => places[id] === -1);
  if (missing.length > 0) throw new ModelError(model, `expected the classes of the data, found none called ${missing.join(', ')}`, { advice: `it has ${to.join(', ')}` });
  const rows = targets.length / from.length;
  const out = new Uint8Array(rows * to.length);
  for (let row = 0; row < rows; row++) places.forEach((place, id) => { out[row * to.length + place] = targets[row * from.length + id]!; });
  return out;
}

interface Answers { readonly card: ModelCard; readonly truth: Uint8Array; readonly scores: Float32Array; readonly names: readonly string[]; readonly options: EvaluateOptions }
type Scored = Omit<EvaluateResult, 'data' | 'problems' | 'tta' | 'warnings' | 'files'>;

/** Everything that can be said of probabilities and truth `[chips, classes]`. */
export function score(answers: Answers): Scored {
  const { card, truth, scores, names, options } = answers;
  const classes = card.output.classes.length;
  const tags = card.output.classes.map(({ name }) => name);
  const rule = tagRule(card, options.threshold);
  const single = card.task === 'classification';
  const predicted = single ? highest(scores, classes) : applyThreshold(scores, classes, [...rule.thresholds!]);
  const perTag = precisionRecallPerTag(truth, predicted, classes);
  const f2 = fBetaPerTag(truth, predicted, classes);
  const ap = averagePrecisionPerTag(truth, scores, classes);
  const support = Array.from({ length: classes }, (_, tag) => countOf(truth, classes, tag));
  const present = support.flatMap((count, tag) => (count > 0 ? [tag] : []));
  const { precision, recall } = precisionRecall(truth, predicted, classes);
  const common = {
    model: card.name, n: names.length, f2: fBeta(truth, predicted, classes), miou: null,
    perClass: tags.map((name, tag) => ({ name, support: support[tag]!, ...perTag[tag]!, f2: f2[tag]!, averagePrecision: ap[tag]!, ...(rule.thresholds === undefined ? {} : { threshold: rule.thresholds[tag]! }) })),
    ...worstOf(answers, predicted),
  };
  const scoresByName: Record<string, number> = {
    f1: fBeta(truth, predicted, classes, { beta: 1 }), f2_micro: fBeta(truth, predicted, classes, { average: 'micro' }), f2_macro: fBeta(truth, predicted, classes, { average: 'macro' }), precision, recall,
    map: present.reduce((sum, tag) => sum + ap[tag]!, 0) / Math.max(1, present.length),
  };
  if (!single) return { ...common, task: 'tags', accuracy: tagAccuracy(truth, predicted), scores: { ...scoresByName, all_right: subsetAccuracy(truth, predicted, classes) }, baselines: tagBaselines(truth, classes, tags, rule.thresholds!) };
  const trueClass = classIds(truth, classes);
  const matrix = confusionMatrix(classes);
  addToConfusion(matrix, trueClass, classIds(predicted, classes));
  const top = Object.fromEntries([2, 3, 5].filter((k) => k < classes).map((k) => [`top${k}`, topKAccuracy(trueClass, scores, classes, k)]));
  const frequent = support.indexOf(Math.max(...support));
  return {
    ...common, task: 'classes', accuracy: accuracy(matrix), scores: { ...scoresByName, ...top }, confusion: rowsOfMatrix(matrix.counts, classes),
    baselines: { [`most frequent of these samples (${tags[frequent]!})`]: { accuracy: support[frequent]! / names.length }, prior: { accuracy: support.reduce((sum, count) => sum + (count / names.length) ** 2, 0) } },
  };
}

function tagBaselines(truth: Uint8Array, classes: number, tags: readonly string[], thresholds: readonly number[]): Record<string, Baseline> {
  const rows = truth.length / classes;
  const of = (predicted: Uint8Array): Baseline => ({ f2: fBeta(truth, predicted, classes), accuracy: tagAccuracy(truth, predicted) });
  const shares = Array.from({ length: classes }, (_, tag) => countOf(truth, classes, tag) / rows);
  const best = bestConstantTags(truth, classes);
  const prior = shares.flatMap((share, tag) => (share >= thresholds[tag]! ? [tag] : []));
  return {
    [`most frequent of these samples (${tags[shares.indexOf(Math.max(...shares))]!})`]: of(constantTags([shares.indexOf(Math.max(...shares))], rows, classes)),
    'all tags': of(constantTags(Array.from(tags.keys()), rows, classes)),
    [`best constant tags of these samples (${best.map((tag) => tags[tag]!).join(' ')})`]: of(constantTags(best, rows, classes)),
    prior: { ...of(constantTags(prior, rows, classes)), averagePrecision: shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.filter((share) => share > 0).length) },
  };
}

/** Tags of one caption; a line each. */
const MOST_LINES = 4;

/** What a chip differs in, `+road 0.98 -water 0.01`, a line each, as many as there is room for. */
export function differsLines(differs: string): string[] {
  if (differs === '') return ['right, but not surely'];
  const each = differs.split(/ (?=[+-])/);
  return each.length <= MOST_LINES ? each : [...each.slice(0, MOST_LINES - 1), `and ${each.length - MOST_LINES + 1} more`];
}

/** Two to one. */
const LEAST_SURE = 2 / 3;

/**
 * Chips whose truth is least likely by the model, and which of them are likely errors of the labels: the model gives the other
 * answer a probability as high as its mean for chips that have it (confident learning, Northcutt et al. 2021, tag by tag), and at
 * least two to one: a model that hardly tells classes apart says nothing about labels, nor do tags of which it misses more than it finds.
 */
function worstOf({ card, truth, scores, names, options }: Answers, predicted: Uint8Array): { worst: WorstSample[]; suspects: number } {
  const classes = card.output.classes.length;
  const rows = names.length;
  const sure = Array.from({ length: classes }, () => ({ yes: 0, yesSum: 0, noSum: 0, hits: 0 }));
  for (let at = 0; at < truth.length; at++) {
    const one = sure[at % classes]!;
    if (truth[at] === 1) { one.yes++; one.yesSum += scores[at]!; one.hits += predicted[at]!; } else one.noSum += 1 - scores[at]!;
  }
  const all = names.map((name, row) => {
    let loss = 0;
    let suspect = false;
    const differs: string[] = [];
    for (let tag = 0; tag < classes; tag++) {
      const at = row * classes + tag;
      const p = Math.min(1 - 1e-7, Math.max(1e-7, scores[at]!));
      loss -= Math.log(truth[at] === 1 ? p : 1 - p);
      if (truth[at] === predicted[at]) continue;
      differs.push(`${truth[at] === 1 ? '-' : '+'}${card.output.classes[tag]!.name} ${scores[at]!.toFixed(2)}`);
      const { yes, yesSum, noSum, hits } = sure[tag]!;
      const [other, mean] = truth[at] === 1 ? [1 - p, noSum / Math.max(1, rows - yes)] : [p, yesSum / Math.max(1, yes)];
      if (yes > 0 && 2 * hits >= yes && other >= Math.max(LEAST_SURE, mean)) suspect = true;
    }
    return { name, disagreement: loss / classes, differs: differs.join(' '), suspect };
  });
  const worst = [...all].sort((a, b) => b.disagreement - a.disagreement).slice(0, options.worst ?? 12);
  return { worst, suspects: all.filter(({ suspect }) => suspect).length };
}

function countOf(truth: Uint8Array, classes: number, tag: number): number {
  let count = 0;
  for (let at = tag; at < truth.length; at += classes) count += truth[at]!;
  return count;
}

/** 1 for the highest score of each row (of equal ones the first). */
function highest(scores: Float32Array, classes: number): Uint8Array {
  const out = new Uint8Array(scores.length);
  for (let row = 0; row < scores.length; row += classes) {
    let best = 0;
    for (let id = 1; id < classes; id++) if (scores[row + id]! > scores[row + best]!) best = id;
    out[row + best] = 1;
  }
  return out;
}

function classIds(oneHot: Uint8Array, classes: number): Uint8Array {
  return Uint8Array.from({ length: oneHot.length / classes }, (_, row) => Math.max(0, oneHot.subarray(row * classes, (row + 1) * classes).indexOf(1)));
}

export function rowsOfMatrix(counts: Float64Array, classes: number): number[][] {
  return Array.from({ length: classes }, (_, row) => Array.from(counts.subarray(row * classes, (row + 1) * classes)));
}
