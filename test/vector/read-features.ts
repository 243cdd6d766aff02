import { readFile } from 'node:fs/promises';
import { deserialize } from 'flatgeobuf/lib/mjs/geojson.js';
import type { HeaderMeta } from 'flatgeobuf/lib/mjs/header-meta.js';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

/** Readers of the formats' own packages. */

export interface ReadFeature {
  readonly geometry: { readonly type: string; readonly coordinates: unknown } | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Rect { readonly minX: number; readonly minY: number; readonly maxX: number; readonly maxY: number }

export async function readGeoJson(path: string): Promise<{ readonly features: readonly ReadFeature[]; readonly bbox?: readonly number[] }> {
  return JSON.parse(await readFile(path, 'utf8')) as { features: ReadFeature[]; bbox?: number[] };
}

/** Features of a FlatGeobuf; with a rectangle those that its index finds. */
export async function readFlatGeobuf(path: string, rect?: Rect): Promise<{ readonly features: ReadFeature[]; readonly header: HeaderMeta | undefined }> {
  let header: HeaderMeta | undefined;
  const features: ReadFeature[] = [];
  const bytes = new Uint8Array(await readFile(path));
  const found = deserialize(bytes, { ...(rect === undefined ? {} : { rect }), headerMetaFn: (meta: HeaderMeta) => { header = meta; } });
  // The package tells the console of every node of its index.
  const { debug } = console;
  console.debug = () => undefined;
  try {
    for await (const feature of found as AsyncIterable<ReadFeature>) features.push(feature);
  } finally {
    console.debug = debug;
  }
  return { features, header };
}

export interface GeoMetadata {
  readonly version: string;
  readonly primary_column: string;
  readonly columns: { readonly geometry: { readonly geometry_types: readonly string[]; readonly crs: { readonly id?: unknown } | null; readonly bbox: readonly number[]; readonly covering: unknown } };
}

/** Features of a GeoParquet, its geometries decoded from WKB by hyparquet. */
export async function readGeoParquet(path: string): Promise<{ readonly features: ReadFeature[]; readonly geo: GeoMetadata; readonly rowGroups: number; readonly boxes: readonly unknown[] }> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const rows = await parquetReadObjects({ file });
  const geo = JSON.parse(metadata.key_value_metadata!.find(({ key }) => key === 'geo')!.value!) as GeoMetadata;
  return {
    features: rows.map(({ geometry, bbox: _bbox, ...properties }) => ({ geometry: geometry as ReadFeature['geometry'], properties })),
    geo, rowGroups: metadata.row_groups.length, boxes: rows.map(({ bbox }) => bbox as unknown),
  };
}
