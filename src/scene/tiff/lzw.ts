const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const MAX_CODES = 4096;
/** The end of an entry is the place after it. */
const MOST_PLACES = MAX_CODES - FIRST_FREE + 1;

/** Strings up to this length are copied as one piece of so many bytes, whatever their length. */
const PIECE = 8;

/**
 * LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, highest bit first, the width growing one code early.
 * The dictionary holds no strings: entry `i` after a clear is what code `i` wrote and the byte after it, so the places where codes
 * wrote are all that is kept. Returns how many bytes were written: fewer than `target` holds where the data end early.
 * @throws {RangeError} for a code that was not defined
 */
export function decodeLzw(source: Uint8Array, target: Uint8Array): number {
  const places = new Int32Array(MOST_PLACES);
  const from = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const into = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const targetLength = target.length;
  const lastPiece = targetLength - PIECE;
  const lastWord = 8 * (source.length - 4);
  const sourceBits = 8 * source.length;
  let bit = 0;
  let to = 0;
  let width = 9;
  /** Codes since the last clear. */
  let codes = 0;
  let mask = 511;
  let widerAt = codesOf(width);
  while (to < targetLength) {
    let code: number;
    if (bit <= lastWord) {
      code = (from.getInt32(bit >>> 3) >>> (32 - width - (bit & 7))) & mask;
    } else {
      if (bit + width > sourceBits) return to;
      code = lastCode(source, bit, width);
    }
    bit += width;
    if (code < CLEAR) {
      if (codes < MOST_PLACES) places[codes] = to;
      target[to++] = code;
    } else if (code >= FIRST_FREE) {
      const entry = code - FIRST_FREE;
      if (entry >= codes) throw new RangeError(`LZW code ${code} is not defined`);
      // First, because the entry may be the one that ends with the byte to be written now.
      if (codes < MOST_PLACES) places[codes] = to;
      let start = places[entry]!;
      const length = places[entry + 1]! - start + 1;
      if (length <= PIECE && to <= lastPiece && start + PIECE <= to) {
        into.setInt32(to, word(into, start), true);
        into.setInt32(to + 4, word(into, start + 4), true);
        to += length;
      } else {
        const end = Math.min(to + length, targetLength);
        if (length > 32 && start + length <= to) {
          target.copyWithin(to, start, start + (end - to));
          to = end;
        } else {
          while (to < end) target[to++] = target[start++]!;
        }
      }
    } else if (code === END) {
      return to;
    } else {
      width = 9;
      mask = 511;
      codes = 0;
      widerAt = codesOf(width);
      continue;
    }
    codes++;
    if (codes === widerAt && width < 12) {
      width++;
      mask = (1 << width) - 1;
      widerAt = codesOf(width);
    }
  }
  return to;
}

/** Codes after which the next one no longer fits, by the rule of growing one code early. */
function codesOf(width: number): number {
  return (1 << width) - FIRST_FREE;
}

function word(view: DataView, at: number): number {
  return view.getInt32(at, true);
}

/** A code within the last bytes, where no whole word can be read. */
function lastCode(source: Uint8Array, bit: number, width: number): number {
  let code = 0;
  for (let at = bit; at < bit + width; at++) code = (code << 1) | ((source[at >>> 3]! >>> (7 - (at & 7))) & 1);
  return code;
}
