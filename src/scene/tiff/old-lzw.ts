const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const MAX_WIDTH = 12;

/** Whether LZW codes are in the order of TIFF's first years, lowest bit first: how the clear code at the start lies in its bytes tells. */
export function isOldLzw(source: Uint8Array): boolean {
  return source[0] === 0 && (source[1]! & 1) === 1;
}

/**
 * LZW as files before TIFF 6.0 have it (libtiff's "compatibility" decoding): lowest bit first, and codes grow when the wider
 * code is first needed, not one early. Returns how many bytes were written: fewer than `target` holds where the data end early.
 * @throws {RangeError} for a code that was not defined
 */
export function decodeOldLzw(source: Uint8Array, target: Uint8Array): number {
  const starts = new Int32Array(2 ** MAX_WIDTH + 1);
  const lengths = new Int32Array(2 ** MAX_WIDTH + 1);
  let from = 0;
  let to = 0;
  let bits = 0;
  let held = 0;
  let width = 9;
  let next = FIRST_FREE;
  let previousStart = -1;
  let previousLength = 0;
  while (to < target.length) {
    while (held < width) {
      if (from >= source.length) return to;
      bits |= source[from++]! << held;
      held += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
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
      const isNew = code === next && previousStart >= 0;
      if (code >= next && !isNew) throw new RangeError(`LZW code ${code} is not defined`);
      let copyFrom = isNew ? previousStart : starts[code]!;
      length = isNew ? previousLength + 1 : lengths[code]!;
      const end = Math.min(to + length, target.length);
      while (to < end) target[to++] = target[copyFrom++]!;
    }
    if (previousStart >= 0 && next < 2 ** MAX_WIDTH) {
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next++;
      if (next === 1 << width && width < MAX_WIDTH) width++;
    }
    previousStart = start;
    previousLength = length;
  }
  return to;
}
