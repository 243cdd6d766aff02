/**
 * PackBits (TIFF 6.0, section 9) into `length` bytes. Returns how many were written: fewer where the data end early.
 */
export function decodePackBits(source: Uint8Array, target: Uint8Array): number {
  let from = 0;
  let to = 0;
  while (from < source.length && to < target.length) {
    const code = source[from++]!;
    if (code === 128) continue;
    if (code < 128) {
      const count = Math.min(code + 1, target.length - to, source.length - from);
      target.set(source.subarray(from, from + count), to);
      from += code + 1;
      to += count;
    } else {
      if (from >= source.length) break;
      const count = Math.min(257 - code, target.length - to);
      target.fill(source[from++]!, to, to + count);
      to += count;
    }
  }
  return to;
}
