import { readEntries } from './entries.js';
import { distances, shownDistance } from './distance.js';
import { createNearestRows } from './nearest-rows.js';
import type { IndexEntry, IndexManifest, Metric } from './types.js';
import { vectorChunks } from './vectors.js';

export interface Neighbour {
  /** From 1. */
  readonly rank: number;
  readonly row: number;
  readonly entry: IndexEntry;
  readonly distance: number;
}

export interface NearestOptions {
  readonly k: number;
  readonly metric: Metric;
  readonly signal?: AbortSignal;
}

/**
 * The `k` entries nearest to a vector, exactly: every vector is looked at, in pieces, so memory does not depend on the
 * index. Equal distances are ordered by id.
 */
export async function nearest(folder: string, manifest: IndexManifest, query: Float32Array, options: NearestOptions): Promise<Neighbour[]> {
  const { k, metric } = options;
  const best = createNearestRows(Math.min(k, manifest.count));
  let found = new Float64Array(0);
  for await (const { first, count, rows } of vectorChunks(folder, manifest, options.signal)) {
    if (found.length < count) found = new Float64Array(count);
    distances(query, rows, count, metric, found);
    for (let i = 0; i < count; i++) if (found[i]! <= best.limit) best.offer(first + i, found[i]!);
  }
  const nearer = best.nearer();
  const tied = best.tied();
  const entries = await readEntries(folder, manifest, new Set([...nearer, ...tied].map(({ row }) => row)));
  return [...nearer, ...tied]
    .map(({ row, distance }) => ({ row, distance, entry: entries.get(row)! }))
    .sort((a, b) => a.distance - b.distance || (a.entry.id < b.entry.id ? -1 : a.entry.id > b.entry.id ? 1 : 0))
    .slice(0, k)
    .map(({ row, distance, entry }, i) => ({ rank: i + 1, row, entry, distance: shownDistance(distance, metric) }));
}
