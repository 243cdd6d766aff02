import { open, type FileHandle } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { InvalidFileError } from '../errors.js';
import type { Archive } from './archive.js';

interface Member { readonly offset: number; readonly stored: number; readonly size: number; readonly method: number }

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
/** Longest comment that may follow the end record, and the record itself. */
const END_REACH = 65_535 + 22;

/**
 * Opens a ZIP archive (APPNOTE 6.3.10: stored and deflated members, no ZIP64, no encryption).
 * @throws {InvalidFileError} if it is not such an archive.
 */
export async function openZip(file: string): Promise<Archive> {
  const handle = await open(file);
  try {
    const members = await readDirectory(handle, file);
    return {
      names: [...members.keys()],
      read: async (name) => readMember(handle, file, name, members.get(name)),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readDirectory(handle: FileHandle, file: string): Promise<Map<string, Member>> {
  const { size } = await handle.stat();
  const tail = await readAt(handle, Math.max(0, size - END_REACH), Math.min(size, END_REACH));
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new InvalidFileError(file, 'expected a ZIP archive, found no directory at its end', { advice: 'check that the download is complete' });
  const count = tail.readUInt16LE(end + 10);
  const length = tail.readUInt32LE(end + 12);
  const start = tail.readUInt32LE(end + 16);
  if (count === 0xffff || start === 0xffffffff) throw new InvalidFileError(file, 'expected a ZIP archive of less than 65,535 files and 4 GB, found a larger one (ZIP64)', { advice: 'unpack it and give the folder' });
  const directory = await readAt(handle, start, length);
  const members = new Map<string, Member>();
  for (let at = 0, index = 0; index < count; index++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new InvalidFileError(file, `expected ${count} entries in the directory of the archive, found ${index}`, { advice: 'check that the download is complete' });
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    if (!name.endsWith('/')) {
      members.set(name, { method: directory.readUInt16LE(at + 10), stored: directory.readUInt32LE(at + 20), size: directory.readUInt32LE(at + 24), offset: directory.readUInt32LE(at + 42) });
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return members;
}

async function readMember(handle: FileHandle, file: string, name: string, member: Member | undefined): Promise<Uint8Array> {
  if (member === undefined) throw new InvalidFileError(file, `expected ${name} in the archive, found no such file`);
  const head = await readAt(handle, member.offset, 30);
  // The local header repeats the name, and its extra field may be of another length than the directory's.
  if (head.length < 30) throw new InvalidFileError(file, `expected ${name} in the archive, found its end before it`);
  const start = member.offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  const bytes = await readAt(handle, start, member.stored);
  if (bytes.length < member.stored) throw new InvalidFileError(file, `expected ${member.stored} bytes of ${name} in the archive, found ${bytes.length}`);
  if (member.method === 0) return bytes;
  if (member.method === 8) return inflate(bytes, file, name, member.size);
  throw new InvalidFileError(file, `expected ${name} to be stored or deflated, found compression method ${member.method}`, { advice: 'unpack it and give the folder' });
}

/** No more is unpacked than the directory says, whatever the member claims to be. */
function inflate(bytes: Uint8Array, file: string, name: string, size: number): Uint8Array {
  let unpacked: Uint8Array;
  try {
    unpacked = inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new InvalidFileError(file, `expected ${name} to unpack to ${size} bytes, found damaged data`, { cause });
  }
  if (unpacked.length !== size) throw new InvalidFileError(file, `expected ${name} to unpack to ${size} bytes, found ${unpacked.length}`);
  return unpacked;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
