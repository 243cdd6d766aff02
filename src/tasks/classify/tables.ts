import { join } from 'node:path';
import { chipFields, createChipCsv, createChipFeatures, createChipGeoJson } from '../../chips/index.js';
import type { ChipWriter } from '../../chips/index.js';
import { InvalidOptionError } from '../../errors.js';
import { crsFromEpsg } from '../../georef/index.js';
import { createFeatureFile } from '../../vector/index.js';

/** Formats of the table of chips. */
export const TABLE_FORMATS = ['csv', 'geojson', 'parquet', 'fgb'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Written where nothing else is asked for. */
export const DEFAULT_TABLES: readonly TableFormat[] = ['csv', 'geojson'];

const WGS84 = 4326;

/** Names of the tables' files. */
export function tableFiles(tables: readonly TableFormat[] = DEFAULT_TABLES): string[] {
  return tables.map((format) => `chips.${format}`);
}

/**
 * @throws {InvalidOptionError} for unknown formats, none, one twice, and for FlatGeobuf where chips have no place: its index is by place.
 */
export function checkTables(tables: readonly string[] = DEFAULT_TABLES, hasPlaces = true): void {
  const known: readonly string[] = TABLE_FORMATS;
  const wrong = tables.find((format, i) => !known.includes(format) || tables.indexOf(format) !== i);
  if (tables.length === 0 || wrong !== undefined) {
    throw new InvalidOptionError('--tables', `expected some of ${TABLE_FORMATS.join(', ')}, each once, got '${tables.join(',')}'`);
  }
  if (tables.includes('fgb') && !hasPlaces) throw noPlace('the scene');
}

/** Opens one writer per table in a folder; features are in WGS 84, as in `chips.geojson`. */
export async function openTables(folder: string, tags: readonly string[], tables: readonly TableFormat[] = DEFAULT_TABLES): Promise<ChipWriter[]> {
  const writers: ChipWriter[] = [];
  for (const format of tables) writers.push(await openTable(join(folder, `chips.${format}`), tags, format));
  return writers;
}

async function openTable(path: string, tags: readonly string[], format: TableFormat): Promise<ChipWriter> {
  if (format === 'csv') return createChipCsv(path, tags);
  if (format === 'geojson') return createChipGeoJson(path, tags);
  const crs = crsFromEpsg(WGS84);
  const file = await createFeatureFile(path, format, { fields: chipFields(tags), geometry: 'MultiPolygon', name: 'chips', ...(crs === undefined ? {} : { crs }) });
  const writer = createChipFeatures(file, tags);
  if (format !== 'fgb') return writer;
  return {
    ...writer,
    async write(chip) {
      if (chip.footprint === undefined) throw noPlace(chip.id);
      await writer.write(chip);
    },
  };
}

function noPlace(what: string): InvalidOptionError {
  return new InvalidOptionError('--tables', `${what} has no coordinates, and a FlatGeobuf is ordered by them`, { advice: 'take csv or parquet' });
}
