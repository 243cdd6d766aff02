/** Field types of TIFF 6.0 (section 2) and BigTIFF that are written here. */
export type FieldType = 'ascii' | 'short' | 'long' | 'double' | 'long8';

const TYPE_CODE: Record<FieldType, number> = { ascii: 2, short: 3, long: 4, double: 12, long8: 16 };
const TYPE_BYTES: Record<FieldType, number> = { ascii: 1, short: 2, long: 4, double: 8, long8: 8 };

export interface Field {
  readonly tag: number;
  readonly type: FieldType;
  /** Numbers; for `ascii` the bytes of the text with its closing zero. */
  readonly values: ArrayLike<number>;
}

/** Text as UTF-8 with the closing zero that the format asks for. */
export function asciiField(tag: number, text: string): Field {
  return { tag, type: 'ascii', values: Buffer.from(`${text}\0`, 'utf8') };
}

/** Bytes that {@link writeIfd} needs for these fields. Even. */
export function ifdBytes(fields: readonly Field[], big: boolean): number {
  const inline = big ? 8 : 4;
  let bytes = big ? 8 + fields.length * 20 + 8 : 2 + fields.length * 12 + 4;
  for (const field of fields) {
    const size = field.values.length * TYPE_BYTES[field.type];
    if (size > inline) bytes += even(size);
  }
  return even(bytes);
}

/**
 * One image file directory followed by the values that do not fit into it, as it stands at byte `offset` of a little-endian
 * file. `next` is the place of the next directory, 0 for the last.
 */
export function writeIfd(fields: readonly Field[], place: { readonly offset: number; readonly next: number; readonly big: boolean }): Buffer {
  const { offset, next, big } = place;
  const sorted = [...fields].sort((a, b) => a.tag - b.tag);
  const out = Buffer.alloc(ifdBytes(sorted, big));
  const inline = big ? 8 : 4;
  const entryBytes = big ? 20 : 12;
  const tableBytes = (big ? 8 : 2) + sorted.length * entryBytes + inline;
  if (big) out.writeBigUInt64LE(BigInt(sorted.length), 0);
  else out.writeUInt16LE(sorted.length, 0);
  let outside = even(tableBytes);
  sorted.forEach((field, index) => {
    const at = (big ? 8 : 2) + index * entryBytes;
    out.writeUInt16LE(field.tag, at);
    out.writeUInt16LE(TYPE_CODE[field.type], at + 2);
    const valueAt = at + (big ? 12 : 8);
    if (big) out.writeBigUInt64LE(BigInt(field.values.length), at + 4);
    else out.writeUInt32LE(field.values.length, at + 4);
    const size = field.values.length * TYPE_BYTES[field.type];
    if (size <= inline) {
      writeValues(out, valueAt, field);
    } else {
      writeOffset(out, valueAt, offset + outside, big);
      writeValues(out, outside, field);
      outside += even(size);
    }
  });
  writeOffset(out, tableBytes - inline, next, big);
  return out;
}

/** Header of a little-endian TIFF whose first directory stands at `first`. */
export function writeHeader(first: number, big: boolean): Buffer {
  const out = Buffer.alloc(headerBytes(big));
  out.write('II', 0, 'latin1');
  out.writeUInt16LE(big ? 43 : 42, 2);
  if (big) {
    out.writeUInt16LE(8, 4);
    out.writeBigUInt64LE(BigInt(first), 8);
  } else {
    out.writeUInt32LE(first, 4);
  }
  return out;
}

export function headerBytes(big: boolean): number {
  return big ? 16 : 8;
}

/** Directories start at even offsets. */
export function even(size: number): number {
  return size + (size % 2);
}

function writeOffset(out: Buffer, at: number, value: number, big: boolean): void {
  if (big) out.writeBigUInt64LE(BigInt(value), at);
  else out.writeUInt32LE(value, at);
}

function writeValues(out: Buffer, at: number, field: Field): void {
  const { values } = field;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    switch (field.type) {
      case 'ascii': out[at + i] = value; break;
      case 'short': out.writeUInt16LE(value, at + i * 2); break;
      case 'long': out.writeUInt32LE(value, at + i * 4); break;
      case 'double': out.writeDoubleLE(value, at + i * 8); break;
      case 'long8': out.writeBigUInt64LE(BigInt(value), at + i * 8); break;
    }
  }
}
