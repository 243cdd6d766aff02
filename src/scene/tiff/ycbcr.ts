import type { TypedArray } from '../../raster/index.js';

/** Shares of chroma in red, green and blue, in 16 bits after the point, by sample. */
export interface YcbcrTable {
  readonly luma: Float64Array;
  readonly crRed: Int32Array;
  readonly crGreen: Int32Array;
  readonly cbGreen: Int32Array;
  readonly cbBlue: Int32Array;
}

/** ITU-R BT.601, the default of TIFF 6.0, section 21. */
const DEFAULT_COEFFICIENTS = [0.299, 0.587, 0.114] as const;
const DEFAULT_REFERENCE = [0, 255, 128, 255, 128, 255] as const;
const HALF = 32768;

/** The conversion of TIFF 6.0, section 21, in the whole numbers of libtiff (tif_color.c), so that results agree with it. */
export function createYcbcrTable(coefficients: readonly number[], reference: readonly number[]): YcbcrTable {
  const [red, green, blue] = usable(coefficients, 3) ? coefficients as [number, number, number] : DEFAULT_COEFFICIENTS;
  const bw = usable(reference, 6) ? reference : DEFAULT_REFERENCE;
  const limit = (value: number): number => Math.min(2, Math.max(0, value));
  const fix = (value: number): number => Math.trunc(limit(value) * 65536 + 0.5);
  const redShare = fix(2 - 2 * red);
  const redInGreen = -fix((red * (2 - 2 * red)) / green);
  const blueShare = fix(2 - 2 * blue);
  const blueInGreen = -fix((blue * (2 - 2 * blue)) / green);
  const table: YcbcrTable = {
    luma: new Float64Array(256), crRed: new Int32Array(256), crGreen: new Int32Array(256), cbGreen: new Int32Array(256), cbBlue: new Int32Array(256),
  };
  for (let i = 0; i < 256; i++) {
    const x = i - 128;
    const cr = code(x, bw[4]! - 128, bw[5]! - 128, 127);
    const cb = code(x, bw[2]! - 128, bw[3]! - 128, 127);
    table.crRed[i] = (redShare * cr + HALF) >> 16;
    table.cbBlue[i] = (blueShare * cb + HALF) >> 16;
    table.crGreen[i] = redInGreen * cr;
    table.cbGreen[i] = blueInGreen * cb + HALF;
    table.luma[i] = code(i, bw[0]!, bw[1]!, 255);
  }
  return table;
}

function usable(values: readonly number[], count: number): boolean {
  return values.length >= count && values.slice(0, count).every(Number.isFinite) && (count !== 3 || values[1] !== 0);
}

/** libtiff keeps what lies far outside the range within it. */
function code(value: number, black: number, white: number, range: number): number {
  const scaled = ((value - black) * range) / (white - black === 0 ? 1 : white - black);
  return Math.trunc(Math.min(range * 32, Math.max(-range * 32, scaled)));
}

export function ycbcrToRgb(data: TypedArray, table: YcbcrTable): Uint8Array {
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const y = table.luma[data[i]!]!;
    const cb = data[i + 1]!;
    const cr = data[i + 2]!;
    out[i] = y + table.crRed[cr]!;
    out[i + 1] = y + ((table.cbGreen[cb]! + table.crGreen[cr]!) >> 16);
    out[i + 2] = y + table.cbBlue[cb]!;
  }
  return new Uint8Array(out.buffer);
}

/** Bytes of rows of subsampled pixels: units of `h × v` luma samples and one of either chroma. */
export function subsampledBytes(width: number, rows: number, [h, v]: readonly [number, number]): number {
  return Math.ceil(width / h) * Math.ceil(rows / v) * (h * v + 2);
}

/** Spreads subsampled units into three samples per pixel (TIFF 6.0, section 21); chroma is repeated, as libtiff does. */
export function spreadSubsampled(bytes: Uint8Array, width: number, rows: number, [h, v]: readonly [number, number]): Uint8Array {
  const out = new Uint8Array(width * rows * 3);
  const unit = h * v + 2;
  const across = Math.ceil(width / h);
  for (let y = 0; y < rows; y++) {
    const unitRow = Math.floor(y / v) * across;
    const inRow = (y % v) * h;
    for (let x = 0; x < width; x++) {
      const start = (unitRow + Math.floor(x / h)) * unit;
      const to = (y * width + x) * 3;
      out[to] = bytes[start + inRow + x % h]!;
      out[to + 1] = bytes[start + h * v]!;
      out[to + 2] = bytes[start + h * v + 1]!;
    }
  }
  return out;
}
