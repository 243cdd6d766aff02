import { extname } from 'node:path';
import type { FeatureFile, FeatureFileOptions } from './feature.js';
import { createFlatGeobuf } from './flatgeobuf.js';
import { createGeoJson } from './geojson.js';
import { createGeoParquet } from './geoparquet.js';

/** Formats by the endings of their files. */
const FORMATS = { '.geojson': 'geojson', '.json': 'geojson', '.fgb': 'fgb', '.parquet': 'parquet' } as const;

export type FeatureFormat = 'geojson' | 'fgb' | 'parquet';

/** Endings of files that {@link formatOf} knows. */
export const FEATURE_ENDINGS: readonly string[] = Object.keys(FORMATS);

/** The format that a file's name asks for; `undefined` for other names. */
export function formatOf(path: string): FeatureFormat | undefined {
  return (FORMATS as Readonly<Record<string, FeatureFormat>>)[extname(path).toLowerCase()];
}

/** A file of features that is written from front to back. */
export function createFeatureFile(path: string, format: FeatureFormat, options: FeatureFileOptions): Promise<FeatureFile> {
  switch (format) {
    case 'geojson': return createGeoJson(path, options);
    case 'fgb': return createFlatGeobuf(path, options);
    case 'parquet': return plainParquet(path, options);
  }
}

async function plainParquet(path: string, options: FeatureFileOptions): Promise<FeatureFile> {
  const file = await createGeoParquet(path, options);
  return { ...file, async finish() { await file.finish(); } };
}
