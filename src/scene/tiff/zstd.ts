import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';

/** What newer versions of Node bring (22.15, 23.8). */
type ZstdDecompress = (data: Uint8Array, options: { maxOutputLength: number }, callback: (error: Error | null, result: Buffer) => void) => void;

const native = (zlib as unknown as { zstdDecompress?: ZstdDecompress }).zstdDecompress;

/** Whether Node decompresses in threads of its own. */
export const hasNativeZstd = native !== undefined;

const MAGIC = 0xfd2fb528;

let decoder: Promise<ZSTDDecoder> | undefined;

/** What a block holds beyond what its picture needs is not looked at, as in libtiff; room is made for so much of it, in steps. */
const LONGEST_BYTES = 2 ** 28;
const STEP = 8;

/**
 * Decompresses Zstandard: with Node's own library where it has one, else with a WebAssembly build on this thread.
 * @returns at most `expected` bytes; fewer where the frame holds fewer.
 */
export async function decodeZstd(source: Uint8Array, expected: number): Promise<Uint8Array> {
  const frame = parseFrame(source);
  let problem: unknown;
  let room = Math.max(expected, Math.min(frame?.holds ?? 0, LONGEST_BYTES));
  let bytes = await decompress(source, room).catch((error: unknown) => { problem = error; return undefined; });
  // Bytes behind the frame are an error to the library; and a frame that does not say how much it holds can hold more than is needed.
  const alone = frame === undefined ? source : source.subarray(0, frame.length);
  for (; isFailure(bytes) && frame !== undefined; room *= STEP) {
    bytes = await decompress(alone, room).catch(() => undefined);
    if (frame.holds !== undefined || room >= Math.min(LONGEST_BYTES, expected * STEP ** 3)) break;
  }
  if (isFailure(bytes)) throw problem instanceof Error ? problem : new RangeError('its Zstandard data are damaged');
  return bytes!.length > expected ? bytes!.subarray(0, expected) : bytes!;
}

/** The WebAssembly build gives nothing where it fails. */
function isFailure(bytes: Uint8Array | undefined): boolean {
  return bytes === undefined || bytes.length === 0;
}

/** How many bytes the first frame takes, and holds where it says so (RFC 8878, section 3.1.1); `undefined` where that is not a whole frame. */
function parseFrame(source: Uint8Array): { readonly length: number; readonly holds?: number } | undefined {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  if (source.length < 9 || view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = source[4]!;
  const isSingleSegment = (descriptor & 32) !== 0;
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = descriptor >> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (descriptor >> 6);
  let at = sizeAt + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + 3 > source.length) return undefined;
    const block = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
    isLast = (block & 1) === 1;
    // A block of one repeated byte stores that byte alone.
    at += 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > source.length) return undefined;
  switch (sizeBytes) {
    case 1: return { length: at, holds: source[sizeAt]! };
    case 2: return { length: at, holds: view.getUint16(sizeAt, true) + 256 };
    case 4: return { length: at, holds: view.getUint32(sizeAt, true) };
    case 8: return { length: at, holds: Number(view.getBigUint64(sizeAt, true)) };
    default: return { length: at };
  }
}

async function decompress(source: Uint8Array, length: number): Promise<Uint8Array> {
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
