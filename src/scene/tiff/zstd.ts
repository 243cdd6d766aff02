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

/** Decompresses Zstandard: with Node's own library where it has one, else with a WebAssembly build on this thread. */
export async function decodeZstd(source: Uint8Array, length: number, where: Where): Promise<Uint8Array> {
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
