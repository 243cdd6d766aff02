import { InvalidOptionError } from '../errors.js';
import type { IndexEntry, OpenIndex } from '../index-store/index.js';
import { writeWhole } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import type { Metric } from '../search/index.js';
import { drawEntries, overlap } from './index-classify/suggest.js';
import { neighboursOfEvery } from './index-neighbours/every.js';
import { openFilled } from './index-neighbours/open-filled.js';
import { writeEntryTable } from './search/entry-table.js';
import { indexMatrix } from './search/index-matrix.js';
import { checkedOutputs, refuseIndexInputs } from './search/outputs.js';

export interface IndexDuplicatesOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Pairs farther apart are left out. Default: none. */
  readonly threshold?: number;
  /** Pairs that are given at most, the nearest. Default 100. */
  readonly pairs?: number;
  /** Default: the index's. */
  readonly metric?: Metric;
  /** Counts chips that show some of the same ground, too; their overlap makes them alike. Default false. */
  readonly overlapping?: boolean;
  /** Approximate neighbours. Default false. */
  readonly ann?: boolean;
  /** Table of the pairs: two lines each. */
  readonly output?: string;
  /** PNG of the pairs. */
  readonly sheet?: string;
  readonly threads?: number;
  readonly skipBad?: boolean;
  readonly overwrite?: boolean;
}

export interface DuplicatePair {
  readonly a: string;
  readonly b: string;
  readonly distance: number;
}

export interface IndexDuplicatesResult {
  readonly pairs: readonly DuplicatePair[];
  /** Whether there are further pairs, farther than these, within the threshold where there is one. */
  readonly more: boolean;
  /** Pairs farther apart were left out; `null`: none were. */
  readonly threshold: number | null;
  readonly metric: Metric;
  readonly exact: boolean;
  readonly count: number;
  readonly output?: string;
  readonly sheet?: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

const DEFAULT_PAIRS = 100;
/** Neighbours of each entry that are looked at first, and how many times as many where those were too few. */
const NEIGHBOURS = 32;
const MORE = 8;

interface RowPair {
  readonly rows: readonly [number, number];
  readonly distance: number;
}

/** Finds entries that are nearly the same: the nearest pairs of an index. */
export async function indexDuplicates(options: IndexDuplicatesOptions, context: TaskContext = {}): Promise<IndexDuplicatesResult> {
  const started = performance.now();
  const { pairs: most = DEFAULT_PAIRS, threshold = Number.POSITIVE_INFINITY } = options;
  if (!Number.isInteger(most) || most < 1) throw new InvalidOptionError('--pairs', `expected a whole number from 1, got ${most}`);
  if (!(threshold >= 0)) throw new InvalidOptionError('--threshold', `expected a distance from 0, got ${threshold}`);
  const outputs = await checkedOutputs(options);
  const index = await openFilled(options, context);
  try {
    await refuseIndexInputs(outputs, index, []);
    const metric = options.metric ?? index.manifest.metric;
    const { pairs, more } = await nearestPairs(index, { ...options, metric, most, threshold }, context);
    const entries = await Promise.all(pairs.map(async ({ rows, distance }) => ({ a: await index.entry(rows[0]), b: await index.entry(rows[1]), distance })));
    const warnings = [...index.notes];
    if (options.output !== undefined) await writePairs(options.output, entries);
    if (options.sheet !== undefined) {
      const items = entries.flatMap(({ a, b, distance }, i) => [a, b].map((entry) => ({ entry, caption: `pair ${i + 1} · ${distance.toPrecision(3)}`, lines: [] })));
      await writeWhole(options.sheet, await drawEntries(index, 'Nearest pairs', `${entries.length} pairs of ${index.count} chips`, items, warnings, context));
    }
    return {
      pairs: entries.map(({ a, b, distance }) => ({ a: a.id, b: b.id, distance })), more, threshold: options.threshold ?? null, metric, exact: !options.ann, count: index.count,
      ...(options.output === undefined ? {} : { output: options.output }), ...(options.sheet === undefined ? {} : { sheet: options.sheet }),
      seconds: (performance.now() - started) / 1000, warnings,
    };
  } finally {
    await index.close();
  }
}

type Wanted = IndexDuplicatesOptions & { readonly metric: Metric; readonly most: number; readonly threshold: number };

async function nearestPairs(index: OpenIndex, options: Wanted, context: TaskContext): Promise<{ readonly pairs: readonly RowPair[]; readonly more: boolean }> {
  const { most, threshold, metric } = options;
  const kept: RowPair[] = [];
  const known = new Set<number>();
  let limit = threshold;
  let more = false;
  const matrix = indexMatrix(index);
  const trim = (): void => {
    kept.sort((a, b) => a.distance - b.distance || a.rows[0] - b.rows[0] || a.rows[1] - b.rows[1]);
    if (kept.length < most) return;
    more ||= kept.length > most;
    for (const { rows } of kept.splice(most)) known.delete(rows[0] * index.count + rows[1]);
    limit = Math.min(limit, kept.at(-1)!.distance);
  };
  const others = index.count - 1;
  const farthest = new Float64Array(index.count);
  for (let k = Math.min(others, NEIGHBOURS), rows: number[] | undefined; k > 0; k = Math.min(others, k * MORE)) {
    const every = { metric, k, ann: options.ann ?? false, ...(rows === undefined ? {} : { rows }), ...(options.threads === undefined ? {} : { threads: options.threads }) };
    for await (const { row, neighbours } of neighboursOfEvery(index, matrix, every, context)) {
      farthest[row] = neighbours.length < k ? Number.POSITIVE_INFINITY : neighbours.at(-1)!.distance;
      for (const one of neighbours) {
        const [a, b] = [Math.min(row, one.row), Math.max(row, one.row)];
        // A pair is seen from both sides, unless one has nearer neighbours enough.
        const isFarther = one.distance > limit;
        if (one.distance > threshold || (isFarther && more) || known.has(a * index.count + b)) continue;
        if (!options.overlapping && overlap(await index.entry(row), await index.entry(one.row))) continue;
        if (isFarther) {
          more = true;
          continue;
        }
        kept.push({ rows: [a, b], distance: one.distance });
        known.add(a * index.count + b);
        if (kept.length >= 2 * most) trim();
      }
    }
    trim();
    // Rows whose last neighbour is nearer than the last pair may have further ones that are, too: overlapping chips, or many that are alike.
    const enough = kept.length >= most;
    const unfinished = [...(rows ?? farthest.keys())].filter((row) => (enough ? farthest[row]! < limit : farthest[row]! <= limit));
    if (k === others || unfinished.length === 0 || options.ann) break;
    rows = unfinished;
  }
  return { pairs: kept, more };
}

function writePairs(path: string, pairs: readonly { readonly a: IndexEntry; readonly b: IndexEntry; readonly distance: number }[]): Promise<void> {
  const items = pairs.flatMap(({ a, b, distance }, i) => [a, b].map((entry) => ({ entry, pair: i + 1, distance })));
  return writeEntryTable(path, items, {
    before: [{ name: 'pair', type: 'int32' }], after: [{ name: 'distance', type: 'float64' }], values: ({ pair, distance }) => ({ before: [pair], after: [distance] }),
  });
}
