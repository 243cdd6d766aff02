import { open, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { csvRecord, footprintGeometry } from '../../chips/index.js';
import { InvalidOptionError } from '../../errors.js';
import { crsFromEpsg } from '../../georef/index.js';
import type { LonLat } from '../../georef/index.js';
import type { IndexEntry } from '../../index-store/index.js';
import { promote } from '../../run/index.js';
import { createFeatureFile, formatOf } from '../../vector/index.js';
import type { Field } from '../../vector/index.js';

/** Further columns of a table of entries. */
export interface EntryColumns<T> {
  readonly before?: readonly Field[];
  readonly after?: readonly Field[];
  /** Values of both, in order. */
  values(item: T): { readonly before?: readonly (string | number | null)[]; readonly after?: readonly (string | number | null)[] };
}

const ENTRY_FIELDS: readonly Field[] = [
  { name: 'id', type: 'string' }, { name: 'scene', type: 'string' }, ...['x', 'y', 'width', 'height'].map((name): Field => ({ name, type: 'int32' })),
  { name: 'lon', type: 'float64' }, { name: 'lat', type: 'float64' },
];
const WGS84 = 4326;

/** @throws {InvalidOptionError} for names that say no format. */
export function checkTableName(path: string, option: string): void {
  if (extname(path).toLowerCase() !== '.csv' && formatOf(path) === undefined) {
    throw new InvalidOptionError(option, `expected a file that ends in .csv, .geojson, .fgb or .parquet, got ${path}`);
  }
}

/** Writes entries with their outlines and further columns, in the format that the file's name asks for. */
export async function writeEntryTable<T extends { readonly entry: IndexEntry }>(path: string, items: AsyncIterable<T> | Iterable<T>, columns: EntryColumns<T>): Promise<void> {
  const fields = [...columns.before ?? [], ...ENTRY_FIELDS, ...columns.after ?? []];
  const format = formatOf(path);
  if (format === undefined) {
    await writeCsv(path, [fields.map(({ name }) => name)], (async function* records() {
      for await (const item of items) yield row(item, columns).map((value) => (value === null ? '' : String(value)));
    })());
    return;
  }
  const crs = crsFromEpsg(WGS84);
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await createFeatureFile(temporary, format, { fields, geometry: 'MultiPolygon', name: 'entries', ...(crs === undefined ? {} : { crs }) });
  try {
    for await (const item of items) {
      await file.write({ values: row(item, columns), ...(item.entry.footprint === undefined ? {} : { polygons: polygonsOf(item.entry.footprint) }) });
    }
    await file.finish();
  } catch (error) {
    await file.abort();
    await rm(temporary, { force: true });
    throw error;
  }
  await promote(temporary, path);
}

/** Records that are gathered before the disk is asked. */
const GATHERED = 1000;

async function writeCsv(path: string, head: readonly (readonly string[])[], records: AsyncIterable<readonly string[]>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    let lines = head.map(csvRecord);
    for await (const record of records) {
      lines.push(csvRecord(record));
      if (lines.length < GATHERED) continue;
      await file.writeFile(lines.join(''));
      lines = [];
    }
    await file.writeFile(lines.join(''));
    await file.sync();
  } finally {
    await file.close();
  }
  await promote(temporary, path);
}

function row<T extends { readonly entry: IndexEntry }>(item: T, columns: EntryColumns<T>): (string | number | null)[] {
  const { id, scene, window, lon, lat } = item.entry;
  const { before = [], after = [] } = columns.values(item);
  return [...before, id, scene, window.x, window.y, window.width, window.height, lon ?? null, lat ?? null, ...after];
}

function polygonsOf(footprint: readonly LonLat[]): number[][][] {
  const geometry = footprintGeometry(footprint);
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  return polygons.map((rings) => rings.map((ring) => ring.flatMap(([lon, lat]) => [lon, lat])));
}
