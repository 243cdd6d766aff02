import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';
import type { Where } from './packed-block.js';

/** What newer versions of Node bring (22.15, 23.8). */
type ZstdDecompress = (data: Uint8Array, options: { maxOutputLength: number }, callback: (error: Error | null, result: Buffer) => void) => void;

type ZstdDecompressSync = (data: Uint8Array, options: { maxOutputLength: number }) => Buffer;

const { zstdDecompress: native, zstdDecompressSync: nativeHere } = zlib as unknown as { zstdDecompress?: ZstdDecompress; zstdDecompressSync?: ZstdDecompressSync };

/** Whether Node decompresses in threads of its own. */
export const hasNativeZstd = native !== undefined;

let decoder: Promise<ZSTDDecoder> | undefined;

/** A block may be so much longer than its picture needs; the rest is not looked at, as in libtiff. */
const LONGEST = 4;
const SLACK = 65536;

/** Decompresses Zstandard: with Node's own library where it has one, else with a WebAssembly build on this thread. */
export async function decodeZstd(source: Uint8Array, expected: number, where: Where): Promise<Uint8Array> {
  const length = Math.min(Math.max(expected, contentSize(source) ?? 0), LONGEST * expected + SLACK);
  const bytes = await decompress(source, length, where);
  return bytes.length > expected ? bytes.subarray(0, expected) : bytes;
}

/** Bytes that the frame says it holds (RFC 8878, section 3.1.1.1), if it says so. */
function contentSize(frame: Uint8Array): number | undefined {
  if (frame.length < 14) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const descriptor = frame[4]!;
  const isSingleSegment = (descriptor & 32) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0: return isSingleSegment ? frame[at] : undefined;
    case 1: return at + 2 <= frame.length ? view.getUint16(at, true) + 256 : undefined;
    case 2: return at + 4 <= frame.length ? view.getUint32(at, true) : undefined;
    default: return at + 8 <= frame.length ? Number(view.getBigUint64(at, true)) : undefined;
  }
}

async function decompress(source: Uint8Array, length: number, where: Where): Promise<Uint8Array> {
  if (where === 'here' && nativeHere !== undefined) return nativeHere(source, { maxOutputLength: length });
  if (native !== undefined) {
    return new Promise((resolve, reject) => {
      native(source, { maxOutputLength: length }, (error, result) => { if (error === null) resolve(result); else reject(error); });
    });
  }
  decoder ??= createDecoder();
  return (await decoder).decode(source, length);
}

async function createDecoder(): Promise<ZSTDDecoder> {
  const created = new ZSTDDecoder();
  await created.init();
  return created;
}
