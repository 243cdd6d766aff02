let table: Float32Array | undefined;

/** Widens IEEE half-precision numbers, given as their 16 bits. NaN becomes the one quiet NaN. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  table ??= buildTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!;
  return out;
}

function buildTable(): Float32Array {
  const values = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) values[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) values[bits] = sign * fraction * 2 ** -24;
    else values[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return values;
}

/** Widens floats of 24 bits (1 sign, 7 exponent, 16 fraction; TIFF Technical Note 3), given as integers. */
export function widenFloat24(values: ArrayLike<number>): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const bits = values[i]!;
    const sign = bits & 0x800000 ? -1 : 1;
    const exponent = (bits >> 16) & 127;
    const fraction = bits & 0xffff;
    if (exponent === 127) out[i] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) out[i] = sign * fraction * 2 ** -78;
    else out[i] = sign * (1 + fraction / 65536) * 2 ** (exponent - 63);
  }
  return out;
}
