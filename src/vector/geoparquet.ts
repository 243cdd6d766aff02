import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { KeyValue, SchemaElement } from 'hyparquet-writer';
import { projJsonFor } from '../georef/index.js';
import { createBounds } from './feature.js';
import type { Box, Feature, FeatureFileOptions, Field } from './feature.js';
import { createFileOutput } from './file-output.js';
import { appendVectors, vectorSchema } from './vector-column.js';
import type { VectorColumn } from './vector-column.js';
import { wkbOf } from './wkb.js';

/** A row group is written when it has so many rows, or geometries and vectors of so many bytes. */
const GROUP_ROWS = 20_000;
const GROUP_BYTES = 16 * 1024 * 1024;

const BOX_FIELDS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/** A column of attributes, lists of strings included. */
export type ParquetField = Field | { readonly name: string; readonly type: 'string[]' };

export interface GeoParquetOptions extends Omit<FeatureFileOptions, 'fields'> {
  readonly fields: readonly ParquetField[];
  /** A further column with a vector for every feature, as a list of float32. */
  readonly vectors?: VectorColumn;
  /** Receives all bytes of the file in order, for checksums. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

export interface ParquetFeature extends Omit<Feature, 'values'> {
  /** One per field; `null` where there is none. */
  readonly values: readonly (string | number | null | readonly string[])[];
  /** Needed where the file has {@link GeoParquetOptions.vectors}. It is copied. */
  readonly vector?: Float32Array;
}

/** Takes features one after the other; keeps one row group. */
export interface GeoParquetFile {
  write(feature: ParquetFeature): Promise<void>;
  /** Writes the end and syncs the file. @returns its length in bytes. */
  finish(): Promise<number>;
  /** Closes without finishing; the file is of no use. */
  abort(): Promise<void>;
}

/**
 * GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0): geometries as WKB, a `bbox` column that readers can skip row
 * groups by, the CRS as PROJJSON (`null` where it is not known). Keeps one row group.
 */
export async function createGeoParquet(path: string, options: GeoParquetOptions): Promise<GeoParquetFile> {
  const { vectors: vectorColumn } = options;
  const file = await createFileOutput(path);
  const buffer = new ByteWriter();
  const bounds = createBounds();
  const kvMetadata: KeyValue[] = [];
  const parquet = new ParquetWriter({ writer: buffer, schema: schemaOf(options), kvMetadata, createdBy: 'tilewright' });
  let columns = emptyColumns(options.fields);
  let bytes = 0;
  let multi = false;

  async function flush(): Promise<void> {
    const { values, boxes, geometries, vectors } = columns;
    await parquet.write({
      columnData: [
        ...options.fields.map(({ name }, i) => ({ name, data: values[i]! })),
        { name: 'bbox', data: boxes },
        { name: 'geometry', data: geometries },
      ],
      rowGroupSize: GROUP_ROWS,
    });
    if (vectorColumn !== undefined) appendVectors(parquet, buffer, vectorColumn, vectors);
    columns = emptyColumns(options.fields);
    bytes = 0;
    await drain();
  }

  /** Moves the encoded bytes to the file; the writer keeps counting. */
  async function drain(): Promise<void> {
    const done = buffer.getBytes().slice();
    buffer.index = 0;
    options.onBytes?.(done);
    await file.write(done);
  }

  return {
    async write(feature) {
      const box = bounds.add(feature);
      const geometry = feature.polygons === undefined ? null : wkbOf(feature.polygons);
      multi ||= (feature.polygons?.length ?? 1) > 1;
      feature.values.forEach((value, i) => columns.values[i]!.push(options.fields[i]!.type === 'int64' && typeof value === 'number' ? BigInt(value) : value));
      columns.boxes.push(box === undefined ? null : { xmin: box[0], ymin: box[1], xmax: box[2], ymax: box[3] });
      columns.geometries.push(geometry);
      bytes += geometry?.length ?? 0;
      if (vectorColumn !== undefined) {
        if (feature.vector?.length !== vectorColumn.dimensions) throw new RangeError(`expected a vector of ${vectorColumn.dimensions} numbers, got ${feature.vector?.length ?? 'none'}`);
        columns.vectors.push(feature.vector.slice());
        bytes += feature.vector.byteLength;
      }
      if (columns.geometries.length >= GROUP_ROWS || bytes >= GROUP_BYTES) await flush();
    },
    async finish() {
      if (columns.geometries.length > 0) await flush();
      kvMetadata.push({ key: 'geo', value: JSON.stringify(metadata(options, multi, bounds.all)) });
      await parquet.finish();
      await drain();
      await file.finish();
      return file.length;
    },
    abort: () => file.abort(),
  };
}

interface Columns {
  readonly values: (string | number | bigint | null | readonly string[])[][];
  readonly boxes: (Record<(typeof BOX_FIELDS)[number], number> | null)[];
  readonly geometries: (Uint8Array | null)[];
  readonly vectors: Float32Array[];
}

function emptyColumns(fields: readonly ParquetField[]): Columns {
  return { values: fields.map(() => []), boxes: [], geometries: [], vectors: [] };
}

function schemaOf({ fields, vectors }: GeoParquetOptions): SchemaElement[] {
  return [
    { name: 'schema', num_children: fields.length + 2 + (vectors === undefined ? 0 : 1) },
    ...fields.flatMap(attribute),
    { name: 'bbox', repetition_type: 'OPTIONAL', num_children: 4 },
    ...BOX_FIELDS.map((name): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'REQUIRED' })),
    { name: 'geometry', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
    ...(vectors === undefined ? [] : vectorSchema(vectors)),
  ];
}

function attribute({ name, type }: ParquetField): SchemaElement[] {
  const optional = { name, repetition_type: 'OPTIONAL' } as const;
  const string = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;
  switch (type) {
    case 'int32': return [{ ...optional, type: 'INT32' }];
    case 'int64': return [{ ...optional, type: 'INT64' }];
    case 'float64': return [{ ...optional, type: 'DOUBLE' }];
    case 'string': return [{ ...optional, ...string }];
    case 'string[]': return [
      { ...optional, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'REQUIRED', ...string },
    ];
  }
}

function metadata(options: GeoParquetOptions, multi: boolean, box: Box | undefined): unknown {
  return {
    version: '1.1.0',
    primary_column: 'geometry',
    columns: {
      geometry: {
        encoding: 'WKB',
        geometry_types: multi ? ['Polygon', 'MultiPolygon'] : ['Polygon'],
        crs: projJsonFor(options.crs) ?? null,
        orientation: 'counterclockwise',
        edges: 'planar',
        ...(box === undefined ? {} : { bbox: box }),
        covering: { bbox: Object.fromEntries(BOX_FIELDS.map((name) => [name, ['bbox', name]])) },
      },
    },
  };
}
