/**
 * Integers of 64 bits, in this machine's byte order, as doubles.
 * @throws {RangeError} if one has no double of its own: most beyond 2^53
 */
export function doublesOfIntegers(data: Uint8Array, isSigned: boolean): Float64Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  const out = new Float64Array(words.length >> 1);
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i]!;
    const high = isSigned ? words[2 * i + 1]! | 0 : words[2 * i + 1]!;
    const value = high * 4294967296 + low;
    if ((value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) && !isExact(value, high, low)) {
      throw new RangeError(`it holds the integer ${(BigInt(high) << 32n) + BigInt(low)}, which a double cannot hold; convert it to a smaller type first`);
    }
    out[i] = value;
  }
  return out;
}

function isExact(value: number, high: number, low: number): boolean {
  return BigInt(value) === (BigInt(high) << 32n) + BigInt(low);
}
