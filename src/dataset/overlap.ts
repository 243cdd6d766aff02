import { fourier, type ComplexGrid } from './fft.js';

/** Brightness without its slow changes, reduced: what two pictures of the same ground have in common, however they were stretched. */
export interface Detail {
  readonly width: number;
  readonly height: number;
  readonly values: Float64Array;
}

/** Where a second picture lies on a first one, in pixels of both. */
export interface FoundOverlap {
  /** Upper left corner of the second in the first. */
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
  /** Correlation of the details there, −1 to 1. */
  readonly correlation: number;
}

/** Fewer shared pixels (of the reduced pictures) than this prove nothing. */
const LEAST_SHARED = 300;
/** Radius of the mean that is taken away, in reduced pixels. */
const RADIUS = 3;
/** Peaks that are tried: the highest need not be the true one. */
const PEAKS = 5;

/** `[height, width, 3]` → details, each pixel the mean of `factor²`; signs and square roots temper single bright things. */
export function detailOf(pixels: Uint8Array, width: number, height: number, factor: number): Detail {
  const w = Math.max(1, Math.floor(width / factor));
  const h = Math.max(1, Math.floor(height / factor));
  const grey = new Float64Array(w * h);
  for (let y = 0; y < h * factor; y++) {
    for (let x = 0; x < w * factor; x++) {
      const at = (y * width + x) * 3;
      grey[Math.floor(y / factor) * w + Math.floor(x / factor)]! += pixels[at]! + pixels[at + 1]! + pixels[at + 2]!;
    }
  }
  const values = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      let count = 0;
      for (let v = Math.max(0, y - RADIUS); v <= Math.min(h - 1, y + RADIUS); v++) for (let u = Math.max(0, x - RADIUS); u <= Math.min(w - 1, x + RADIUS); u++) { sum += grey[v * w + u]!; count++; }
      const difference = grey[y * w + x]! - sum / count;
      values[y * w + x] = Math.sign(difference) * Math.sqrt(Math.abs(difference));
    }
  }
  return { width: w, height: h, values };
}

/**
 * Looks for the shift that lays two pictures of the same ground and pixel size over each other: phase correlation (Kuglin and
 * Hines 1975) proposes shifts, the correlation of the details decides between them.
 * @returns the best shift with enough in common, in reduced pixels, or undefined; whether it is good is in `correlation`
 */
export function findOverlap(first: Detail, second: Detail): FoundOverlap | undefined {
  const width = powerOfTwo(first.width + second.width);
  const height = powerOfTwo(first.height + second.height);
  const a = transformed(first, width, height);
  const b = transformed(second, width, height);
  const re = new Float64Array(width * height);
  const im = new Float64Array(width * height);
  for (let i = 0; i < re.length; i++) {
    const r = a.re[i]! * b.re[i]! + a.im[i]! * b.im[i]!;
    const m = a.im[i]! * b.re[i]! - a.re[i]! * b.im[i]!;
    // Half-way between plain correlation and pure phase, which is all noise where there is little in common.
    const size = Math.sqrt(Math.hypot(r, m)) + 1e-12;
    re[i] = r / size;
    im[i] = m / size;
  }
  fourier({ width, height, re, im }, 'inverse');
  let best: FoundOverlap | undefined;
  for (const at of highest(re, PEAKS)) {
    const x = at % width;
    const y = Math.floor(at / width);
    const dx = x >= first.width ? x - width : x;
    const dy = y >= first.height ? y - height : y;
    const found = correlate(first, second, dx, dy);
    if (found !== undefined && found.correlation > (best?.correlation ?? -1)) best = found;
  }
  return best;
}

function transformed(detail: Detail, width: number, height: number): ComplexGrid {
  const grid: ComplexGrid = { width, height, re: new Float64Array(width * height), im: new Float64Array(width * height) };
  for (let y = 0; y < detail.height; y++) grid.re.set(detail.values.subarray(y * detail.width, (y + 1) * detail.width), y * width);
  fourier(grid, 'forward');
  return grid;
}

function correlate(first: Detail, second: Detail, dx: number, dy: number): FoundOverlap | undefined {
  const left = Math.max(0, dx);
  const top = Math.max(0, dy);
  const width = Math.min(first.width, dx + second.width) - left;
  const height = Math.min(first.height, dy + second.height) - top;
  if (width < 1 || height < 1 || width * height < LEAST_SHARED) return undefined;
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const a = first.values[y * first.width + x]!;
      const b = second.values[(y - dy) * second.width + x - dx]!;
      sa += a; sb += b; saa += a * a; sbb += b * b; sab += a * b;
    }
  }
  const n = width * height;
  const below = Math.sqrt((saa - (sa * sa) / n) * (sbb - (sb * sb) / n));
  return below > 0 ? { dx, dy, width, height, correlation: (sab - (sa * sb) / n) / below } : undefined;
}

function highest(values: Float64Array, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && values[i]! <= values[best[count - 1]!]!) continue;
    best.push(i);
    best.sort((p, q) => values[q]! - values[p]!);
    best.length = Math.min(best.length, count);
  }
  return best;
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
