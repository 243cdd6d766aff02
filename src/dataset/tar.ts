import { open, type FileHandle } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import type { Archive } from './archive.js';
import { readAt } from './read-at.js';

const BLOCK = 512;
/** Longest name or extended header that is believed. */
const MOST_HEADER = 1024 * 1024;

interface Member { readonly offset: number; readonly size: number }

/**
 * Opens an uncompressed tar archive (POSIX.1-2001 ustar and pax, GNU long names and base-256 sizes). Its headers are read once;
 * members are then read where they lie, in any order.
 * @throws {InvalidFileError} if it is not such an archive, or is cut off.
 */
export async function openTar(file: string): Promise<Archive> {
  const handle = await open(file);
  try {
    const members = await readMembers(handle, file);
    return {
      names: [...members.keys()],
      read: async (name) => {
        const member = members.get(name);
        if (member === undefined) throw new InvalidFileError(file, `expected ${name} in the archive, found no such file`);
        return readAt(handle, member.offset, member.size);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readMembers(handle: FileHandle, file: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const { size: end } = await handle.stat();
  let longName: string | undefined;
  let pax: ReadonlyMap<string, string> = new Map();
  for (let at = 0; at < end;) {
    if (at + BLOCK > end) throw new InvalidFileError(file, `expected bytes of a file in the archive, found ${end - at} bytes of a header at its end`, { advice: 'check that the download is complete' });
    const header = await readAt(handle, at, BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!hasChecksum(header)) {
      throw new InvalidFileError(file, members.size === 0 ? 'expected a tar archive, found other content' : `expected a header at byte ${at} of the archive, found other content`, {
        advice: /gz$/i.test(file) ? 'unzip it first: gunzip' : 'check that the download is complete',
      });
    }
    const size = Number(pax.get('size') ?? numberOf(header, 124, 12));
    const type = String.fromCharCode(header[156]!);
    const start = at + BLOCK;
    if (start + size > end) throw new InvalidFileError(file, `expected ${size} bytes of a file in the archive, found ${end - start}`, { advice: 'check that the download is complete' });
    if (type === 'L' || type === 'x') {
      if (size > MOST_HEADER) throw new InvalidFileError(file, `expected a header of at most ${MOST_HEADER} bytes, found ${size}`);
      const text = await readAt(handle, start, size);
      if (type === 'L') longName = text.toString('utf8').replace(/\0.*$/s, '');
      else pax = parsePax(text);
    } else {
      const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textOf(header, 345, 155) : '';
      const name = pax.get('path') ?? longName ?? `${prefix === '' ? '' : `${prefix}/`}${textOf(header, 0, 100)}`;
      if (type === '0' || type === '\0' || type === '7') members.set(name.replace(/^\.\//, ''), { offset: start, size });
      if (type !== 'g') { longName = undefined; pax = new Map(); }
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return members;
}

/** The sum of all bytes with the field itself as spaces (POSIX.1-2001, pax, "ustar Interchange Format"). */
function hasChecksum(header: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum === numberOf(header, 148, 8);
}

function numberOf(header: Buffer, at: number, length: number): number {
  if ((header[at]! & 0x80) === 0) return Number.parseInt(textOf(header, at, length).trim() || '0', 8);
  let value = header[at]! & 0x7f;
  for (let i = 1; i < length; i++) value = value * 256 + header[at + i]!;
  return value;
}

function textOf(header: Buffer, at: number, length: number): string {
  const text = header.subarray(at, at + length);
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? length : end);
}

/** Records `length key=value\n`. */
function parsePax(text: Buffer): Map<string, string> {
  const out = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(32, at);
    const length = Number(text.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) break;
    const record = text.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    out.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return out;
}
