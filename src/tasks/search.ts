import { InvalidOptionError } from '../errors.js';
import { writeWhole } from '../run/index.js';
import type { InputFile, TaskContext } from '../run/index.js';
import { openFilled } from './index-neighbours/open-filled.js';
import { writeEntryTable } from './search/entry-table.js';
import type { RankingOptions, SearchHit, SearchOptions, SearchResult } from './search/options.js';
import { checkedOutputs, refuseIndexInputs } from './search/outputs.js';
import { openRanking } from './search/ranking.js';
import type { RankedEntry, Ranking } from './search/ranking.js';
import { drawSearchSheet } from './search/sheet.js';
import { mapSource, writeSimilarityMap } from './search/similarity-map.js';

export type { RankingOptions, SearchHit, SearchOptions, SearchResult } from './search/options.js';

const DEFAULT_K = 10;

/**
 * Finds the entries of an index that are most like a picture, an entry, a place, or several examples, reading the vectors as a
 * stream.
 * @throws {InvalidFileError} if there is no index, or it is empty or damaged
 * @throws {InvalidOptionError} if the query does not exist in it, or filters leave nothing
 */
export async function search(options: SearchOptions, context: TaskContext = {}): Promise<SearchResult> {
  const started = performance.now();
  const k = options.k ?? DEFAULT_K;
  if (!Number.isInteger(k) || k < 1) throw new InvalidOptionError('-k', `expected a whole number from 1, got ${k}`);
  if (options.verify && !options.ann) throw new InvalidOptionError('--verify', 'compares approximate results with exact ones: it goes with --ann');
  const outputs = await checkedOutputs(options);
  const index = await openFilled(options, context);
  try {
    await refuseIndexInputs(outputs, index, inputsOf(options));
    const ranking = await openRanking(index, options, context);
    const source = options.map === undefined ? undefined : mapSource(ranking, options.scene);
    const found = await take(ranking.results(k), k);
    const recall = options.verify ? share(found, await take(ranking.results(k, { exactly: true }), k)) : undefined;
    const results = found.map(hitOf);
    const warnings = [...ranking.notes];
    if (options.output !== undefined) await writeResults(options.output, found);
    if (options.sheet !== undefined) await writeWhole(options.sheet, await drawSearchSheet(ranking, results, warnings, context));
    if (options.map !== undefined) await writeSimilarityMap(ranking, options.map, source!, context);
    return {
      results, query: queryOf(ranking), metric: ranking.metric, exact: ranking.approximate === undefined, ...(recall === undefined ? {} : { recall }),
      count: ranking.count, model: index.manifest.model.name, ...Object.fromEntries((['output', 'sheet', 'map'] as const).flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
      seconds: (performance.now() - started) / 1000, warnings,
    };
  } finally {
    await index.close();
  }
}

/**
 * The same as a sequence that goes on as long as it is asked, nearest first: `for await (const hit of searchHits(…))`. The index
 * is open meanwhile.
 */
export async function* searchHits(options: RankingOptions, context: TaskContext = {}): AsyncGenerator<SearchHit> {
  const index = await openFilled(options, context);
  try {
    const ranking = await openRanking(index, options, context);
    for await (const one of ranking.results(DEFAULT_K)) yield hitOf(one);
  } finally {
    await index.close();
  }
}

/** Files that are read besides the index and its scenes; examples that are no files are harmless here. */
function inputsOf({ image, like = [], unlike = [], aoi, model }: SearchOptions): InputFile[] {
  return [
    ...[image, ...like, ...unlike].flatMap((path) => (path === undefined ? [] : [{ path, what: 'a picture that is searched for' }])),
    ...(aoi === undefined ? [] : [{ path: aoi, what: 'the area of interest' }]), ...(model === undefined ? [] : [{ path: model, what: 'the model' }]),
  ];
}

async function take<T>(items: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

function share(found: readonly RankedEntry[], exact: readonly RankedEntry[]): number {
  const rows = new Set(found.map(({ row }) => row));
  return exact.length === 0 ? 1 : exact.filter(({ row }) => rows.has(row)).length / exact.length;
}

function hitOf({ rank, entry, distance }: RankedEntry): SearchHit {
  return { rank, id: entry.id, scene: entry.scene, window: entry.window, lon: entry.lon ?? null, lat: entry.lat ?? null, distance };
}

function queryOf({ learned, queries }: Ranking): SearchResult['query'] {
  const [first] = queries;
  if (learned === undefined) return { kind: first!.kind, name: first!.name, window: first!.window };
  const names = queries.map(({ name }) => name);
  return { kind: 'like', name: names.join(', '), window: first!.window, like: names, unlike: learned.unlike.map(({ name }) => name) };
}

function writeResults(path: string, found: readonly RankedEntry[]): Promise<void> {
  return writeEntryTable(path, found, {
    before: [{ name: 'rank', type: 'int32' }], after: [{ name: 'distance', type: 'float64' }], values: ({ rank, distance }) => ({ before: [rank], after: [distance] }),
  });
}
