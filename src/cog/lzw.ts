const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
/** The table is cleared when this is the next free code, as libtiff does; 12 bits then still hold every code. */
const TABLE_FULL = 4094;
const HASH_BITS = 14;

/** Packs bytes with TIFF's LZW: codes of 9 to 12 bits, most significant bit first (TIFF 6.0, section 13). */
export function encodeLzw(input: Uint8Array): Uint8Array {
  let output = new Uint8Array(Math.max(64, input.length >> 1));
  let length = 0;
  let bits = 0;
  let held = 0;
  let width = 9;
  let next = FIRST_FREE;
  const mask = (1 << HASH_BITS) - 1;
  const keys = new Int32Array(1 << HASH_BITS).fill(-1);
  const codes = new Uint16Array(1 << HASH_BITS);

  const put = (code: number): void => {
    held = (held << width) | code;
    bits += width;
    while (bits >= 8) {
      if (length === output.length) {
        const grown = new Uint8Array(output.length * 2);
        grown.set(output);
        output = grown;
      }
      output[length++] = (held >>> (bits - 8)) & 255;
      bits -= 8;
    }
    held &= (1 << bits) - 1;
  };

  put(CLEAR);
  let prefix: number | undefined = input[0];
  if (prefix !== undefined) {
    for (let i = 1; i < input.length; i++) {
      const byte = input[i]!;
      const key: number = (prefix << 8) | byte;
      let slot: number = (Math.imul(key, 0x9e3779b1) >>> (32 - HASH_BITS)) & mask;
      while (keys[slot] !== -1 && keys[slot] !== key) slot = (slot + 1) & mask;
      if (keys[slot] === key) {
        prefix = codes[slot]!;
        continue;
      }
      put(prefix);
      keys[slot] = key;
      codes[slot] = next++;
      if (next === TABLE_FULL) {
        put(CLEAR);
        keys.fill(-1);
        next = FIRST_FREE;
        width = 9;
      } else if (next === 512 || next === 1024 || next === 2048) {
        width++;
      }
      prefix = byte;
    }
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
  if (bits > 0) {
    width = 8 - bits;
    put(0);
  }
  return output.subarray(0, length);
}
