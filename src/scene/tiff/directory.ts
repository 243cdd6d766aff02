import { InvalidFileError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import { TAG } from './tags.js';

/** One entry of an image file directory; its values are read when they are asked for. */
interface Entry {
  readonly type: number;
  readonly count: number;
  /** Where the values stand in the file, inside the entry itself if they fit. */
  readonly offset: number;
}

/** An image file directory: one picture of a TIFF. */
export interface Directory {
  has(tag: number): boolean;
  /**
   * Values of a numeric tag; 64-bit integers are exact up to 2^53. `undefined` if the tag is absent.
   * @throws {InvalidFileError} if there are more than any picture has
   */
  numbers(tag: number): Promise<ArrayLike<number> | undefined>;
  /** First value of a numeric tag. */
  number(tag: number): Promise<number | undefined>;
  /**
   * The value of a tag that must be a single whole number.
   * @throws {InvalidFileError} if it is of another kind, or not single
   */
  single(tag: number): Promise<number | undefined>;
  /** Text up to the first NUL; for GeoTIFF's texts use `bytes`. */
  text(tag: number): Promise<string | undefined>;
  bytes(tag: number): Promise<Uint8Array | undefined>;
}

export interface TiffHeader {
  readonly littleEndian: boolean;
  readonly big: boolean;
  readonly directories: readonly Directory[];
  /** A directory outside the chain, at a byte that a tag names; `undefined` if there is none. */
  readonly at: (offset: number) => Promise<Directory | undefined>;
  /** Remarks: a chain of directories that runs in a circle, or into nothing. */
  readonly notes: readonly string[];
}

/** Bytes per value of the TIFF types 1–18 (0: no such type). */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8] as const;

/** Types of whole numbers: bytes, shorts, longs, with and without sign. */
const WHOLE_TYPES: ReadonlySet<number> = new Set([1, 3, 4, 6, 8, 9, 16, 17]);

/** More directories than any real file has; a chain may be made to run on for hours. */
const MAX_DIRECTORIES = 10_000;

/** More tags than any real directory has; libtiff takes more for damage, too. */
const MAX_TAGS = 4096;
/** Tags of all directories together: pages by the thousand have some twenty each. */
const MAX_ALL_TAGS = 500_000;

/** Largest value of a tag that is read into memory. */
const MAX_TAG_BYTES = 1 << 26;
/** Numbers of a tag that is no list of blocks: sixty-five thousand bands, ground control points. */
const MAX_NUMBERS = 1 << 20;
/** Blocks of a picture: 100 terapixels in tiles of 2048, 1 in tiles of 256. */
const MAX_BLOCKS = 1 << 24;
/** Lists of as many numbers as there are blocks. */
const BLOCK_LISTS: ReadonlySet<number> = new Set([TAG.stripOffsets, TAG.stripByteCounts, TAG.tileOffsets, TAG.tileByteCounts]);

/** The start of the file is read once: it holds all directories of a cloud-optimised file. */
const HEAD_BYTES = 32768;

/** Whether the bytes begin like a TIFF of either kind and byte order. */
export function isTiff(head: Uint8Array): boolean {
  const [a, b, c, d] = head;
  return (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) || (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43));
}

/**
 * Reads the chain of directories (TIFF 6.0, section 2; BigTIFF). Values stay in the file until they are asked for, and
 * no count is believed that the file is too short for.
 * @throws {InvalidFileError} if the first directory cannot be read
 */
export async function readTiffHeader(source: ByteSource): Promise<TiffHeader> {
  const head = await source.read(0, HEAD_BYTES);
  if (!isTiff(head) || head.length < 8) throw new InvalidFileError(source.url, 'the TIFF header is cut off');
  const littleEndian = head[0] === 0x49;
  const view = viewOf(head);
  const big = view.getUint16(2, littleEndian) === 43;
  if (big && (head.length < 16 || view.getUint16(4, littleEndian) !== 8)) {
    throw new InvalidFileError(source.url, 'the BigTIFF header is cut off or damaged');
  }
  const read = async (offset: number, length: number): Promise<Uint8Array | undefined> => {
    if (offset < 0 || !Number.isFinite(offset) || offset + length > source.size) return undefined;
    if (offset + length <= head.length) return head.subarray(offset, offset + length);
    const bytes = await source.read(offset, length);
    return bytes.length === length ? bytes : undefined;
  };
  const reader: Reader = { source, littleEndian, big, read };
  const directories: Directory[] = [];
  const notes: string[] = [];
  const seen = new Set<number>();
  let tags = 0;
  let offset = big ? safe(view.getBigUint64(8, littleEndian)) : view.getUint32(4, littleEndian);
  while (offset !== 0) {
    if (seen.has(offset)) { notes.push('the chain of directories runs in a circle'); break; }
    if (seen.size === MAX_DIRECTORIES) { notes.push(`only the first ${MAX_DIRECTORIES} directories are read`); break; }
    seen.add(offset);
    const found = await readDirectory(reader, offset);
    if (found === undefined) {
      if (directories.length === 0) {
        throw new InvalidFileError(source.url, `expected a directory at ${byteText(offset)}, but the file of ${source.size} bytes ends before it or within it`,
          { advice: 'the file is cut off or damaged' });
      }
      notes.push(`the chain of directories is broken at ${byteText(offset)}`);
      break;
    }
    directories.push(found.directory);
    tags += found.tags;
    if (tags > MAX_ALL_TAGS && found.next !== 0) { notes.push(`only the first ${directories.length} directories are read: they have ${tags} tags`); break; }
    offset = found.next;
  }
  if (directories.length === 0) throw new InvalidFileError(source.url, 'the TIFF has no directory, so no picture');
  return { littleEndian, big, directories, notes, at: async (place) => (await readDirectory(reader, place))?.directory };
}

interface Reader {
  readonly source: ByteSource;
  readonly littleEndian: boolean;
  readonly big: boolean;
  /** Bytes of the file, or `undefined` if it is too short. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array | undefined>;
}

async function readDirectory(reader: Reader, offset: number): Promise<{ directory: Directory; tags: number; next: number } | undefined> {
  const { big, littleEndian } = reader;
  const countBytes = big ? 8 : 2;
  const entryBytes = big ? 20 : 12;
  const inlineBytes = big ? 8 : 4;
  const counter = await reader.read(offset, countBytes);
  if (counter === undefined) return undefined;
  const count = big ? safe(viewOf(counter).getBigUint64(0, littleEndian)) : viewOf(counter).getUint16(0, littleEndian);
  if (count === 0 || count > MAX_TAGS) return undefined;
  const start = offset + countBytes;
  const table = await reader.read(start, count * entryBytes);
  if (table === undefined) return undefined;
  const view = viewOf(table);
  const entries = new Map<number, Entry>();
  for (let i = 0; i < count; i++) {
    const at = i * entryBytes;
    const tag = view.getUint16(at, littleEndian);
    const type = view.getUint16(at + 2, littleEndian);
    const values = big ? safe(view.getBigUint64(at + 4, littleEndian)) : view.getUint32(at + 4, littleEndian);
    const valueAt = at + (big ? 12 : 8);
    const inline = (TYPE_BYTES[type] ?? 0) * values <= inlineBytes;
    const where = inline ? start + valueAt : big ? safe(view.getBigUint64(valueAt, littleEndian)) : view.getUint32(valueAt, littleEndian);
    if (!entries.has(tag)) entries.set(tag, { type, count: values, offset: where });
  }
  // The last directory of a file that was cut at its very end has no link; its picture may still be whole.
  const link = await reader.read(start + count * entryBytes, inlineBytes);
  const next = link === undefined ? 0 : big ? safe(viewOf(link).getBigUint64(0, littleEndian)) : viewOf(link).getUint32(0, littleEndian);
  return { directory: createDirectory(reader, entries), tags: count, next };
}

function createDirectory(reader: Reader, entries: ReadonlyMap<number, Entry>): Directory {
  /** The first `most` values of a tag, or all. */
  const bytesOf = async (tag: number, most = Infinity): Promise<Uint8Array | undefined> => {
    const entry = entries.get(tag);
    if (entry === undefined) return undefined;
    const size = TYPE_BYTES[entry.type] ?? 0;
    if (size === 0) throw new InvalidFileError(reader.source.url, `tag ${tag} has the unknown type ${entry.type}`);
    const length = size * entry.count;
    const found = entry.offset + length <= reader.source.size ? await reader.read(entry.offset, size * Math.min(entry.count, most)) : undefined;
    if (found === undefined) {
      throw new InvalidFileError(reader.source.url, `tag ${tag} claims ${length} bytes at ${entry.offset}, but the file has ${reader.source.size}`,
        { advice: 'the file is cut off or damaged' });
    }
    return found;
  };
  const refuseMore = (tag: number, most: number, what: string, found: number): void => {
    if (found > most) throw new InvalidFileError(reader.source.url, `expected at most ${most} ${what} in tag ${tag}, found ${found}`, { advice: 'the file is damaged' });
  };
  const bytes = async (tag: number): Promise<Uint8Array | undefined> => {
    const entry = entries.get(tag);
    if (entry !== undefined) refuseMore(tag, MAX_TAG_BYTES, 'bytes', (TYPE_BYTES[entry.type] ?? 0) * entry.count);
    return bytesOf(tag);
  };
  const numbers = async (tag: number, most?: number): Promise<ArrayLike<number> | undefined> => {
    const entry = entries.get(tag);
    if (entry === undefined) return undefined;
    if (most === undefined && BLOCK_LISTS.has(tag)) refuseMore(tag, MAX_BLOCKS, 'blocks', entry.count);
    else if (most === undefined) refuseMore(tag, MAX_NUMBERS, 'numbers', entry.count);
    return decodeNumbers((await bytesOf(tag, most))!, entry.type, reader.littleEndian);
  };
  return {
    has: (tag) => entries.has(tag),
    bytes,
    numbers: (tag) => numbers(tag),
    number: async (tag) => (await numbers(tag, 1))?.[0],
    single: async (tag) => {
      const entry = entries.get(tag);
      if (entry === undefined) return undefined;
      if (entry.count !== 1 || !WHOLE_TYPES.has(entry.type)) {
        throw new InvalidFileError(reader.source.url, `expected one whole number for tag ${tag}, found ${entry.count} values of type ${entry.type}`, { advice: 'the file is damaged' });
      }
      return (await numbers(tag))?.[0];
    },
    text: async (tag) => {
      const data = await bytes(tag);
      if (data === undefined) return undefined;
      const end = data.indexOf(0);
      return Buffer.from(end < 0 ? data : data.subarray(0, end)).toString('utf8');
    },
  };
}

function decodeNumbers(data: Uint8Array, type: number, littleEndian: boolean): ArrayLike<number> {
  const view = viewOf(data);
  const size = TYPE_BYTES[type]!;
  const count = data.length / size;
  const get = numberGetter(view, type, littleEndian);
  if (size === 1 && type !== 6) return data;
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = get(i * size);
  return values;
}

function numberGetter(view: DataView, type: number, littleEndian: boolean): (at: number) => number {
  switch (type) {
    case 3: return (at) => view.getUint16(at, littleEndian);
    case 4: case 13: return (at) => view.getUint32(at, littleEndian);
    case 5: return (at) => view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian);
    case 6: return (at) => view.getInt8(at);
    case 8: return (at) => view.getInt16(at, littleEndian);
    case 9: return (at) => view.getInt32(at, littleEndian);
    case 10: return (at) => view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian);
    case 11: return (at) => view.getFloat32(at, littleEndian);
    case 12: return (at) => view.getFloat64(at, littleEndian);
    case 16: case 18: return (at) => safe(view.getBigUint64(at, littleEndian));
    case 17: return (at) => Number(view.getBigInt64(at, littleEndian));
    default: return (at) => view.getUint8(at);
  }
}

/** Numbers that no file is long enough for become infinite, so that every comparison with a length refuses them. */
function safe(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

function byteText(offset: number): string {
  return Number.isFinite(offset) ? `byte ${offset}` : `a byte beyond ${Number.MAX_SAFE_INTEGER}`;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
