import type { ByteWriter, ParquetWriter, SchemaElement } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';

/** A column of vectors of one length. */
export interface VectorColumn {
  readonly name: string;
  /** Numbers per vector. */
  readonly dimensions: number;
}

/** The column's elements in a schema: a list of float32, as the Parquet format's LogicalTypes.md lays lists out, without nulls. */
export function vectorSchema({ name }: VectorColumn): SchemaElement[] {
  return [
    { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  ];
}

/**
 * Adds the chunk of a vector column, the last of the schema, to the row group that was written last: one page, plain and not
 * compressed, so that its last `rows × dimensions × 4` bytes are the vectors, row by row, little-endian. The library takes lists
 * as arrays of arrays of numbers and needs 0.5 µs for each number; levels of lists of one length are known beforehand.
 */
export function appendVectors(parquet: ParquetWriter, buffer: ByteWriter, column: VectorColumn, vectors: readonly Float32Array[]): void {
  const { dimensions } = column;
  const values = vectors.length * dimensions;
  const repetitions = repetitionLevels(vectors.length, dimensions);
  const definitions = [...varint(values << 1 >>> 0), 1];
  const size = repetitions.length + definitions.length + values * 4;
  const start = buffer.offset;
  writePageHeader(buffer, {
    type: 'DATA_PAGE_V2', uncompressed_page_size: size, compressed_page_size: size,
    data_page_header_v2: {
      num_values: values, num_nulls: 0, num_rows: vectors.length, encoding: 'PLAIN',
      definition_levels_byte_length: definitions.length, repetition_levels_byte_length: repetitions.length, is_compressed: false,
    },
  });
  buffer.appendBytes(Uint8Array.from(repetitions));
  buffer.appendBytes(Uint8Array.from(definitions));
  for (const vector of vectors) buffer.appendBytes(littleEndian(vector));
  const bytes = BigInt(buffer.offset - start);
  const group = parquet.row_groups.at(-1)!;
  group.columns.push({
    file_offset: BigInt(start),
    meta_data: {
      type: 'FLOAT', encodings: ['PLAIN', 'RLE'], path_in_schema: [column.name, 'list', 'element'], codec: 'UNCOMPRESSED',
      num_values: BigInt(values), total_uncompressed_size: bytes, total_compressed_size: bytes, data_page_offset: BigInt(start),
    },
  });
  group.total_byte_size += bytes;
  if (group.total_compressed_size !== undefined) group.total_compressed_size += bytes;
}

/** 0 where a row begins, else 1, as runs (Parquet's RLE hybrid, bit width 1). */
function repetitionLevels(rows: number, dimensions: number): number[] {
  const row = dimensions === 1 ? [...varint(2), 0] : [...varint(2), 0, ...varint((dimensions - 1) << 1), 1];
  return Array.from({ length: rows }, () => row).flat();
}

/** Unsigned LEB128. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function littleEndian(vector: Float32Array): Uint8Array {
  // Every platform that Node runs on is little-endian but one (s390x), where numbers are turned around.
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? bytes : Buffer.from(bytes).swap32();
}
