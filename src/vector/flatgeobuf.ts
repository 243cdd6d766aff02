import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Builder } from 'flatbuffers';
import type { Offset } from 'flatbuffers';
import type { ColumnMeta } from 'flatgeobuf/lib/mjs/column-meta.js';
import { Column } from 'flatgeobuf/lib/mjs/flat-geobuf/column.js';
import { ColumnType } from 'flatgeobuf/lib/mjs/flat-geobuf/column-type.js';
import { Crs as CrsTable } from 'flatgeobuf/lib/mjs/flat-geobuf/crs.js';
import { GeometryType } from 'flatgeobuf/lib/mjs/flat-geobuf/geometry-type.js';
import { Header } from 'flatgeobuf/lib/mjs/flat-geobuf/header.js';
import { buildFeature } from 'flatgeobuf/lib/mjs/generic/feature.js';
import type { IParsedGeometry } from 'flatgeobuf/lib/mjs/generic/geometry.js';
import type { HeaderMeta } from 'flatgeobuf/lib/mjs/header-meta.js';
import { wktFor } from '../georef/index.js';
import type { Crs } from '../georef/index.js';
import { createBounds } from './feature.js';
import type { Box, Coordinates, Feature, FeatureFile, FeatureFileOptions, Field } from './feature.js';
import { createFileOutput } from './file-output.js';
import { NODE_SIZE, hilbertOrder, packedTree } from './packed-tree.js';

/** `fgb`, version 3.0 (https://flatgeobuf.org). */
const MAGIC = Uint8Array.of(0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62, 1);

/**
 * FlatGeobuf with its spatial index: features are spooled beside the file, and put in the order of the index at the end. Keeps
 * 48 bytes per feature, and at the end 88.
 */
export async function createFlatGeobuf(path: string, options: FeatureFileOptions): Promise<FeatureFile> {
  const spoolPath = `${path}.features`;
  const spool = await createFileOutput(spoolPath);
  const bounds = createBounds();
  const types = headerMeta(options);
  const places = createPlaces();

  async function assemble(): Promise<void> {
    const file = await createFileOutput(path);
    const features = await open(spoolPath, 'r');
    try {
      await file.write(MAGIC);
      await file.write(header(options, places.count, bounds.all));
      if (places.count > 0 && bounds.all !== undefined) {
        const order = hilbertOrder(places.boxes, bounds.all);
        await file.write(treeOf(places, order));
        for (const index of order) await file.write(await bytesAt(features, places.offsets[index]!, places.lengths[index]!));
      }
      await file.finish();
    } catch (error) {
      await file.abort().catch(() => undefined);
      throw error;
    } finally {
      await features.close();
    }
  }

  return {
    async write(feature) {
      const box = bounds.add(feature);
      if (box === undefined) throw new RangeError('a feature without a place cannot be in a FlatGeobuf with an index');
      const bytes = buildFeature(geometryOf(feature), propertiesOf(feature, options.fields), types);
      places.add(box, spool.length, bytes.length);
      await spool.write(bytes);
    },
    async finish() {
      await spool.finish();
      await assemble();
      await rm(spoolPath);
    },
    async abort() {
      await spool.abort().catch(() => undefined);
      await rm(spoolPath, { force: true });
    },
  };
}

/** Boxes, offsets and lengths of features in the spool. */
interface Places {
  readonly count: number;
  readonly boxes: Float64Array;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  add(box: Box, offset: number, length: number): void;
}

function createPlaces(): Places {
  let count = 0;
  let boxes = new Float64Array(4096);
  let offsets = new Float64Array(1024);
  let lengths = new Float64Array(1024);
  const doubled = (values: Float64Array): Float64Array<ArrayBuffer> => {
    const more = new Float64Array(2 * values.length);
    more.set(values);
    return more;
  };
  return {
    get count() { return count; },
    get boxes() { return boxes.subarray(0, 4 * count); },
    get offsets() { return offsets; },
    get lengths() { return lengths; },
    add(box, offset, length) {
      if (count === offsets.length) [boxes, offsets, lengths] = [doubled(boxes), doubled(offsets), doubled(lengths)];
      boxes.set(box, 4 * count);
      offsets[count] = offset;
      lengths[count++] = length;
    },
  };
}

function treeOf(places: Places, order: Uint32Array): Uint8Array {
  const boxes = new Float64Array(4 * order.length);
  const offsets = new Float64Array(order.length);
  let offset = 0;
  order.forEach((index, i) => {
    boxes.set(places.boxes.subarray(4 * index, 4 * index + 4), 4 * i);
    offsets[i] = offset;
    offset += places.lengths[index]!;
  });
  return packedTree(boxes, offsets);
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new RangeError('the spool of features ends early');
    done += bytesRead;
  }
  return bytes;
}

function geometryOf({ polygons = [] }: Feature): IParsedGeometry {
  const parts = polygons.map(polygonPart);
  // Absent parts, ends and heights have no place in the package's type, but in its code.
  return (parts.length === 1 ? parts[0]! : { type: GeometryType.MultiPolygon, parts }) as IParsedGeometry;
}

function polygonPart(rings: readonly Coordinates[]): Partial<IParsedGeometry> {
  const xy: number[] = [];
  const ends: number[] = [];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i++) xy.push(ring[i]!);
    ends.push(xy.length / 2);
  }
  return { type: GeometryType.Polygon, xy, ...(rings.length > 1 ? { ends } : {}) };
}

function propertiesOf(feature: Feature, fields: readonly Field[]): Record<string, string | number | null> {
  return Object.fromEntries(fields.map(({ name }, i) => [name, feature.values[i] ?? null]));
}

const COLUMN_TYPES = { int32: ColumnType.Int, int64: ColumnType.Long, float64: ColumnType.Double, string: ColumnType.String } as const;

function headerMeta({ fields }: FeatureFileOptions): HeaderMeta {
  const columns = fields.map(({ name, type }): ColumnMeta => ({
    name, type: COLUMN_TYPES[type], title: null, description: null, width: -1, precision: -1, scale: -1, nullable: true, unique: false, primary_key: false,
  }));
  return { geometryType: GeometryType.Unknown, columns, envelope: null, featuresCount: 0, indexNodeSize: 0, crs: null, title: null, description: null, metadata: null };
}

function header(options: FeatureFileOptions, count: number, box: Box | undefined): Uint8Array {
  const builder = new Builder();
  const columns = options.fields.map(({ name, type }) => {
    const text = builder.createString(name);
    Column.startColumn(builder);
    Column.addName(builder, text);
    Column.addType(builder, COLUMN_TYPES[type]);
    return Column.endColumn(builder);
  });
  const columnsOffset = Header.createColumnsVector(builder, columns);
  const nameOffset = builder.createString(options.name ?? 'polygons');
  const envelope = box === undefined ? undefined : Header.createEnvelopeVector(builder, Float64Array.from(box));
  const crs = options.crs === undefined ? undefined : crsOffset(builder, options.crs);
  Header.startHeader(builder);
  Header.addName(builder, nameOffset);
  if (envelope !== undefined) Header.addEnvelope(builder, envelope);
  Header.addGeometryType(builder, options.geometry === 'Polygon' ? GeometryType.Polygon : GeometryType.Unknown);
  Header.addColumns(builder, columnsOffset);
  Header.addFeaturesCount(builder, BigInt(count));
  Header.addIndexNodeSize(builder, count === 0 ? 0 : NODE_SIZE);
  if (crs !== undefined) Header.addCrs(builder, crs);
  builder.finishSizePrefixed(Header.endHeader(builder));
  return builder.asUint8Array();
}

function crsOffset(builder: Builder, crs: Crs): Offset {
  const text = crs.epsg === undefined ? wktFor(crs) : undefined;
  const [name, wkt, org] = [builder.createString(crs.name), text === undefined ? undefined : builder.createString(text), builder.createString('EPSG')];
  CrsTable.startCrs(builder);
  CrsTable.addName(builder, name);
  if (crs.epsg !== undefined) {
    CrsTable.addOrg(builder, org);
    CrsTable.addCode(builder, crs.epsg);
  }
  if (wkt !== undefined) CrsTable.addWkt(builder, wkt);
  return CrsTable.endCrs(builder);
}
