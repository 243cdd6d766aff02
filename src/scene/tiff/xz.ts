import { decodeLzma2 } from './lzma2.js';
import { checkLength, verifyCheck, verifyCrc32 } from './xz-checks.js';

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;
const STREAM_HEADER = 12;
const FILTER = { delta: 3, lzma2: 0x21 } as const;

/**
 * Decodes an .xz stream (https://tukaani.org/xz/xz-file-format.txt) into at most `length` bytes, fewer where it ends early:
 * the filters that libtiff writes, LZMA2 and differences between bytes. Checks of headers, blocks and
 * of the index are verified; libtiff writes none of blocks. Own code, because no
 * library for this version of Node undoes the difference filter.
 * @throws {RangeError} if it is none, or damaged
 */
export function decodeXz(source: Uint8Array, length: number): Uint8Array {
  if (!MAGIC.every((byte, i) => source[i] === byte)) throw new RangeError('its data are no LZMA (.xz) stream');
  verifyCrc32(source, 6, 8);
  const check = source[7]! & 15;
  const target = new Uint8Array(length);
  const blocks: BlockSizes[] = [];
  let filled = 0;
  let at = STREAM_HEADER;
  while (at < source.length && source[at] !== 0) {
    const start = at;
    const { size, delta, packed, unpacked } = readBlockHeader(source, at);
    const part = target.subarray(filled);
    const { next, written, isWhole } = decodeLzma2(source, at + size, part);
    if (delta > 0) for (let i = delta; i < written; i++) part[i] = part[i]! + part[i - delta]!;
    filled += written;
    if (!isWhole) return target;
    if ((packed ?? next - start - size) !== next - start - size || (unpacked ?? written) !== written) throw new RangeError('the LZMA data are damaged');
    at = start + upToFour(next - start);
    verifyCheck(check, part.subarray(0, written), source, at);
    at += checkLength(check);
    blocks.push({ stored: next - start + checkLength(check), decoded: written });
  }
  if (at < source.length) verifyIndex(source, at, blocks);
  return target.subarray(0, filled);
}

function upToFour(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** Lengths of a block without its padding. */
interface BlockSizes {
  readonly stored: number;
  readonly decoded: number;
}

/** The index at the end lists the blocks that there are. */
function verifyIndex(source: Uint8Array, start: number, blocks: readonly BlockSizes[]): void {
  const numbers = numbersFrom(source, start + 1);
  const isRight = numbers.next() === blocks.length && blocks.every(({ stored, decoded }) => numbers.next() === stored && numbers.next() === decoded);
  if (!isRight) throw new RangeError('the LZMA data are damaged');
  verifyCrc32(source, start, start + upToFour(numbers.at() - start));
}

/** Numbers of seven bits per byte. */
function numbersFrom(source: Uint8Array, start: number): { readonly next: () => number; readonly at: () => number } {
  let at = start;
  return {
    at: () => at,
    next: () => {
      let value = 0;
      for (let shift = 0; shift < 63; shift += 7) {
        const byte = source[at++] ?? 0;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) break;
      }
      return value;
    },
  };
}

interface BlockHeader {
  readonly size: number;
  /** How far apart the bytes are that the difference filter subtracts; 0 without one. */
  readonly delta: number;
  /** Bytes of the block before and after decoding, where it says so. */
  readonly packed?: number;
  readonly unpacked?: number;
}

function readBlockHeader(source: Uint8Array, start: number): BlockHeader {
  const size = (source[start]! + 1) * 4;
  if (start + size > source.length) throw new RangeError('the LZMA data end early');
  verifyCrc32(source, start, start + size - 4);
  const flags = source[start + 1]!;
  let numbers = numbersFrom(source, start + 2);
  const packed = (flags & 0x40) === 0 ? undefined : numbers.next();
  const unpacked = (flags & 0x80) === 0 ? undefined : numbers.next();
  let delta = 0;
  let last = 0;
  for (let filter = 0; filter <= (flags & 3); filter++) {
    last = numbers.next();
    const properties = numbers.next();
    if (last === FILTER.delta) delta = (source[numbers.at()] ?? 0) + 1;
    else if (last !== FILTER.lzma2) throw new RangeError(`LZMA with the filter ${last} is not read`);
    numbers = numbersFrom(source, numbers.at() + properties);
  }
  if (last !== FILTER.lzma2) throw new RangeError('the LZMA data are damaged');
  return { size, delta, ...(packed === undefined ? {} : { packed }), ...(unpacked === undefined ? {} : { unpacked }) };
}
