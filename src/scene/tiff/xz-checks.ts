import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Kinds of checks that are verified (the .xz file format, section 2.1.1.2); others have lengths, and are passed over. */
const CHECK = { crc32: 1, crc64: 4, sha256: 10 } as const;

/** Bytes of the check behind a block, by its kind. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

export function checkLength(kind: number): number {
  return CHECK_BYTES[kind & 15]!;
}

/** @throws {RangeError} if the four bytes at `end` are not the CRC32 of those from `start` to there */
export function verifyCrc32(source: Uint8Array, start: number, end: number): void {
  if (end + 4 > source.length) throw new RangeError('the LZMA data end early');
  if (crc32(source.subarray(start, end)) !== Buffer.from(source.buffer, source.byteOffset).readUInt32LE(end)) throw new RangeError('the LZMA data are damaged');
}

/** @throws {RangeError} if the check at `at` is not that of the decoded bytes */
export function verifyCheck(kind: number, decoded: Uint8Array, source: Uint8Array, at: number): void {
  const stored = source.subarray(at, at + checkLength(kind));
  if (stored.length < checkLength(kind)) throw new RangeError('the LZMA data end early');
  const expected = kind === CHECK.crc32 ? numberBytes(crc32(decoded)) : kind === CHECK.crc64 ? crc64(decoded) : kind === CHECK.sha256 ? createHash('sha256').update(decoded).digest() : undefined;
  if (expected !== undefined && !expected.every((byte, i) => byte === stored[i])) throw new RangeError('the LZMA data are damaged');
}

function numberBytes(value: number): Uint8Array {
  return Uint8Array.from([value, value >>> 8, value >>> 16, value >>> 24]);
}

/** Halves of the remainders of single bytes by the polynomial of ECMA-182, bits turned around. */
const TABLE = (() => {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let [a, b] = [byte, 0];
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (a & 1) === 1;
      a = (a >>> 1 | b << 31) >>> 0;
      b >>>= 1;
      if (!isOdd) continue;
      a = (a ^ 0xd7870f42) >>> 0;
      b = (b ^ 0xc96c5795) >>> 0;
    }
    low[byte] = a;
    high[byte] = b;
  }
  return { low, high };
})();

function crc64(bytes: Uint8Array): Uint8Array {
  let [low, high] = [0xffffffff, 0xffffffff];
  for (const byte of bytes) {
    const index = (low ^ byte) & 255;
    low = ((low >>> 8 | high << 24) ^ TABLE.low[index]!) >>> 0;
    high = (high >>> 8 ^ TABLE.high[index]!) >>> 0;
  }
  return Uint8Array.from([...numberBytes(~low), ...numberBytes(~high)]);
}
