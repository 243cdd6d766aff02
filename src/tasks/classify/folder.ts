import { join, resolve } from 'node:path';
import { createSubmissionCsv } from '../../chips/index.js';
import type { Chip } from '../../chips/index.js';
import { InvalidOptionError } from '../../errors.js';
import { withTurns } from '../../predict/index.js';
import type { LoadedModel, Predictor } from '../../predict/index.js';
import type { AppliedStretch, DataType } from '../../raster/index.js';
import { openJournal, peakRss } from '../../run/index.js';
import type { Journal, Json, TaskContext } from '../../run/index.js';
import { openScene } from '../../scene/index.js';
import { listChipFiles } from '../chips/files.js';
import type { ChipFileReader, ChipFiles } from '../chips/files.js';
import { predictedSize } from '../chips/enlarge.js';
import { folderNotes } from '../chips/folder-notes.js';
import { planFiles } from '../chips/plan.js';
import type { ChipPlan } from '../chips/plan.js';
import { FILE_GROUP, fileRows, isPredicted, placedRows } from '../chips/rows.js';
import type { ClassifyResult } from '../classify.js';
import {
  checkOutputFolder, countTags, createTagCounts, folderFiles, partialFolder, placeAll, summarizeTags, tagRule, tagsOf, writeSummary, writeTables,
} from './outputs.js';
import type { TagRule } from './outputs.js';
import type { ClassifySummary } from './scene.js';
import { refuseSceneChoices } from '../model-input/model-scene.js';
import { folderStretch } from '../model-input/folder-stretch.js';
import { withStretch } from '../model-input/stretch.js';
import { bandsForModel, bandsNote } from '../model-input.js';
import { openEngine } from '../engines/open.js';
import { engineOptions, loadChipModel } from './setup.js';
import { checkTables, openTables } from './tables.js';
import type { ClassifyOptions } from './setup.js';
import { checkTop, collectTop } from './top.js';
import type { RowFile } from '../chips/row-file.js';

interface FolderSetup {
  readonly options: ClassifyOptions;
  readonly files: ChipFiles;
  readonly model: LoadedModel;
  readonly predictor: Predictor;
  readonly rule: TagRule;
  readonly reader: ChipFileReader;
}

/** Tags the files of a folder, each a chip. */
export async function classifyFolder(options: ClassifyOptions, started: number, context: TaskContext): Promise<ClassifyResult | ChipPlan> {
  for (const [name, value] of [['--patch-size', options.patchSize], ['--overlap', options.overlap]] as const) {
    if (value !== undefined) throw new InvalidOptionError(name, `${options.input} is a folder of chips, which are taken whole`);
  }
  if (resolve(options.output) === resolve(options.input)) throw new InvalidOptionError('-o', 'the results cannot go into the folder of the chips');
  refuseSceneChoices(options, options.input);
  const files = await listChipFiles(options.input);
  checkTables(options.tables);
  await checkOutputFolder(options.output, folderFiles(options.tables), { overwrite: options.overwrite ?? false, bytes: files.files.length * 1024, dryRun: options.dryRun ?? false });
  const model = await loadChipModel(options);
  const rule = tagRule(model.card, options.threshold);
  checkTop(rule.tags.length, options.top);
  const engine = await openForFiles(options, model, files, context.signal);
  const { predictor } = engine;
  try {
    const reader: ChipFileReader = { predictor, card: model.card, kind: 'scores', dtype: engine.dtype, ...(options.bands === undefined ? {} : { bands: options.bands }), ...(engine.stretch === undefined ? {} : { stretch: engine.stretch }) };
    const setup = { options, files: { ...files, notes: [...files.notes, ...engine.notes] }, model, predictor, rule, reader };
    if (options.dryRun) {
      const tags = rule.tags.length;
      return await planFiles({ files: files.files, reader, ...engine.size, rowBytes: tags * 4, tableBytes: 200 + 40 * tags, warnings: [...model.notes, ...setup.files.notes] }, context);
    }
    return await run(setup, started, context);
  } finally {
    await predictor.close();
  }
}

interface FilesEngine {
  readonly predictor: Predictor;
  readonly dtype: DataType;
  readonly size: { readonly width: number; readonly height: number };
  readonly stretch?: AppliedStretch;
  readonly notes: readonly string[];
}

/** The engine for the size and sample type of the first file; others of the same type may have other sizes. */
async function openForFiles(options: ClassifyOptions, model: LoadedModel, { folder, files }: ChipFiles, signal: AbortSignal | undefined): Promise<FilesEngine> {
  const { card } = model;
  const opened = await openScene(files[0]!.path);
  try {
    const stretch = options.stretch === undefined ? undefined : await folderStretch(files.map(({ path }) => path), card, options.stretch, signal);
    const { profile } = stretch === undefined ? opened : withStretch(opened, stretch);
    bandsForModel(profile, card, options.bands);
    const { width, height, dtype } = profile;
    const patch = dtype === 'uint8' ? predictedSize({ width, height }, card) : { width, height };
    const plain = await openEngine(model, { outputs: ['scores'], dtype, patch, ...engineOptions(options) });
    const predictor = options.tta === undefined ? plain : withTurns(plain, options.tta);
    const notes = [...bandsNote(profile, card, options.bands), ...await folderNotes({ folder, files, first: profile }, card)];
    return { predictor, dtype, size: patch, notes, ...(stretch === undefined ? {} : { stretch }) };
  } finally {
    await opened.close();
  }
}

async function run(setup: FolderSetup, started: number, context: TaskContext): Promise<ClassifyResult> {
  const { options, files, model, predictor, rule } = setup;
  const partial = partialFolder(options.output);
  const identity: Record<string, Json> = {
    task: 'classify-folder/1', chips: files.fingerprint, model: model.fingerprint, bands: options.bands === undefined ? null : [...options.bands], stretch: options.stretch ?? null,
    thresholds: rule.thresholds === undefined ? null : [...rule.thresholds], device: predictor.device, tta: options.tta ?? null,
  };
  const journal = await openJournal({ folder: partial, identity, restart: options.overwrite ?? false });
  let finished = false;
  try {
    const resumedStrips = journal.states.length;
    const scores = await fileRows(files.files, setup.reader, { journal, length: rule.tags.length, stage: 'classify' }, context);
    let summary: ClassifySummary;
    try {
      summary = await writeOutputs(setup, journal, scores, partial);
    } finally {
      await scores.close();
    }
    await placeAll({ partial, output: options.output, names: folderFiles(options.tables), overwrite: options.overwrite ?? false });
    await journal.complete();
    finished = true;
    return {
      ...summary, output: options.output, strips: Math.ceil(files.files.length / FILE_GROUP), resumedStrips, seconds: (performance.now() - started) / 1000,
      modelSeconds: predictor.engineMilliseconds / 1000 / predictor.concurrency, peakRssBytes: peakRss(), device: predictor.device, precision: predictor.precision,
    };
  } finally {
    if (!finished) await journal.close();
  }
}

async function writeOutputs(setup: FolderSetup, journal: Journal, scores: RowFile, folder: string): Promise<ClassifySummary> {
  const { rule, files, model } = setup;
  const counts = createTagCounts(rule.tags.length);
  const writers = [
    ...await openTables(folder, rule.tags, setup.options.tables),
    await createSubmissionCsv(join(folder, 'submission.csv'), rule.tags),
  ];
  const top = collectTop(rule.tags, setup.options.top);
  const missing: string[] = [];
  await writeTables(writers, (async function* chips(): AsyncGenerator<Chip> {
    for await (const { index, row, place } of placedRows(journal, scores, rule.tags.length)) {
      const tags = tagsOf(rule, row);
      const { id } = files.files[index]!;
      countTags(counts, row, tags);
      top.see(id, row);
      if (!isPredicted(row)) missing.push(id);
      const { size, ...where } = place;
      yield { id, window: { x: 0, y: 0, width: size[0], height: size[1] }, tags, ...(isPredicted(row) ? { probabilities: row } : {}), ...where };
    }
  })());
  const summary: ClassifySummary = {
    input: setup.options.input, model: { name: model.card.name, fingerprint: model.fingerprint }, chips: files.files.length,
    predicted: counts.predicted, nodata: counts.nodata, tags: summarizeTags(rule, counts), ...(setup.options.top === undefined ? {} : { top: top.chips }), files: folderFiles(setup.options.tables),
    ...(setup.reader.stretch === undefined ? {} : { stretch: setup.reader.stretch }),
    warnings: [...model.notes, ...files.notes, ...(missing.length === 0 ? [] : [`without data, so without tags: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}`])],
  };
  await writeSummary(folder, summary);
  return summary;
}
