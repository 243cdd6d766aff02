import { KERNEL_NO_ROOM, unpackHere } from './block-kernel.js';

const MAGIC = 0xfd2fb528;

/** What a block holds beyond what its picture needs is not looked at, as in libtiff; room is made for so much of it, in steps. */
const LONGEST_BYTES = 2 ** 28;
const STEP = 8;

/**
 * Decompresses Zstandard on this thread.
 * @returns at most `expected` bytes; fewer where the frame holds fewer.
 * @throws {RangeError} if the data are damaged, or hold much more than expected
 */
export function decodeZstd(source: Uint8Array, expected: number): Uint8Array {
  const frame = parseFrame(source);
  let room = Math.max(expected, Math.min(frame?.holds ?? 0, LONGEST_BYTES));
  let found = unpackHere('unpack_zstd', source, room);
  // Bytes behind the frame are an error to the library; and a frame that does not say how much it holds can hold more than is needed.
  const alone = frame === undefined ? source : source.subarray(0, frame.length);
  if (typeof found === 'number' && alone.length < source.length) found = unpackHere('unpack_zstd', alone, room);
  while (found === KERNEL_NO_ROOM && frame?.holds === undefined && room < Math.min(LONGEST_BYTES, expected * STEP ** 3)) {
    room *= STEP;
    found = unpackHere('unpack_zstd', alone, room);
  }
  if (typeof found === 'number') throw new RangeError('its Zstandard data are damaged');
  return found.length > expected ? found.subarray(0, expected) : found;
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
