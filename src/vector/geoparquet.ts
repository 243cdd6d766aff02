import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { KeyValue, SchemaElement } from 'hyparquet-writer';
import { projJsonFor } from '../georef/index.js';
import { createBounds } from './feature.js';
import type { Box, FeatureFile, FeatureFileOptions, Field } from './feature.js';
import { createFileOutput } from './file-output.js';
import { wkbOf } from './wkb.js';

/** A row group is written when it has so many rows, or geometries of so many bytes. */
const GROUP_ROWS = 20_000;
const GROUP_BYTES = 16 * 1024 * 1024;

const BOX_FIELDS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/**
 * GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0): geometries as WKB, a `bbox` column that readers can skip row
 * groups by, the CRS as PROJJSON (`null` where it is not known). Keeps one row group.
 */
export async function createGeoParquet(path: string, options: FeatureFileOptions): Promise<FeatureFile> {
  const file = await createFileOutput(path);
  const buffer = new ByteWriter();
  const bounds = createBounds();
  const kvMetadata: KeyValue[] = [];
  const parquet = new ParquetWriter({ writer: buffer, schema: schemaOf(options.fields), kvMetadata, createdBy: 'tilewright' });
  let columns = emptyColumns(options.fields);
  let bytes = 0;
  let multi = false;

  async function flush(): Promise<void> {
    const { values, boxes, geometries } = columns;
    await parquet.write({
      columnData: [
        ...options.fields.map(({ name }, i) => ({ name, data: values[i]! })),
        { name: 'bbox', data: boxes },
        { name: 'geometry', data: geometries },
      ],
      rowGroupSize: GROUP_ROWS,
    });
    columns = emptyColumns(options.fields);
    bytes = 0;
    await drain();
  }

  /** Moves the encoded bytes to the file; the writer keeps counting. */
  async function drain(): Promise<void> {
    const done = buffer.getBytes().slice();
    buffer.index = 0;
    await file.write(done);
  }

  return {
    async write(feature) {
      const box = bounds.add(feature);
      const geometry = feature.polygons === undefined ? null : wkbOf(feature.polygons);
      multi ||= (feature.polygons?.length ?? 1) > 1;
      feature.values.forEach((value, i) => columns.values[i]!.push(options.fields[i]!.type === 'int64' && value !== null ? BigInt(value) : value));
      columns.boxes.push(box === undefined ? null : { xmin: box[0], ymin: box[1], xmax: box[2], ymax: box[3] });
      columns.geometries.push(geometry);
      bytes += geometry?.length ?? 0;
      if (columns.geometries.length >= GROUP_ROWS || bytes >= GROUP_BYTES) await flush();
    },
    async finish() {
      if (columns.geometries.length > 0) await flush();
      kvMetadata.push({ key: 'geo', value: JSON.stringify(metadata(options, multi, bounds.all)) });
      await parquet.finish();
      await drain();
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

interface Columns {
  readonly values: (string | number | bigint | null)[][];
  readonly boxes: (Record<(typeof BOX_FIELDS)[number], number> | null)[];
  readonly geometries: (Uint8Array | null)[];
}

function emptyColumns(fields: readonly Field[]): Columns {
  return { values: fields.map(() => []), boxes: [], geometries: [] };
}

function schemaOf(fields: readonly Field[]): SchemaElement[] {
  const attribute = ({ name, type }: Field): SchemaElement => {
    const optional = { name, repetition_type: 'OPTIONAL' } as const;
    switch (type) {
      case 'int32': return { ...optional, type: 'INT32' };
      case 'int64': return { ...optional, type: 'INT64' };
      case 'float64': return { ...optional, type: 'DOUBLE' };
      case 'string': return { ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    }
  };
  return [
    { name: 'schema', num_children: fields.length + 2 },
    ...fields.map(attribute),
    { name: 'bbox', repetition_type: 'OPTIONAL', num_children: 4 },
    ...BOX_FIELDS.map((name): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'REQUIRED' })),
    { name: 'geometry', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  ];
}

function metadata(options: FeatureFileOptions, multi: boolean, box: Box | undefined): unknown {
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
