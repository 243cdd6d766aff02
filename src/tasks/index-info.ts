import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, checkParts, openIndex } from '../index-store/index.js';
import type { IndexPart, IndexSource } from '../index-store/index.js';
import type { TaskContext } from '../run/index.js';
import type { Metric } from '../search/index.js';

export interface IndexInfoOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Tells of what is left where parts are missing or damaged, instead of an error. Default false. */
  readonly skipBad?: boolean;
  /** Reads every part and compares its checksum. Default false: sizes only. */
  readonly check?: boolean;
}

export interface IndexInfo {
  readonly index: string;
  readonly format: string;
  readonly createdBy: string;
  readonly model: { readonly name: string; readonly source: string; readonly fingerprint: string; readonly layer: string; readonly precision?: 'float32' | 'int8' };
  /** Numbers per vector. */
  readonly dimensions: number;
  readonly metric: Metric;
  /** Entries that can be used. */
  readonly count: number;
  readonly sources: readonly IndexSource[];
  readonly parts: readonly IndexPart[];
  /** Bytes of the parts, and of the files that follow from them. */
  readonly partBytes: number;
  readonly cacheBytes: number;
  /** West, south, east, north of the chips' centres, degrees; null where none has a place. */
  readonly bounds: readonly [number, number, number, number] | null;
  /** Different tags of the entries, sorted, with their numbers. */
  readonly tags: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

/**
 * Describes an index.
 * @throws {InvalidFileError} if the folder holds none, or parts are missing or damaged (unless `skipBad`)
 */
export async function indexInfo(options: IndexInfoOptions, context: TaskContext = {}): Promise<IndexInfo> {
  const { index: folder } = options;
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const skipBad = options.skipBad ?? false;
  if (options.check) await checkParts(folder, { skipBad, ...signal });
  const index = await openIndex(folder, { skipBad, ...signal, ...rowProgress(context) });
  try {
    let bounds: [number, number, number, number] | null = null;
    const tags = new Map<string, number>();
    for await (const batch of index.batches(context.signal)) {
      for (let i = 0; i < batch.count; i++) {
        for (const tag of batch.tags(i) ?? []) tags.set(tag, (tags.get(tag) ?? 0) + 1);
        const [lon, lat] = [batch.lon(i), batch.lat(i)];
        if (Number.isNaN(lon)) continue;
        bounds ??= [lon, lat, lon, lat];
        bounds = [Math.min(bounds[0], lon), Math.min(bounds[1], lat), Math.max(bounds[2], lon), Math.max(bounds[3], lat)];
      }
    }
    const { manifest } = index;
    const { name, source, fingerprint, layer, precision } = manifest.model;
    return {
      index: folder, format: manifest.format, createdBy: manifest.createdBy, model: { name, source, fingerprint, layer, ...(precision === undefined ? {} : { precision }) }, dimensions: index.dimensions, metric: manifest.metric,
      count: index.count, sources: manifest.sources, parts: index.parts.map(({ first: _first, ...part }) => part), partBytes: index.parts.reduce((sum, { bytes }) => sum + bytes, 0),
      cacheBytes: await cacheBytes(folder), bounds, tags: Object.fromEntries([...tags].sort(([a], [b]) => (a < b ? -1 : 1))), warnings: index.notes,
    };
  } finally {
    await index.close();
  }
}

/** Shows how caches are made from parts, for indexes large enough to wait. */
export function rowProgress(context: TaskContext): { onRows?: (done: number, total: number) => void } {
  const { onProgress } = context;
  return onProgress === undefined ? {} : { onRows: (done, total) => onProgress({ stage: 'index', done, total, unit: 'entries' }) };
}

async function cacheBytes(folder: string): Promise<number> {
  const names = await readdir(join(folder, CACHE_FOLDER)).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, CACHE_FOLDER, name)).catch(() => undefined))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}
