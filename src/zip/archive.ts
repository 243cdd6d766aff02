import { inflateRawSync } from 'node:zlib';
import { InvalidFileError } from '../errors.js';

/** A file that is read in parts. */
export interface ReadableFile {
  readonly path: string;
  readonly size: number;
  /** Exactly `length` bytes from `position`. @throws {InvalidFileError} if the file ends before. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** A member of a ZIP archive. Its name is only ever compared, never used as a path. */
export interface Member {
  readonly name: string;
  /** Bytes when unpacked, as the directory claims. */
  readonly size: number;
  /** Unpacked. @throws {InvalidFileError} if it is damaged or not of its claimed size. */
  read(): Promise<Uint8Array>;
  /** Parts of a member that is stored as it is; `undefined` for deflated ones. */
  readonly part?: (from: number, length: number) => Promise<Uint8Array>;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
/** Longest comment that may follow the end record, and the record itself. */
const END_REACH = 65_535 + 22;
/** Deflate cannot do better than this: a member that claims more is a bomb. */
const BEST_DEFLATE = 1032;
/** Largest member that is unpacked in memory. */
const MOST_UNPACKED = 2 ** 31;

/**
 * The directory of a ZIP archive (APPNOTE.TXT of PKWARE): stored and deflated members below 4 GB.
 * @param tooLarge advice for archives beyond that.
 * @throws {InvalidFileError} for anything else, and for two members of one name.
 */
export async function readArchive(file: ReadableFile, tooLarge: string): Promise<ReadonlyMap<string, Member>> {
  const { path, size } = file;
  const tail = view(await file.read(Math.max(0, size - END_REACH), Math.min(size, END_REACH)));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new InvalidFileError(path, 'expected a ZIP archive, found no directory at its end', { advice: 'check that the file is complete' });
  const count = tail.getUint16(end + 10, true);
  const length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (count === 0xffff || start === 0xffffffff) throw new InvalidFileError(path, 'expected an archive of less than 65,535 files and 4 GB, found a larger one (ZIP64)', { advice: tooLarge });
  const directory = view(await file.read(start, length));
  const members = new Map<string, Member>();
  for (let at = 0, index = 0; index < count; index++) {
    if (at + 46 > length || directory.getUint32(at, true) !== DIRECTORY_ENTRY) throw new InvalidFileError(path, `expected ${count} entries in the directory of the archive, found ${index}`, { advice: 'check that the file is complete' });
    const nameLength = directory.getUint16(at + 28, true);
    const next = at + 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    if (next > length) throw new InvalidFileError(path, 'expected a whole directory of the archive, found its end cut off', { advice: 'check that the file is complete' });
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameLength));
    if (members.has(name)) throw new InvalidFileError(path, `expected every file once in the archive, found ${name} twice`);
    members.set(name, member(file, name, { method: directory.getUint16(at + 10, true), stored: directory.getUint32(at + 20, true), size: directory.getUint32(at + 24, true), offset: directory.getUint32(at + 42, true) }));
    at = next;
  }
  return members;
}

interface Entry { readonly method: number; readonly stored: number; readonly size: number; readonly offset: number }

function member(file: ReadableFile, name: string, entry: Entry): Member {
  const { path } = file;
  const start = async (): Promise<number> => {
    const head = view(await file.read(entry.offset, 30));
    if (head.getUint32(0, true) !== LOCAL_HEADER) throw new InvalidFileError(path, `expected ${name} at ${entry.offset} of the archive, found something else`);
    // The local header repeats the name, and its extra field may be of another length than the directory's.
    return entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  };
  if (entry.method === 0) {
    const part = async (from: number, length: number): Promise<Uint8Array> => {
      if (from < 0 || length < 0 || from + length > entry.size) throw new InvalidFileError(path, `expected ${length} bytes at ${from} of ${name}, found its end at ${entry.size}`);
      return file.read(await start() + from, length);
    };
    return { name, size: entry.size, read: () => part(0, entry.size), part };
  }
  return {
    name,
    size: entry.size,
    async read() {
      if (entry.method !== 8) throw new InvalidFileError(path, `expected ${name} to be stored or deflated, found compression method ${entry.method}`);
      if (entry.size > MOST_UNPACKED || entry.size > (entry.stored + 1) * BEST_DEFLATE) throw new InvalidFileError(path, `expected ${name} to be of a size that its ${entry.stored} packed bytes can have, found ${entry.size}`);
      const packed = await file.read(await start(), entry.stored);
      let bytes: Uint8Array;
      try {
        bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
      } catch (cause) {
        throw new InvalidFileError(path, `expected ${name} to unpack to ${entry.size} bytes, found damaged data`, { cause });
      }
      if (bytes.length !== entry.size) throw new InvalidFileError(path, `expected ${name} to unpack to ${entry.size} bytes, found ${bytes.length}`);
      return bytes;
    },
  };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
