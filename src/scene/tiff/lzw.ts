const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const MAX_CODES = 4096;

/**
 * LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, highest bit first, the width growing one code early.
 * The dictionary holds no strings: an entry is the place in the output where its string was first written.
 * Returns how many bytes were written: fewer than `target` holds where the data end early.
 * @throws {RangeError} for a code that was not defined
 */
export function decodeLzw(source: Uint8Array, target: Uint8Array): number {
  const starts = new Int32Array(MAX_CODES + 1);
  const lengths = new Int32Array(MAX_CODES + 1);
  const sourceLength = source.length;
  const targetLength = target.length;
  let from = 0;
  let to = 0;
  let bits = 0;
  let held = 0;
  let width = 9;
  let next = FIRST_FREE;
  let previousStart = -1;
  let previousLength = 0;
  while (to < targetLength) {
    while (held < width) {
      if (from >= sourceLength) return to;
      bits = ((bits << 8) | source[from++]!) & 0xfffff;
      held += 8;
    }
    const code = (bits >> (held - width)) & ((1 << width) - 1);
    held -= width;
    if (code === END) return to;
    if (code === CLEAR) {
      width = 9;
      next = FIRST_FREE;
      previousStart = -1;
      continue;
    }
    const start = to;
    let length = 1;
    if (code < CLEAR) {
      target[to++] = code;
    } else {
      let copyFrom: number;
      if (code < next) {
        copyFrom = starts[code]!;
        length = lengths[code]!;
      } else if (code === next && previousStart >= 0) {
        // The string that is just being defined: the previous one and its own first byte, which follow each other.
        copyFrom = previousStart;
        length = previousLength + 1;
      } else {
        throw new RangeError(`LZW code ${code} is not defined`);
      }
      const end = Math.min(to + length, targetLength);
      if (length > 32 && copyFrom + length <= to) {
        target.copyWithin(to, copyFrom, copyFrom + (end - to));
        to = end;
      } else {
        while (to < end) target[to++] = target[copyFrom++]!;
      }
    }
    if (previousStart >= 0 && next < MAX_CODES) {
      // The new entry is the previous string and the byte after it: exactly what stands in the output there.
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next++;
      if (next === (1 << width) - 1 && width < 12) width++;
    }
    previousStart = start;
    previousLength = length;
  }
  return to;
}
