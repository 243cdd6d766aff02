import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';

/** What newer versions of Node bring (22.15, 23.8). */
type ZstdDecompress = (data: Uint8Array, options: { maxOutputLength: number }, callback: (error: Error | null, result: Buffer) => void) => void;

const native = (zlib as unknown as { zstdDecompress?: ZstdDecompress }).zstdDecompress;

let decoder: Promise<ZSTDDecoder> | undefined;

/** Decompresses Zstandard: with Node's own library where it has one, else with a WebAssembly build on this thread. */
export async function decodeZstd(source: Uint8Array, length: number): Promise<Uint8Array> {
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
