import { decodeLzma2 } from './lzma2.js';

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;
const STREAM_HEADER = 12;
const FILTER = { delta: 3, lzma2: 0x21 } as const;

/** Bytes of the check behind a block, by its kind (the .xz file format, section 2.1.1.2). */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

/**
 * Decodes an .xz stream (https://tukaani.org/xz/xz-file-format.txt) into at most `length` bytes, fewer where it ends early:
 * the filters that libtiff writes, LZMA2 and differences between bytes. Checks are not verified. Own code, because no
 * library for this version of Node undoes the difference filter.
 * @throws {RangeError} if it is none, or damaged
 */
export function decodeXz(source: Uint8Array, length: number): Uint8Array {
  if (!MAGIC.every((byte, i) => source[i] === byte)) throw new RangeError('its data are no LZMA (.xz) stream');
  const checkBytes = CHECK_BYTES[source[7]! & 15]!;
  const target = new Uint8Array(length);
  let filled = 0;
  for (let at = STREAM_HEADER; filled < length && at < source.length && source[at] !== 0;) {
    const { size, delta } = readBlockHeader(source, at);
    const part = target.subarray(filled);
    const { next, written } = decodeLzma2(source, at + size, part);
    if (delta > 0) for (let i = delta; i < written; i++) part[i] = part[i]! + part[i - delta]!;
    filled += written;
    at += Math.ceil((next - at) / 4) * 4 + checkBytes;
  }
  return target.subarray(0, filled);
}

/** Length of a block's header, and how far apart the bytes are that the difference filter subtracts; 0 without one. */
function readBlockHeader(source: Uint8Array, start: number): { readonly size: number; readonly delta: number } {
  const size = (source[start]! + 1) * 4;
  if (start + size > source.length) throw new RangeError('the LZMA data end early');
  const flags = source[start + 1]!;
  let at = start + 2;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = source[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  if ((flags & 0x40) !== 0) varint();
  if ((flags & 0x80) !== 0) varint();
  let delta = 0;
  let last = 0;
  for (let filter = 0; filter <= (flags & 3); filter++) {
    last = varint();
    const properties = varint();
    if (last === FILTER.delta) delta = (source[at] ?? 0) + 1;
    else if (last !== FILTER.lzma2) throw new RangeError(`LZMA with the filter ${last} is not read`);
    at += properties;
  }
  if (last !== FILTER.lzma2) throw new RangeError('the LZMA data are damaged');
  return { size, delta };
}
