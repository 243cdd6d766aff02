const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
/** The table is cleared when this is the next free code, as libtiff does; 12 bits then still hold every code. */
const TABLE_FULL = 4094;
const HASH_BITS = 14;
const CODE_BITS = 12;

/** Strings by what they are made of: 12 bits of the code before, 8 bits of the byte after it, 12 bits of their own code; 0 where there is none. */
const strings = new Int32Array(1 << HASH_BITS);
/** Packed bytes; used again, so that a thread does not leave megabytes behind with every block. */
let output = new Uint8Array(0);

/** Packs bytes with TIFF's LZW: codes of 9 to 12 bits, most significant bit first (TIFF 6.0, section 13). */
export function encodeLzw(input: Uint8Array): Uint8Array {
  // At most a code of 12 bits for every byte, and one to clear for every few thousand.
  const most = input.length + (input.length >> 1) + (input.length >> 8) + 64;
  if (output.length < most) output = new Uint8Array(most);
  return output.slice(0, encodeInto(output, input));
}

function encodeInto(out: Uint8Array, input: Uint8Array): number {
  const mask = (1 << HASH_BITS) - 1;
  const inputLength = input.length;
  strings.fill(0);
  let width = 9;
  let next = FIRST_FREE;
  let length = 0;
  // Bits that are no whole byte yet, lowest.
  let held = CLEAR;
  let bits = width;
  let prefix = inputLength === 0 ? END : input[0]!;
  for (let i = 1; i < inputLength; i++) {
    const byte = input[i]!;
    const key = (prefix << 8) | byte;
    let slot = (Math.imul(key, 0x9e3779b1) >>> (32 - HASH_BITS)) & mask;
    let found = strings[slot]!;
    while (found !== 0 && found >>> CODE_BITS !== key) {
      slot = (slot + 1) & mask;
      found = strings[slot]!;
    }
    if (found !== 0) {
      prefix = found & ((1 << CODE_BITS) - 1);
      continue;
    }
    while (bits >= 8) { bits -= 8; out[length++] = held >>> bits; }
    held = (held << width) | prefix;
    bits += width;
    strings[slot] = (key << CODE_BITS) | next++;
    prefix = byte;
    if (next === TABLE_FULL) {
      while (bits >= 8) { bits -= 8; out[length++] = held >>> bits; }
      held = (held << width) | CLEAR;
      bits += width;
      strings.fill(0);
      next = FIRST_FREE;
      width = 9;
    } else if (next === 512 || next === 1024 || next === 2048) {
      width++;
    }
  }
  const put = (code: number): void => {
    while (bits >= 8) { bits -= 8; out[length++] = held >>> bits; }
    held = (held << width) | code;
    bits += width;
  };
  if (inputLength > 0) {
    put(prefix);
    // The decoder counts an entry for this code too.
    next++;
    if (next === TABLE_FULL) {
      put(CLEAR);
      width = 9;
    } else if (next === 512 || next === 1024 || next === 2048) {
      width++;
    }
  }
  put(END);
  while (bits >= 8) { bits -= 8; out[length++] = held >>> bits; }
  if (bits > 0) out[length++] = held << (8 - bits);
  return length;
}
