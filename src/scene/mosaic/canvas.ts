import type { TypedArray, Window } from '../../raster/index.js';

/** A window that is being painted, from the top layer down. */
export interface Canvas {
  readonly window: Window;
  /** Bands of the mosaic, in the order in which they lie in `data`. */
  readonly bands: readonly number[];
  /** Pixel-interleaved; holds the fill values at first. */
  readonly data: TypedArray;
  /** One byte per sample: 1 where a higher layer has painted. */
  readonly painted: Uint8Array;
  /** One byte per sample: 1 where a higher layer has painted or is going to, whatever its samples are. */
  readonly claimed: Uint8Array;
}

/** The smallest window around the samples of `slots` (places in a pixel) inside `part` that nobody has claimed. */
export function unclaimed(canvas: Canvas, part: Window, slots: readonly number[]): Window | undefined {
  const { window, claimed } = canvas;
  const samples = canvas.bands.length;
  let [left, right, top, bottom] = [Number.POSITIVE_INFINITY, -1, -1, -1];
  for (let y = part.y; y < part.y + part.height; y++) {
    const row = (y - window.y) * window.width - window.x;
    let seen = false;
    for (const slot of slots) {
      for (let x = part.x; x < part.x + part.width; x++) {
        if (claimed[(row + x) * samples + slot] === 1) continue;
        seen = true;
        if (x < left) left = x;
        break;
      }
      for (let x = part.x + part.width - 1; x > right; x--) {
        if (claimed[(row + x) * samples + slot] === 1) continue;
        right = x;
        break;
      }
    }
    if (!seen) continue;
    if (top < 0) top = y;
    bottom = y;
  }
  return top < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Marks samples of a part. */
export function claim(canvas: Canvas, part: Window, slots: readonly number[]): void {
  const { window, claimed } = canvas;
  const samples = canvas.bands.length;
  for (let y = part.y; y < part.y + part.height; y++) {
    const from = ((y - window.y) * window.width + part.x - window.x) * samples;
    if (slots.length === samples) {
      claimed.fill(1, from, from + part.width * samples);
    } else {
      for (const slot of slots) for (let i = 0; i < part.width; i++) claimed[from + i * samples + slot] = 1;
    }
  }
}
