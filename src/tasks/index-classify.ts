import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tagList } from '../chips/index.js';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import type { IndexSource, OpenIndex } from '../index-store/index.js';
import { createStandard } from '../linear/index.js';
import { fingerprintOf, oldSidecars, openJournal, placeFiles, writeWhole } from '../run/index.js';
import type { Json, TaskContext } from '../run/index.js';
import type { VectorMatrix } from '../search/index.js';
import { checkOutputFolder, partialFolder } from './classify/outputs.js';
import { fitClassifier, uncertainty } from './index-classify/classifier.js';
import { readLabels } from './index-classify/labels.js';
import type { LabelSet } from './index-classify/labels.js';
import { isMapName, mapName, taggedEntries, writeClassMap } from './index-classify/outputs.js';
import { createSuggestions, drawEntries } from './index-classify/suggest.js';
import type { Suggestion } from './index-classify/suggest.js';
import { validate } from './index-classify/validate.js';
import type { Validation } from './index-classify/validate.js';
import { openFilled } from './index-neighbours/open-filled.js';
import { writeEntryTable } from './search/entry-table.js';
import { indexMatrix } from './search/index-matrix.js';
import { refuseIndexInputs } from './search/outputs.js';

export interface IndexClassifyOptions {
  /** Folder of the index. */
  readonly index: string;
  /** CSV or GeoJSON of labelled chips, places or areas. */
  readonly labels: string;
  /** Folder of the results. */
  readonly output: string;
  /** Format of the table. Default `csv`. */
  readonly table?: 'csv' | 'geojson' | 'parquet' | 'fgb';
  /** Inverse strength of the penalty (scikit-learn's `C`) on standardized vectors. Default 1. */
  readonly c?: number;
  /** Parts that the labelled places are divided into for the scores. Default 5. */
  readonly folds?: number;
  /** Metres of a block of ground that is left out together. Default: by the samples' extent. */
  readonly block?: number;
  /** Chips to label next: so many. Default 0. */
  readonly suggest?: number;
  readonly skipBad?: boolean;
  /** Replaces earlier results. */
  readonly overwrite?: boolean;
}

export interface IndexClassifyResult {
  readonly output: string;
  /** `one` class per chip, or `any` number of tags. */
  readonly kind: 'one' | 'any';
  readonly labelled: number;
  readonly count: number;
  /** How often each was given. */
  readonly tags: readonly { readonly name: string; readonly samples: number; readonly chips: number; readonly share: number }[];
  /** Absent where all labels lie in one place. */
  readonly validation?: Validation;
  readonly suggestions?: readonly { readonly id: string; readonly uncertainty: number; readonly tags: readonly string[] }[];
  readonly files: readonly string[];
  readonly seconds: number;
  readonly warnings: readonly string[];
}

const DEFAULT_FOLDS = 5;
const SUMMARY = 'summary.json';
const SUGGESTED = ['suggest.csv', 'suggest.png'] as const;
const TABLES = ['csv', 'geojson', 'parquet', 'fgb'] as const;

/**
 * Learns from a few labelled entries of an index and tags all of them: a table, a map of every scene, scores from places that were
 * left out, and which chips to label next.
 * @throws {InvalidFileError | InvalidOptionError | OutputError} before anything is written
 */
export async function indexClassify(options: IndexClassifyOptions, context: TaskContext = {}): Promise<IndexClassifyResult> {
  const started = performance.now();
  const { c = 1, folds = DEFAULT_FOLDS, suggest = 0 } = options;
  if (!(c > 0 && Number.isFinite(c))) throw new InvalidOptionError('--c', `expected a number above 0, got ${c}`);
  if (!Number.isInteger(folds) || folds < 2) throw new InvalidOptionError('--folds', `expected a whole number from 2, got ${folds}`);
  if (options.block !== undefined && !(options.block > 0)) throw new InvalidOptionError('--block', `expected metres above 0, got ${options.block}`);
  const former = await formerMaps(options.output);
  const early = resultFiles(options, [], former);
  await checkOutputFolder(options.output, [...early.names, ...early.stale], { overwrite: options.overwrite ?? false, bytes: 0 });
  const index = await openFilled(options, context);
  try {
    await checkResults(index, options, former);
    const labels = await readLabels(options.labels, index, context.signal);
    checkLabels(labels, options.labels);
    return await classifyIn(index, labels, { ...options, c, folds, suggest, former }, started, context);
  } finally {
    await index.close();
  }
}

type Filled = IndexClassifyOptions & Required<Pick<IndexClassifyOptions, 'c' | 'folds' | 'suggest'>> & {
  /** Maps that an earlier run left. */
  readonly former: readonly string[];
};

async function classifyIn(index: OpenIndex, labels: LabelSet, options: Filled, started: number, context: TaskContext): Promise<IndexClassifyResult> {
  const matrix = indexMatrix(index);
  const standard = await standardOf(matrix, context.signal);
  const samples = { data: await matrix.read(labels.rows), values: labels.values };
  const entries = await index.entries(labels.rows);
  const validation = validate(samples, entries, labels, standard, options);
  const classifier = fitClassifier(samples, labels, standard, options.c);
  const warnings = [
    ...index.notes, ...labels.notes, ...(classifier.converged ? [] : ['the fit did not get as precise as wanted; try a smaller --c']),
    ...(validation === undefined ? ['all labels lie in one place, so nothing can be said of other places: there are no scores'] : []),
    ...(validation?.by === 'entry' ? ['the chips have no place on the ground, so neighbours may be on both sides: the scores may be too good'] : []),
  ];
  const counts = labels.names.map(() => 0);
  const known = new Set(labels.rows);
  const suggestions = createSuggestions(options.suggest);
  const partial = partialFolder(options.output);
  const overwrite = options.overwrite ?? false;
  const { names, stale } = resultFiles(options, mappedScenes(index), options.former);
  const journal = await openJournal({ folder: partial, identity: await identityOf(index, options), restart: overwrite });
  let finished = false;
  try {
    const seen = (async function* look() {
      for await (const one of taggedEntries(index, matrix, classifier, labels, context)) {
        for (const tag of one.tags) counts[tag]!++;
        if (options.suggest > 0 && !known.has(one.row)) {
          suggestions.offer({ entry: one.entry, uncertainty: uncertainty(labels.kind, one.probabilities, 0, labels.names.length), tags: one.tags.map((tag) => labels.names[tag]!) });
        }
        yield one;
      }
    })();
    await writeEntryTable(join(partial, tableName(options)), seen, {
      after: [{ name: labels.kind === 'one' ? 'class' : 'tags', type: 'string' }, ...labels.names.map((name) => ({ name: `p_${name}`, type: 'float64' as const }))],
      values: ({ tags, probabilities }) => ({ after: [labels.kind === 'one' ? labels.names[tags[0]!]! : tagList(tags, labels.names), ...Array.from(probabilities, (value) => Number(value.toFixed(6)))] }),
    });
    for (const source of mappedScenes(index)) await writeClassMap(index, matrix, source, classifier, labels, join(partial, mapName(source)), context);
    const chosen = suggestions.chosen();
    if (options.suggest > 0) await writeSuggestions(index, chosen, partial, warnings, context);
    await writeWhole(join(partial, 'model.json'), `${JSON.stringify({ model: index.manifest.model.name, fingerprint: index.manifest.model.fingerprint, layer: index.manifest.model.layer, kind: labels.kind, c: options.c, classifiers: classifier.models })}\n`);
    const result: IndexClassifyResult = {
      output: options.output, kind: labels.kind, labelled: labels.rows.length, count: index.count,
      tags: labels.names.map((name, k) => ({ name, samples: labels.values.filter((values) => values.includes(k)).length, chips: counts[k]!, share: counts[k]! / index.count })),
      ...(validation === undefined ? {} : { validation }),
      ...(options.suggest > 0 ? { suggestions: chosen.map(({ entry, uncertainty: unsure, tags }) => ({ id: entry.id, uncertainty: unsure, tags })) } : {}),
      files: names, seconds: (performance.now() - started) / 1000, warnings,
    };
    await writeWhole(join(partial, SUMMARY), `${JSON.stringify(result, null, 2)}\n`);
    const inOutput = (name: string): string => join(options.output, name);
    await placeFiles({ partial, overwrite, files: names.map((name) => ({ temporary: join(partial, name), path: inOutput(name) })), stale: [SUMMARY, ...stale].map(inOutput) });
    await journal.complete();
    finished = true;
    return result;
  } finally {
    if (!finished) await journal.close();
  }
}

async function writeSuggestions(index: OpenIndex, chosen: readonly Suggestion[], folder: string, warnings: string[], context: TaskContext): Promise<void> {
  await writeEntryTable(join(folder, SUGGESTED[0]), chosen, {
    after: [{ name: 'uncertainty', type: 'float64' }, { name: 'tags', type: 'string' }],
    values: ({ uncertainty: unsure, tags }) => ({ after: [Number(unsure.toFixed(6)), tags.join(' ')] }),
  });
  const items = chosen.map(({ entry, uncertainty: unsure, tags }, i) => ({ entry, caption: `${i + 1} · ${unsure.toFixed(3)}`, lines: [tags.length === 0 ? 'nothing?' : `${tags.join(', ')}?`] }));
  await writeWhole(join(folder, SUGGESTED[1]), await drawEntries(index, 'To label next', `${chosen.length} of ${index.count} chips about which the classifier is least sure`, items, warnings, context));
}

async function standardOf(matrix: VectorMatrix, signal?: AbortSignal) {
  const builder = createStandard(matrix.dimensions);
  for await (const { rows, count } of matrix.blocks(signal === undefined ? {} : { signal })) builder.add(rows, count);
  return builder.result();
}

function checkLabels(labels: LabelSet, path: string): void {
  if (labels.kind === 'one' && labels.names.length < 2) throw new InvalidFileError(path, `expected at least two classes, found only ${labels.names[0] ?? 'none'}`, { advice: 'label some chips of something else, too' });
  if (labels.kind === 'one' && labels.names.length > 255) throw new InvalidFileError(path, `expected at most 255 classes, found ${labels.names.length}`);
  if (labels.names.length === 0) throw new InvalidFileError(path, 'expected tags, found only empty ones');
  const everywhere = labels.names.find((_, k) => labels.values.every((values) => values.includes(k)));
  if (everywhere !== undefined) throw new InvalidFileError(path, `all labelled chips have ${everywhere}: there is nothing to tell it from`, { advice: 'label some chips without it' });
}

function tableName({ table = 'csv' }: Pick<IndexClassifyOptions, 'table'>): string {
  return `tags.${table}`;
}

/** Scenes of which there is a map. */
function mappedScenes(index: OpenIndex): IndexSource[] {
  return index.manifest.sources.filter((source) => source.kind === 'scene' && index.parts.some((part) => part.source === source.name && part.rows > 0));
}

/**
 * Names of all results in the order in which they get them, the summary last; and of what an earlier run may have left that must
 * not stay beside them.
 */
function resultFiles(options: IndexClassifyOptions, scenes: readonly IndexSource[], former: readonly string[]): { readonly names: readonly string[]; readonly stale: readonly string[] } {
  const maps = scenes.map(mapName);
  const names = [tableName(options), ...maps, ...((options.suggest ?? 0) > 0 ? SUGGESTED : []), 'model.json', SUMMARY];
  const others = [...TABLES.map((table) => tableName({ table })), ...SUGGESTED, ...former].filter((name) => !names.includes(name));
  return { names, stale: [...others, ...new Set([...maps, ...former].flatMap(oldSidecars))] };
}

/** Maps that the summary of an earlier run in this folder lists: of scenes that may have left the index since. */
async function formerMaps(output: string): Promise<string[]> {
  const text = await readFile(join(output, SUMMARY), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  try {
    const { files } = JSON.parse(text) as { readonly files?: unknown };
    return Array.isArray(files) ? files.filter((name): name is string => typeof name === 'string' && isMapName(name)) : [];
  } catch {
    return [];
  }
}

/** @throws {InvalidOptionError} if a result is there already and may not be replaced, or is what is read. */
async function checkResults(index: OpenIndex, options: IndexClassifyOptions, former: readonly string[]): Promise<void> {
  const { names, stale } = resultFiles(options, mappedScenes(index), former);
  const all = [...names, ...stale];
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new InvalidOptionError('-o', `two scenes of ${index.folder} would have one map, ${twice}`, { advice: 'embed one of them under another name' });
  await refuseIndexInputs(all.map((name) => ['-o', join(options.output, name)] as const), index, [{ path: options.labels, what: 'the file of labels' }], () => partialFolder(options.output));
  await checkOutputFolder(options.output, all, { overwrite: options.overwrite ?? false, bytes: 0 });
}

/** What the results depend on. */
async function identityOf(index: OpenIndex, { labels, table = 'csv', c, folds, block, suggest }: Filled): Promise<Record<string, Json>> {
  return { command: 'index classify', index: index.fingerprint, labels: fingerprintOf(await readFile(labels, 'utf8')), table, c, folds, block: block ?? null, suggest };
}
