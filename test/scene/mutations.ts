import fc from 'fast-check';

/** One way of damaging a file; `at` and `value` are taken modulo what there is. */
export interface Mutation {
  readonly kind: 'byte' | 'bit' | 'head' | 'cut' | 'zero' | 'copy' | 'field' | 'swap' | 'link' | 'size';
  readonly at: number;
  readonly value: number;
}

/** Numbers at which counts, sizes and offsets break. */
const EDGES = [0, 1, 2, 7, 8, 255, 256, 32767, 65535, 65536, 1 << 24, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff] as const;

export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(fc.record({
  kind: fc.constantFrom<Mutation['kind']>('byte', 'bit', 'head', 'cut', 'zero', 'copy', 'field', 'field', 'field', 'swap', 'link', 'size'),
  at: fc.nat(), value: fc.nat(),
}), { minLength: 1, maxLength: 4 });

/** A damaged copy. Files of formats without directories take other kinds of damage instead of those of TIFF. */
export function mutate(original: Buffer, list: readonly Mutation[]): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (const mutation of list) {
    if (bytes.length < 16) return bytes;
    bytes = apply(bytes, mutation);
  }
  return bytes;
}

function apply(bytes: Buffer, { kind, at, value }: Mutation): Buffer {
  const place = at % bytes.length;
  switch (kind) {
    case 'byte': bytes[place] = value; return bytes;
    case 'bit': bytes[place]! ^= 1 << (value & 7); return bytes;
    case 'head': bytes[at % Math.min(bytes.length, 600)] = value; return bytes;
    case 'cut': return bytes.subarray(0, Math.max(1, place));
    case 'zero': bytes.fill(value & 1 ? 0 : 255, place, Math.min(bytes.length, place + 1 + value % 64)); return bytes;
    case 'copy': bytes.copy(bytes, value % bytes.length, place, place + 64); return bytes;
    default: return isTiff(bytes) ? mutateTiff(bytes, kind, at, value) : mutatePicture(bytes, at, value);
  }
}

function isTiff(bytes: Buffer): boolean {
  const mark = bytes.toString('latin1', 0, 2);
  return mark === 'II' || mark === 'MM';
}

interface Table { readonly start: number; readonly count: number; readonly entry: number; readonly big: boolean; readonly little: boolean }

/** The directories of a whole TIFF, as far as they can be found. */
function tablesOf(bytes: Buffer): Table[] {
  const little = bytes[0] === 0x49;
  const big = (little ? bytes.readUInt16LE(2) : bytes.readUInt16BE(2)) === 43;
  const found: Table[] = [];
  let offset = number(bytes, big ? 8 : 4, big ? 8 : 4, little);
  while (offset > 0 && offset + 8 < bytes.length && found.length < 16) {
    const count = number(bytes, offset, big ? 8 : 2, little);
    const table: Table = { start: offset + (big ? 8 : 2), count, entry: big ? 20 : 12, big, little };
    if (table.start + count * table.entry + 8 > bytes.length) break;
    found.push(table);
    offset = number(bytes, table.start + count * table.entry, big ? 8 : 4, little);
  }
  return found;
}

function number(bytes: Buffer, at: number, size: number, little: boolean): number {
  if (at + size > bytes.length) return 0;
  if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}

function put(bytes: Buffer, at: number, size: number, little: boolean, value: number): void {
  if (at + size > bytes.length) return;
  if (size === 8) {
    if (little) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeBigUInt64BE(BigInt(value), at);
    return;
  }
  const limited = value % 2 ** (8 * size);
  if (little) bytes.writeUIntLE(limited, at, size);
  else bytes.writeUIntBE(limited, at, size);
}

function mutateTiff(bytes: Buffer, kind: Mutation['kind'], at: number, value: number): Buffer {
  const tables = tablesOf(bytes);
  const table = tables[at % Math.max(1, tables.length)];
  if (table === undefined || table.count === 0) return bytes;
  const { big, little } = table;
  const wide = big ? 8 : 4;
  const entry = table.start + (value % table.count) * table.entry;
  const edge = EDGES[Math.floor(value / table.count) % EDGES.length]!;
  if (kind === 'link') {
    const targets = [table.start - (big ? 8 : 2), tables[0]!.start - (big ? 8 : 2), edge, value % bytes.length];
    put(bytes, table.start + table.count * table.entry, wide, little, targets[at % targets.length]!);
  } else if (kind === 'swap') {
    const other = table.start + (at % table.count) * table.entry + table.entry - wide;
    const mine = entry + table.entry - wide;
    const kept = Buffer.from(bytes.subarray(mine, mine + wide));
    bytes.copy(bytes, mine, other, other + wide);
    kept.copy(bytes, other);
  } else if (kind === 'size') {
    // Width, height, bits, rows per strip, tile size, samples: whatever of them is there.
    const wanted = [256, 257, 258, 277, 278, 322, 323][at % 7]!;
    for (let i = 0; i < table.count; i++) {
      const one = table.start + i * table.entry;
      if (number(bytes, one, 2, little) === wanted) put(bytes, one + table.entry - wide, 4, little, edge);
    }
  } else {
    const part = at % 4;
    if (part === 0) put(bytes, entry, 2, little, value % 65536);
    else if (part === 1) put(bytes, entry + 2, 2, little, value % 20);
    else if (part === 2) put(bytes, entry + 4, wide, little, edge);
    else put(bytes, entry + table.entry - wide, 4, little, edge);
  }
  return bytes;
}

/** Sizes in the headers of PNG (with a right checksum), JPEG and WebP. */
function mutatePicture(bytes: Buffer, at: number, value: number): Buffer {
  const edge = EDGES[value % EDGES.length]!;
  if (bytes[0] === 0x89) {
    if (bytes.length < 33) return bytes;
    if (at % 3 === 2) bytes[24 + value % 5] = at & 255;
    else bytes.writeUInt32BE(edge, 16 + (at % 3) * 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  } else if (bytes[0] === 0xff) {
    for (let i = 2; i + 9 < bytes.length; i++) {
      if (bytes[i] !== 0xff || (bytes[i + 1] !== 0xc0 && bytes[i + 1] !== 0xc2)) continue;
      if (at % 3 === 2) bytes[i + 9] = value;
      else bytes.writeUInt16BE(edge % 65536, i + 5 + (at % 3) * 2);
      break;
    }
  } else {
    bytes[20 + at % 10] = value;
  }
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
