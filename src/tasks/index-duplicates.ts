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
  /** Whether further pairs are as near as wanted. */
  readonly more: boolean;
  readonly metric: Metric;
  readonly exact: boolean;
  readonly count: number;
  readonly output?: string;
  readonly sheet?: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

const DEFAULT_PAIRS = 100;
/** Neighbours of each entry that are looked at. */
const NEIGHBOURS = 32;

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
      pairs: entries.map(({ a, b, distance }) => ({ a: a.id, b: b.id, distance })), more, metric, exact: !options.ann, count: index.count,
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
  let kept: RowPair[] = [];
  let limit = threshold;
  let more = false;
  const matrix = indexMatrix(index);
  const trim = (): void => {
    kept.sort((a, b) => a.distance - b.distance || a.rows[0] - b.rows[0] || a.rows[1] - b.rows[1]);
    if (kept.length <= most) return;
    more = true;
    kept = kept.slice(0, most);
    limit = Math.min(limit, kept.at(-1)!.distance);
  };
  for await (const { row, neighbours } of neighboursOfEvery(index, matrix, { metric, k: NEIGHBOURS, ann: options.ann ?? false, ...(options.threads === undefined ? {} : { threads: options.threads }) }, context)) {
    for (const one of neighbours) {
      // A pair is seen from both sides, unless one has nearer neighbours enough.
      if (one.distance > limit || kept.some(({ rows }) => rows[0] === Math.min(row, one.row) && rows[1] === Math.max(row, one.row))) continue;
      if (!options.overlapping && overlap(await index.entry(row), await index.entry(one.row))) continue;
      kept.push({ rows: [Math.min(row, one.row), Math.max(row, one.row)], distance: one.distance });
      if (kept.length >= 2 * most) trim();
    }
  }
  trim();
  return { pairs: kept, more };
}

function writePairs(path: string, pairs: readonly { readonly a: IndexEntry; readonly b: IndexEntry; readonly distance: number }[]): Promise<void> {
  const items = pairs.flatMap(({ a, b, distance }, i) => [a, b].map((entry) => ({ entry, pair: i + 1, distance })));
  return writeEntryTable(path, items, {
    before: [{ name: 'pair', type: 'int32' }], after: [{ name: 'distance', type: 'float64' }], values: ({ pair, distance }) => ({ before: [pair], after: [distance] }),
  });
}
