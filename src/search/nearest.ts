import { distances, shownDistance } from './distance.js';
import { createNearestRows } from './nearest-rows.js';
import type { Metric, VectorFile } from './types.js';
import { vectorChunks } from './vectors.js';

export interface Neighbour {
  /** From 1. */
  readonly rank: number;
  readonly row: number;
  readonly id: string;
  readonly distance: number;
}

export interface NearestOptions {
  readonly k: number;
  readonly metric: Metric;
  /** Ids of rows; they order equal distances. */
  readonly idOf: (row: number) => Promise<string>;
  readonly signal?: AbortSignal;
}

/**
 * The `k` rows nearest to a vector, exactly: every vector is looked at, in pieces, so memory does not depend on their number.
 * Equal distances are ordered by id.
 */
export async function nearest(vectors: VectorFile, query: Float32Array, options: NearestOptions): Promise<Neighbour[]> {
  const { k, metric } = options;
  const best = createNearestRows(Math.min(k, vectors.count));
  let found = new Float64Array(0);
  for await (const { first, count, rows } of vectorChunks(vectors, options.signal)) {
    if (found.length < count) found = new Float64Array(count);
    distances(query, rows, count, metric, found);
    for (let i = 0; i < count; i++) if (found[i]! <= best.limit) best.offer(first + i, found[i]!);
  }
  const ranked = [...best.nearer(), ...best.tied()];
  const named = await Promise.all(ranked.map(async (one) => ({ ...one, id: await options.idOf(one.row) })));
  return named
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .slice(0, k)
    .map(({ row, id, distance }, i) => ({ rank: i + 1, row, id, distance: shownDistance(distance, metric) }));
}
