import { InvalidOptionError } from '../errors.js';
import type { IndexEntry } from '../index-store/index.js';
import { writeWhole } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { createNearestRows, rankedRows } from '../search/index.js';
import type { Metric } from '../search/index.js';
import { drawEntries } from './index-classify/suggest.js';
import { neighboursOfEvery } from './index-neighbours/every.js';
import { openFilled } from './index-neighbours/open-filled.js';
import { writeEntryTable } from './search/entry-table.js';
import { indexMatrix } from './search/index-matrix.js';
import { checkedOutputs, refuseIndexInputs } from './search/outputs.js';

export interface IndexOutliersOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Entries that are given. Default 20. */
  readonly count?: number;
  /** The distance to this neighbour says how far out an entry is. Default 10. */
  readonly neighbour?: number;
  /** Default: the index's. */
  readonly metric?: Metric;
  /** Approximate neighbours. Default false. */
  readonly ann?: boolean;
  readonly output?: string;
  readonly sheet?: string;
  readonly threads?: number;
  readonly skipBad?: boolean;
  readonly overwrite?: boolean;
}

export interface Outlier {
  readonly rank: number;
  readonly id: string;
  readonly scene: string;
  readonly lon: number | null;
  readonly lat: number | null;
  /** To its k-th neighbour. */
  readonly distance: number;
}

export interface IndexOutliersResult {
  readonly outliers: readonly Outlier[];
  /** Half of all entries have their neighbour nearer than this. */
  readonly median: number;
  readonly neighbour: number;
  readonly metric: Metric;
  readonly exact: boolean;
  readonly count: number;
  readonly output?: string;
  readonly sheet?: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

const DEFAULT_COUNT = 20;
const DEFAULT_NEIGHBOUR = 10;

/** Finds entries like which there are few: by the distance to the k-th neighbour (Ramaswamy, Rastogi and Shim 2000). */
export async function indexOutliers(options: IndexOutliersOptions, context: TaskContext = {}): Promise<IndexOutliersResult> {
  const started = performance.now();
  const { count: wanted = DEFAULT_COUNT, ann = false } = options;
  for (const [option, value] of [['-k', options.neighbour ?? DEFAULT_NEIGHBOUR], ['--count', wanted]] as const) if (!Number.isInteger(value) || value < 1) throw new InvalidOptionError(option, `expected a whole number from 1, got ${value}`);
  const outputs = await checkedOutputs(options);
  const index = await openFilled(options, context);
  try {
    await refuseIndexInputs(outputs, index, []);
    const metric = options.metric ?? index.manifest.metric;
    const k = Math.min(options.neighbour ?? DEFAULT_NEIGHBOUR, index.count - 1);
    if (k < 1) throw new InvalidOptionError('-k', `${options.index} has one entry: it has no neighbours`);
    const farthest = createNearestRows(Math.min(wanted, index.count));
    const all = new Float64Array(index.count);
    for await (const { row, neighbours } of neighboursOfEvery(index, indexMatrix(index), { metric, k, ann, ...(options.threads === undefined ? {} : { threads: options.threads }) }, context)) {
      all[row] = neighbours.at(-1)?.distance ?? 0;
      if (-all[row] <= farthest.limit) farthest.offer(row, -all[row]);
    }
    const ranked = rankedRows(farthest).slice(0, wanted);
    const entries = await index.entries(ranked.map(({ row }) => row));
    const items = ranked.map(({ distance }, i) => ({ entry: entries[i]!, rank: i + 1, distance: -distance }));
    const median = all.sort()[all.length >> 1]!;
    const warnings = [...index.notes];
    if (options.output !== undefined) await writeOutliers(options.output, items);
    if (options.sheet !== undefined) {
      await writeWhole(options.sheet, await drawEntries(index, 'Unlike all others', `distance to neighbour ${k}; half of ${index.count} chips are nearer than ${median.toPrecision(3)}`,
        items.map(({ entry, rank, distance }) => ({ entry, caption: `${rank} · ${distance.toPrecision(4)}`, lines: [] })), warnings, context));
    }
    return {
      outliers: items.map(({ entry: { id, scene, lon, lat }, rank, distance }) => ({ rank, id, scene, lon: lon ?? null, lat: lat ?? null, distance })),
      median, neighbour: k, metric, exact: !ann, count: index.count, ...(options.output === undefined ? {} : { output: options.output }), ...(options.sheet === undefined ? {} : { sheet: options.sheet }),
      seconds: (performance.now() - started) / 1000, warnings,
    };
  } finally {
    await index.close();
  }
}

function writeOutliers(path: string, items: readonly { readonly entry: IndexEntry; readonly rank: number; readonly distance: number }[]): Promise<void> {
  return writeEntryTable(path, items, {
    before: [{ name: 'rank', type: 'int32' }], after: [{ name: 'distance', type: 'float64' }], values: ({ rank, distance }) => ({ before: [rank], after: [distance] }),
  });
}
