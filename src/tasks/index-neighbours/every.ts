import { throwIfAborted } from '../../errors.js';
import type { OpenIndex } from '../../index-store/index.js';
import type { TaskContext } from '../../run/index.js';
import { exactRows, rankedRows, shownDistance } from '../../search/index.js';
import type { Metric, RankedRow, VectorMatrix } from '../../search/index.js';
import { indexApproximate } from '../search/approximate-file.js';

/** Queries that are compared with all rows in one pass over the vectors. */
const TOGETHER = 128;

export interface EveryOptions {
  readonly metric: Metric;
  /** Neighbours of each row; the row itself is not one. */
  readonly k: number;
  /** Approximate neighbours: every row then costs milliseconds, whatever the size. */
  readonly ann: boolean;
  /** Only these rows. Default: all. */
  readonly rows?: readonly number[];
  readonly threads?: number;
}

export interface RowNeighbours {
  readonly row: number;
  /** Nearest first; equal distances by row. */
  readonly neighbours: readonly RankedRow[];
}

/**
 * The nearest neighbours of every row of an index. Exactly, each row is compared with each: seconds for ten thousand, an hour for a
 * million.
 */
export async function* neighboursOfEvery(index: OpenIndex, matrix: VectorMatrix, options: EveryOptions, context: TaskContext): AsyncGenerator<RowNeighbours> {
  const { metric, k, ann } = options;
  const { dimensions, count } = matrix;
  const { signal, onProgress } = context;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const approximate = ann ? (await indexApproximate(index, matrix, metric, threads, context)).approximate : undefined;
  const shown = (row: number, ranked: readonly RankedRow[]): RowNeighbours => ({
    row, neighbours: ranked.filter((one) => one.row !== row).slice(0, k).map((one) => ({ row: one.row, distance: shownDistance(one.distance, metric) })),
  });
  const total = options.rows?.length ?? count;
  for (let first = 0; first < total; first += TOGETHER) {
    throwIfAborted(signal);
    const rows = options.rows?.slice(first, first + TOGETHER) ?? Array.from({ length: Math.min(TOGETHER, count - first) }, (_, i) => first + i);
    const vectors = await matrix.read(rows);
    const queries = rows.map((_, i) => vectors.subarray(i * dimensions, (i + 1) * dimensions));
    if (approximate === undefined) {
      const found = await exactRows(matrix, queries.map((vector) => ({ vector, metric })), { k: k + 1, ...threads, ...(signal === undefined ? {} : { signal }) });
      for (const [i, row] of rows.entries()) yield shown(row, rankedRows(found[i]!));
    } else {
      for (const [i, row] of rows.entries()) yield shown(row, rankedRows(await approximate.nearest(queries[i]!, { k: k + 1 })));
    }
    onProgress?.({ stage: 'compare', done: first + rows.length, total, unit: 'entries' });
  }
}
