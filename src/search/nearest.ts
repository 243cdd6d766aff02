import { shownDistance } from './distance.js';
import { exactRows, rankedRows } from './exact.js';
import { matrixInFile } from './matrix.js';
import type { VectorMatrix } from './matrix.js';
import type { NearestRows } from './nearest-rows.js';
import type { ExactOptions, Metric, RowQuery, VectorFile } from './types.js';

export interface Neighbour {
  /** From 1. */
  readonly rank: number;
  readonly row: number;
  readonly id: string;
  readonly distance: number;
}

export interface NearestOptions extends Omit<ExactOptions, 'most'> {
  readonly metric: Metric;
  /** Ids of rows; they order equal distances. */
  readonly idOf: (row: number) => Promise<string>;
  /** Rows farther than this are left out. Default: none. */
  readonly threshold?: number;
}

/**
 * The `k` rows nearest to a vector, exactly: every vector is looked at, in pieces, so memory does not depend on their number.
 * Equal distances are ordered by id.
 */
export async function nearest(vectors: VectorFile | VectorMatrix, query: Float32Array, options: NearestOptions): Promise<Neighbour[]> {
  const { metric, idOf, threshold, ...rest } = options;
  const matrix = 'blocks' in vectors ? vectors : matrixInFile(vectors);
  const k = Math.max(1, Math.min(options.k, matrix.count));
  const [found] = await exactRows(matrix, [{ vector: query, metric }], { ...rest, k, ...(threshold === undefined ? {} : { most: keptDistance(threshold, metric) }) });
  return nameRows(found!, { k, metric, idOf });
}

/** Gives rows their ranks, ids and shown distances; equal distances are ordered by id. */
export async function nameRows(found: NearestRows, options: { readonly k: number; readonly metric: RowQuery['metric']; readonly idOf: (row: number) => Promise<string> }): Promise<Neighbour[]> {
  const { k, metric, idOf } = options;
  const named: { row: number; distance: number; id: string }[] = [];
  for (const one of rankedRows(found)) named.push({ ...one, id: await idOf(one.row) });
  return named
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .slice(0, k)
    .map(({ row, id, distance }, i) => ({ rank: i + 1, row, id, distance: metric === 'linear' ? distance : shownDistance(distance, metric) }));
}

/** The inverse of {@link shownDistance}: squared for `l2`. A distance below 0 is none. */
export function keptDistance(shown: number, metric: Metric): number {
  return metric === 'l2' && shown >= 0 ? shown * shown : shown;
}
