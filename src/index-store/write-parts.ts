import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crsFromEpsg } from '../georef/index.js';
import { makeFolder } from '../run/index.js';
import { createGeoParquet } from '../vector/index.js';
import type { GeoParquetFile, ParquetField } from '../vector/index.js';
import { PARTS_FOLDER } from './types.js';
import type { EmbeddedEntry, IndexEntry, IndexPart } from './types.js';

const WGS84 = 4326;
/** A part ends when it has so many rows, or vectors of so many bytes. */
const PART_ROWS = 250_000;
const PART_BYTES = 256 * 1024 * 1024;

/** Columns beside `bbox`, `geometry` and `vector`. */
export const FIELDS: readonly ParquetField[] = [
  { name: 'id', type: 'string' }, { name: 'source', type: 'string' }, { name: 'scene', type: 'string' },
  { name: 'x', type: 'int32' }, { name: 'y', type: 'int32' }, { name: 'width', type: 'int32' }, { name: 'height', type: 'int32' },
  { name: 'scale', type: 'int32' }, { name: 'gsd', type: 'float64' }, { name: 'lon', type: 'float64' }, { name: 'lat', type: 'float64' },
  { name: 'tags', type: 'string[]' },
];

export interface PartsOptions {
  /** Where the files are written; they are moved to the index when all of them are finished. */
  readonly folder: string;
  /** Name of the source that all entries belong to. */
  readonly source: string;
  readonly dimensions: number;
  /** Rows of a part at most. Default 250,000, or 256 MB of vectors. */
  readonly rows?: number;
}

/** Writes the entries of one source as GeoParquet parts, one row group of them in memory; their files are synced. @returns the parts as a manifest lists them. */
export async function writeParts(entries: AsyncIterable<EmbeddedEntry>, options: PartsOptions): Promise<IndexPart[]> {
  await makeFolder(options.folder);
  const most = options.rows ?? Math.max(1, Math.min(PART_ROWS, Math.floor(PART_BYTES / (options.dimensions * 4))));
  const parts: IndexPart[] = [];
  let open: OpenPart | undefined;
  try {
    for await (const { entry, vector } of entries) {
      open ??= await createPart(options, parts.length);
      await open.write(entry, vector);
      if (open.rows < most) continue;
      parts.push(await open.finish());
      open = undefined;
    }
    if (open !== undefined) parts.push(await open.finish());
    open = undefined;
    return parts;
  } finally {
    await open?.abort();
  }
}

interface OpenPart {
  readonly rows: number;
  write(entry: IndexEntry, vector: Float32Array): Promise<void>;
  finish(): Promise<IndexPart>;
  abort(): Promise<void>;
}

async function createPart({ folder, source, dimensions }: PartsOptions, number: number): Promise<OpenPart> {
  const temporary = join(folder, 'part.tmp');
  const hash = createHash('sha256');
  const wgs84 = crsFromEpsg(WGS84);
  const crs = wgs84 === undefined ? {} : { crs: wgs84 };
  const file: GeoParquetFile = await createGeoParquet(temporary, {
    fields: FIELDS, geometry: 'Polygon', ...crs, vectors: { name: 'vector', dimensions }, onBytes: (bytes) => { hash.update(bytes); },
  });
  let rows = 0;
  return {
    get rows() { return rows; },
    async write(entry, vector) {
      const { window, footprint } = entry;
      rows++;
      await file.write({
        values: [
          entry.id, entry.source, entry.scene, window.x, window.y, window.width, window.height, entry.scale, entry.gsd ?? null, entry.lon ?? null, entry.lat ?? null,
          entry.tags ?? null,
        ],
        ...(footprint === undefined ? {} : { polygons: [[footprint.flatMap(([lon, lat]) => [lon, lat])]] }), vector,
      });
    },
    async finish() {
      const bytes = await file.finish();
      const sha256 = hash.digest('hex');
      const name = partName(source, number, sha256);
      await rename(temporary, join(folder, name));
      return { file: `${PARTS_FOLDER}/${name}`, source, rows, bytes, sha256 };
    },
    abort: () => file.abort(),
  };
}

/** A name that no file of other content has: a part never takes another one's place. */
function partName(source: string, number: number, sha256: string): string {
  const readable = source.replace(/[^\p{L}\p{N}._-]+/gu, '_').slice(0, 60);
  return `${readable}-${String(number).padStart(4, '0')}-${sha256.slice(0, 12)}.parquet`;
}
