import { InvalidOptionError } from '../../errors.js';
import type { IndexEntry, OpenIndex } from '../../index-store/index.js';
import type { TaskContext } from '../../run/index.js';
import { exactRows, keptDistance, nameRows } from '../../search/index.js';
import type { ApproximateIndex, Metric, Neighbour, VectorMatrix } from '../../search/index.js';
import { approximateState, indexApproximate } from './approximate-file.js';
import { indexMatrix } from './index-matrix.js';
import { keptLearned, learnExamples, learnedDistance } from './learned.js';
import type { Learned } from './learned.js';
import { entryMask } from './mask.js';
import { findQuery } from './query.js';
import type { Query } from './query.js';
import type { RankingOptions } from './options.js';

/** Entries from which on an index that has a file for approximate search is searched with it unasked. */
export const LARGE = 1_000_000;
/** Results of the first search; each further one asks for four times as many. */
const FIRST = 64;

export interface RankedEntry extends Neighbour {
  readonly entry: IndexEntry;
}

/** A search that is ready to give results, nearest first, as many as are asked for. */
export interface Ranking {
  readonly index: OpenIndex;
  readonly matrix: VectorMatrix;
  readonly metric: Metric;
  /** What is searched for: one, or the positive examples. */
  readonly queries: readonly Query[];
  readonly learned: Learned | undefined;
  readonly approximate: ApproximateIndex | undefined;
  /** Entries that filters leave. */
  readonly count: number;
  readonly notes: readonly string[];
  /** Results, nearest first. @param first results that will be wanted at least. */
  results(first: number, options?: { readonly exactly?: boolean }): AsyncGenerator<RankedEntry>;
}

/** Looks up the query, filters the entries and opens what the search needs. */
export async function openRanking(index: OpenIndex, options: RankingOptions, context: TaskContext = {}): Promise<Ranking> {
  checkOptions(options);
  const { signal } = context;
  const matrix = indexMatrix(index);
  const metric = options.metric ?? index.manifest.metric;
  const learned = options.like === undefined ? undefined : await learnExamples(index, matrix, options, signal);
  const queries = learned === undefined ? [await findQuery(options, index, signal)] : learned.like;
  const filtered = await entryMask(index, options, signal);
  const notes = [...index.notes, ...filtered?.notes ?? [], ...[...queries, ...learned?.unlike ?? []].flatMap((query) => query.notes)];
  const approximate = await chooseApproximate({ index, matrix, metric, learned, filtered: filtered !== undefined, notes }, options, context);
  const kept = options.threshold === undefined ? undefined
    : learned === undefined ? keptDistance(options.threshold, metric) : keptLearned(options.threshold, learned.intercept);
  const common = { ...(kept === undefined ? {} : { most: kept }), ...(filtered === undefined ? {} : { mask: filtered.mask }) };
  const count = filtered?.count ?? index.count;
  const idOf = async (row: number): Promise<string> => (await index.entry(row)).id;

  async function find(k: number, exactly: boolean): Promise<Neighbour[]> {
    const asked = { ...common, k };
    if (approximate !== undefined && !exactly) return nameRows(await approximate.nearest(queries[0]!.vector, asked), { k, metric, idOf });
    const query = learned === undefined ? { vector: queries[0]!.vector, metric } : { vector: learned.weights, metric: 'linear' as const };
    const [found] = await exactRows(matrix, [query], { ...asked, ...(options.threads === undefined ? {} : { threads: options.threads }), ...(signal === undefined ? {} : { signal }) });
    const named = await nameRows(found!, { k, metric: query.metric, idOf });
    return learned === undefined ? named : named.map((one) => ({ ...one, distance: learnedDistance(one.distance, learned.intercept) }));
  }

  return {
    index, matrix, metric, queries, learned, approximate, count, notes,
    async* results(first, { exactly = false } = {}) {
      const isNew = createPlaceTest(options.unique ?? 0);
      let rank = 0;
      let given = 0;
      for (let k = Math.min(count, Math.max(1, first)); ; k = Math.min(count, Math.max(FIRST, 4 * k))) {
        const found = await find(k, exactly);
        for (const one of found.slice(given)) {
          const entry = await index.entry(one.row);
          if (isNew(entry)) yield { ...one, rank: ++rank, entry };
        }
        if (found.length < k || k === count) return;
        given = found.length;
      }
    },
  };
}

function checkOptions(options: RankingOptions): void {
  const given = [options.image, options.id, options.at, options.like].filter((value) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  if (given.length !== 1) throw new InvalidOptionError('search', `expected one of --image, --id, --at and --like, got ${given.length === 0 ? 'none' : 'several'}`);
  if (options.unlike !== undefined && options.unlike.length > 0 && options.like === undefined) throw new InvalidOptionError('--unlike', 'goes with --like: say what it is like, too');
  if (options.threshold !== undefined && !(options.threshold >= 0)) throw new InvalidOptionError('--threshold', `expected a distance from 0, got ${options.threshold}`);
  if (options.unique !== undefined && !(options.unique >= 0 && Number.isFinite(options.unique))) throw new InvalidOptionError('--unique', `expected metres from 0, got ${options.unique}`);
  if (options.ann && options.like !== undefined) throw new InvalidOptionError('--ann', 'finds what is near to one vector; searches with --like are exact');
}

interface Choice {
  readonly index: OpenIndex;
  readonly matrix: VectorMatrix;
  readonly metric: Metric;
  readonly learned: Learned | undefined;
  readonly filtered: boolean;
  /** Receives what was decided. */
  readonly notes: string[];
}

async function chooseApproximate(choice: Choice, options: RankingOptions, context: TaskContext): Promise<ApproximateIndex | undefined> {
  const { index, matrix, metric, learned, filtered, notes } = choice;
  if (learned !== undefined || options.ann === false) return undefined;
  if (!options.ann) {
    // Unasked only where it is large, was built, and nothing is filtered: exact searches skip what a filter leaves out.
    if (index.count < LARGE || filtered) return undefined;
    const state = await approximateState(index, metric);
    if (state !== 'fresh') {
      notes.push(`${index.count} vectors were compared one by one; tilewright index build makes a file with which searches take milliseconds`);
      return undefined;
    }
  }
  const opened = await indexApproximate(index, matrix, metric, options.threads === undefined ? {} : { threads: options.threads }, context);
  notes.push(...opened.notes);
  return opened.approximate;
}

/** Metres per degree of a great circle of a sphere as large as the earth. */
const METRES_PER_DEGREE = 111_195;

/** Tells whether an entry lies at least so far from all that were taken before; entries without a place always do. */
function createPlaceTest(metres: number): (entry: IndexEntry) => boolean {
  const taken: (readonly [number, number])[] = [];
  return ({ lon, lat }) => {
    if (metres === 0 || lon === undefined || lat === undefined) return true;
    const near = taken.some(([x, y]) => {
      const across = (lon - x - 360 * Math.round((lon - x) / 360)) * Math.cos(((lat + y) / 2) * (Math.PI / 180));
      return Math.hypot(across, lat - y) * METRES_PER_DEGREE < metres;
    });
    if (!near) taken.push([lon, lat]);
    return !near;
  };
}
