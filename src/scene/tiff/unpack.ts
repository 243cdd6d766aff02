/**
 * Unpacks samples of 1 to 7, 9 to 15 or 17 to 31 bits; rows begin at a byte. The highest bits come first (TIFF 6.0,
 * section 3). Values are the stored integers, not scaled.
 */
export function unpackBits<T extends Uint8Array | Uint16Array | Uint32Array>(source: Uint8Array, bits: number, rowSamples: number, rows: number, target: T): T {
  const rowBytes = Math.ceil((rowSamples * bits) / 8);
  for (let row = 0; row < rows; row++) unpackRow(source, row * rowBytes, bits, target, row * rowSamples, rowSamples);
  return target;
}

function unpackRow(source: Uint8Array, from: number, bits: number, target: Uint8Array | Uint16Array | Uint32Array, to: number, count: number): void {
  let held = 0;
  let value = 0;
  for (let i = 0; i < count; i++) {
    // More than 32 bits never gather here: at most 7 are left over when up to 31 are asked for, taken bytewise as a double.
    while (held < bits) {
      value = value * 256 + source[from++]!;
      held += 8;
    }
    const rest = 2 ** (held - bits);
    const sample = Math.floor(value / rest);
    target[to + i] = sample;
    value -= sample * rest;
    held -= bits;
  }
}

const reversed = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  let bits = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) bits |= 128 >> bit;
  reversed[byte] = bits;
}

/** Turns the bits of every byte around, in place: FillOrder 2 to FillOrder 1. Returns the same bytes. */
export function reverseBits(data: Uint8Array): Uint8Array {
  for (let i = 0; i < data.length; i++) data[i] = reversed[data[i]!]!;
  return data;
}
