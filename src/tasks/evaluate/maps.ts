import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { splitName, type MapEntry, type MapList } from '../../dataset/index.js';
import { InvalidFileError, ModelError, throwIfAborted } from '../../errors.js';
import {
  accuracy, addToConfusion, classPrecisionRecall, confusionMatrix, constantConfusion, dice, intersectionOverUnion, meanIntersectionOverTrue, meanIntersectionOverUnion, truthCounts,
  type ConfusionMatrix,
} from '../../metrics/index.js';
import type { SheetItem } from '../../picture/index.js';
import type { LoadedModel } from '../../predict/index.js';
import type { TaskContext } from '../../run/index.js';
import { IGNORE } from '../../samples/index.js';
import { openScene } from '../../scene/index.js';
import type { ListedData } from '../dataset/open.js';
import { sheetPicture } from '../dataset/sheet-picture.js';
import { licenceNotes } from '../model-input.js';
import { namedNotes, type NotedScene } from '../model-input/notes.js';
import { parseStretch } from '../model-input/stretch.js';
import { segment } from '../segment.js';
import { NO_PLACE, type SegmentOptions } from '../segment/setup.js';
import type { EvaluateOptions } from '../evaluate.js';
import { openRecogniser, type Recogniser } from '../train/seen.js';
import { rowsOfMatrix } from './chips.js';
import { keptApart } from './recorded.js';
import { checkEvaluateOutput, chosenPart, drawEvaluation, type EvaluateResult, type PartOptions, type WorstSample } from './result.js';

/** A pixel of whose class the model is so sure (of 255). */
const SURE = 230;
/** A picture is suspect if this share of its pixels is surely something else than its mask says. */
const SUSPECT_SHARE = 0.1;
/** Bytes of truth pixels that are compared at a time. */
const PIECE = 16 * 1024 * 1024;

/** How a picture was mapped, kept for the sheet. */
interface Compared extends WorstSample {
  readonly entry: MapEntry;
  readonly map: string;
}

/** Scores a segmentation model: every picture or scene goes through `segment` as a user's would, and the map is compared with the truth. */
export async function evaluateMaps(options: EvaluateOptions & PartOptions, model: LoadedModel, data: ListedData, context: TaskContext): Promise<EvaluateResult> {
  await checkEvaluateOutput(options.output, options.overwrite ?? false);
  const { list, problems } = data;
  if (list.kind !== 'maps') throw new InvalidFileError(data.source, `expected pictures with masks, since ${model.card.name} makes maps; found chips`);
  problems.throwIfAny(data.source);
  const names = model.card.output.classes.map(({ name }) => name);
  const ids = idsOf(list, names, model);
  const splitNames = list.entries.map(({ group, name }) => splitName(group, name));
  const { places, part } = await chosenPart(options, splitNames, list.parts);
  if (places.length === 0) throw new InvalidFileError(data.source, 'expected pictures to score, found none');
  const recogniser = await openRecogniser(dirname(model.file));
  const folder = await mkdtemp(join(tmpdir(), 'tilewright-evaluate-'));
  try {
    const matrix = confusionMatrix(names.length);
    const compared: Compared[] = [];
    const noted: NotedScene[] = [];
    for (const [done, place] of places.entries()) {
      throwIfAborted(context.signal);
      const entry = list.entries[place]!;
      const map = join(folder, `${done}.tif`);
      const run = await segment(segmentOptions(entry, map, join(folder, `${done}-confidence.tif`), { options, data }), context.signal === undefined ? {} : { signal: context.signal });
      noted.push({ name: entry.group === '' || entry.group === entry.name ? entry.name : `${entry.group}/${entry.name}`, notes: run.warnings.filter((note) => note !== NO_PLACE) });
      compared.push({ ...await compare(entry, map, join(folder, `${done}-confidence.tif`), { ids, matrix, names, recogniser }), entry, map });
      context.onProgress?.({ stage: 'evaluate', done: done + 1, total: places.length, unit: 'pictures' });
    }
    problems.throwIfAny(data.source);
    const known = recogniser?.note(places.length, await keptApart(options, model, splitNames, list.parts));
    const worst = [...compared].sort((a, b) => b.disagreement - a.disagreement).slice(0, options.worst ?? 12);
    const result: EvaluateResult = {
      ...scoreMatrix(matrix, names), model: model.card.name, data: options.data ?? options.scene ?? '', task: 'maps', ...(part === undefined ? {} : { part }), n: places.length, f2: null,
      worst: worst.map(({ name, disagreement, differs, suspect }) => ({ name, disagreement, differs, suspect })), suspects: compared.filter(({ suspect }) => suspect).length,
      problems: problems.all, ...(options.tta === undefined ? {} : { tta: options.tta }), warnings: [...namedNotes(noted, [...model.notes, ...licenceNotes(model.card)]), ...known === undefined ? [] : [known]], files: [],
    };
    if (options.output === undefined) return result;
    const colors = model.card.output.classes.map(({ color_hint: color }) => color);
    const items = (await Promise.all(worst.slice(0, 4).map((one) => sheetItems(one, ids, colors)))).flat();
    return { ...result, files: await drawEvaluation(result, { colors, items, columns: 3 }, options.output) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ids of the data's classes in the model. @throws {ModelError} if the model lacks one. */
function idsOf(list: MapList, names: readonly string[], model: LoadedModel): Uint8Array {
  const missing = list.classes.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw new ModelError(model.card.name, `expected the classes of the data, found none called ${missing.join(', ')}`, { advice: `it has ${names.join(', ')}; leave others out with --set leave_out=[${missing.join(',')}]` });
  }
  const ids = new Uint8Array(256).fill(IGNORE);
  list.classes.forEach(({ name }, id) => { ids[id] = names.indexOf(name); });
  return ids;
}

function segmentOptions(entry: MapEntry, output: string, confidence: string, { options, data }: { readonly options: EvaluateOptions; readonly data: ListedData }): SegmentOptions {
  if (entry.file === undefined) throw new InvalidFileError(data.source, 'expected pictures that are files, found an archive', { advice: 'unpack it and give the folder' });
  const { swap_red_blue: swap, bands, range } = data.found.description;
  const wanted = swap === true ? [...(bands ?? [1, 2, 3])].reverse() : bands;
  return {
    scene: entry.file, model: options.model, output, confidence, ...(wanted === undefined ? {} : { bands: wanted }), ...(range === undefined ? {} : { stretch: parseStretch(`minmax:${range.join(',')}`) }),
    ...(options.tta === undefined ? {} : { tta: options.tta }), ...(options.threads === undefined ? {} : { threads: options.threads }),
  };
}

async function compare(entry: MapEntry, map: string, confidence: string, target: { readonly ids: Uint8Array; readonly matrix: ConfusionMatrix; readonly names: readonly string[]; readonly recogniser: Recogniser | undefined }): Promise<WorstSample> {
  const { ids, matrix, names, recogniser } = target;
  const looked = recogniser?.picture();
  const own = confusionMatrix(names.length);
  const rows = await entry.open();
  const predicted = await openScene(map);
  const sure = await openScene(confidence);
  let [surelyOther, known] = [0, 0];
  try {
    const { x, y: top } = entry.corner ?? { x: 0, y: 0 };
    const step = Math.max(1, Math.floor(PIECE / (Math.max(1, rows.width) * 3)));
    for (let y = 0; y < rows.height; y += step) {
      const count = Math.min(step, rows.height - y);
      const window = { x, y: top + y, width: rows.width, height: count };
      const { pixels, mask } = await rows.read(y, count);
      looked?.add(pixels);
      const truth = mask.map((id) => ids[id]!);
      const found = (await predicted.read(window)).data as Uint8Array;
      const confident = (await sure.read(window)).data as Uint8Array;
      // Where the scene has no data there is no answer.
      for (let i = 0; i < truth.length; i++) if (found[i]! >= names.length) truth[i] = IGNORE;
      addToConfusion(own, truth, found);
      for (let i = 0; i < truth.length; i++) {
        if (truth[i] === IGNORE) continue;
        known++;
        if (truth[i] !== found[i] && confident[i]! >= SURE) surelyOther++;
      }
    }
    looked?.end();
  } finally {
    await Promise.all([rows.close(), predicted.close(), sure.close()]);
  }
  for (let i = 0; i < own.counts.length; i++) matrix.counts[i]! += own.counts[i]!;
  let most = -1;
  own.counts.forEach((count, at) => { if (Math.floor(at / names.length) !== at % names.length && count > (own.counts[most] ?? 0)) most = at; });
  return {
    name: splitName(entry.group, entry.name), disagreement: known === 0 ? 0 : 1 - accuracy(own),
    differs: most < 0 ? 'nothing' : `${names[Math.floor(most / names.length)]!} taken for ${names[most % names.length]!} in ${((100 * own.counts[most]!) / known).toFixed(1)} %`,
    suspect: known > 0 && surelyOther / known >= SUSPECT_SHARE,
  };
}

function scoreMatrix(matrix: ConfusionMatrix, names: readonly string[]): Pick<EvaluateResult, 'accuracy' | 'miou' | 'scores' | 'perClass' | 'baselines' | 'confusion' | 'pixels'> {
  const truth = truthCounts(matrix);
  const pixels = truth.reduce((sum, count) => sum + count, 0);
  if (pixels === 0) throw new InvalidFileError(names.join(', '), 'expected pixels with one of these classes in the truth, found none');
  const iou = intersectionOverUnion(matrix);
  const overlap = dice(matrix);
  const each = classPrecisionRecall(matrix);
  const frequent = truth.indexOf(Math.max(...truth));
  const constant = constantConfusion(truth, frequent);
  const finite = (value: number): number | null => (Number.isNaN(value) ? null : value);
  const known = Array.from(overlap).filter((value) => !Number.isNaN(value));
  return {
    accuracy: accuracy(matrix), miou: meanIntersectionOverUnion(matrix), pixels,
    scores: { mean_dice: known.reduce((sum, value) => sum + value, 0) / known.length },
    perClass: names.map((name, id) => ({ name, support: truth[id]!, ...each[id]!, iou: finite(iou[id]!), dice: finite(overlap[id]!) })),
    confusion: rowsOfMatrix(matrix.counts, names.length),
    baselines: {
      [`most frequent of these samples (${names[frequent]!})`]: { accuracy: accuracy(constant), miou: meanIntersectionOverTrue(constant) },
      prior: { accuracy: truth.reduce((sum, count) => sum + (count / pixels) ** 2, 0) },
    },
  };
}

/** Picture, truth and map side by side. */
async function sheetItems(one: Compared, ids: Uint8Array, colors: readonly string[]): Promise<SheetItem[]> {
  const { entry } = one;
  const palette = colors.map((color) => ({ color: [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as unknown as readonly [number, number, number] }));
  const rows = await entry.open();
  const map = await openScene(one.map);
  try {
    const truth = sheetPicture(rows.width, rows.height);
    const answer = sheetPicture(rows.width, rows.height);
    const { x, y: top } = entry.corner ?? { x: 0, y: 0 };
    const step = Math.max(1, Math.floor(PIECE / (rows.width * 3)));
    for (let y = 0; y < rows.height; y += step) {
      const count = Math.min(step, rows.height - y);
      const { pixels, mask } = await rows.read(y, count);
      const found = (await map.read({ x, y: top + y, width: rows.width, height: count })).data as Uint8Array;
      truth.add(y, pixels, mask.map((id) => ids[id]!), palette);
      answer.add(y, pixels, found.map((id) => (id < colors.length ? id : IGNORE)), palette);
    }
    return [
      { picture: truth.image, caption: one.name, lines: [one.differs], highlighted: one.suspect },
      { picture: truth.drawn, caption: 'truth', lines: [one.suspect ? 'likely an error of the label' : ''] },
      { picture: answer.drawn, caption: 'map', lines: [`${(100 * one.disagreement).toFixed(1)} % differ`] },
    ];
  } finally {
    await Promise.all([rows.close(), map.close()]);
  }
}
