import { allocate, bytesOf, type DataType, type TypedArray } from '../raster/index.js';

/** What bilinear reduction has to know of the samples. */
export interface BilinearShape {
  readonly width: number;
  readonly nextWidth: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly nodata?: number | undefined;
  readonly alphaBand?: number | undefined;
  /** Rows come with masks. */
  readonly mask: boolean;
}

/** Rows that make one row: two above the middle of the new row, two below. */
const TAPS = 4;
/** The triangle of bilinear interpolation, stretched to the larger pixels, at the middles of the four. */
const WEIGHTS = [0.25, 0.75, 0.75, 0.25] as const;

/** A row of the level above, reduced along its columns. */
interface ReducedRow {
  readonly samples: Float64Array;
  /** 0 where no sample has data. Per sample, and per pixel of the mask. */
  readonly valid: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * Reduces rows to half, both ways, by bilinear interpolation as GDAL does it: first along the rows, then down the columns,
 * samples without data left out and the weights of the others raised. Row y is made of the rows 2y − 1 to 2y + 2.
 */
export interface Bilinear {
  /** Takes the next row of the level above. */
  push(rows: TypedArray, start: number, mask: Uint8Array | undefined, maskStart: number): void;
  /** Whether all rows that make row `y` have come; `height` is the level's above. */
  has(y: number, height: number): boolean;
  /** Makes row `y`; rows are made in order. */
  make(y: number, height: number, target: TypedArray, targetStart: number, mask: Uint8Array | undefined, maskStart: number): void;
  /** The rows that wait, for {@link Bilinear.restore}. */
  carry(): Uint8Array;
  /** Bytes of {@link Bilinear.carry}. */
  readonly carryBytes: number;
  restore(carry: Uint8Array, rowsPushed: number): void;
}

export function createBilinear(shape: BilinearShape): Bilinear {
  const { nextWidth, bands, dtype, nodata } = shape;
  const length = nextWidth * bands;
  const integer = !dtype.startsWith('float');
  const missing = nodata ?? Number.NaN;
  // A ring: row r stands at r % TAPS.
  const ring = Array.from({ length: TAPS }, (): ReducedRow => ({
    samples: new Float64Array(length), valid: new Uint8Array(length), mask: new Uint8Array(shape.mask ? nextWidth : 0),
  }));
  const parts = ring.flatMap(({ samples, valid, mask }) => [bytesOf(samples), valid, mask]);
  const carryBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const [least, most] = rangeOf(dtype);
  let pushed = 0;

  return {
    push(rows, start, mask, maskStart) {
      reduceColumns(shape, rows, start, mask, maskStart, ring[pushed % TAPS]!);
      pushed++;
    },
    has: (y, height) => pushed >= Math.min(height, 2 * y + 3),
    make(y, height, target, targetStart, mask, maskStart) {
      const first = Math.max(0, 2 * y - 1);
      const last = Math.min(height - 1, 2 * y + 2);
      const rows = Array.from({ length: last - first + 1 }, (_, i) => ring[(first + i) % TAPS]!);
      const weights = rows.map((_, i) => WEIGHTS[first + i - (2 * y - 1)]!);
      for (let i = 0; i < length; i++) {
        let sum = 0;
        let weight = 0;
        for (let k = 0; k < rows.length; k++) {
          if (rows[k]!.valid[i] === 0) continue;
          sum += weights[k]! * rows[k]!.samples[i]!;
          weight += weights[k]!;
        }
        let value = nodata ?? (integer || mask !== undefined ? 0 : Number.NaN);
        if (weight > 0) {
          value = integer ? Math.min(most, Math.max(least, Math.floor(sum / weight + 0.5))) : sum / weight;
          // Valid pixels on both sides of the nodata value must not turn into nodata.
          if (value === missing) value = nearestValid(rows, i);
        }
        target[targetStart + i] = value;
      }
      if (mask === undefined) return;
      for (let x = 0; x < nextWidth; x++) mask[maskStart + x] = rows.some((row) => row.mask[x] !== 0) ? 255 : 0;
    },
    carryBytes,
    carry() {
      const out = new Uint8Array(carryBytes);
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
    restore(carry, rowsPushed) {
      let at = 0;
      for (const part of parts) {
        part.set(carry.subarray(at, at + part.length));
        at += part.length;
      }
      pushed = rowsPushed;
    },
  };

  /** A value beside the nodata value, on the side of the largest valid sample. */
  function nearestValid(rows: readonly ReducedRow[], i: number): number {
    const values = rows.filter((row) => row.valid[i] !== 0).map((row) => row.samples[i]!);
    const up = Math.max(...values) > missing ? missing + 1 : missing - 1;
    return integer ? Math.min(most, Math.max(least, up)) : values[0]!;
  }
}

/** Four samples of a row to one, those without data left out. */
function reduceColumns(
  { width, nextWidth, bands, nodata, alphaBand }: BilinearShape, rows: TypedArray, start: number, mask: Uint8Array | undefined, maskStart: number, out: ReducedRow,
): void {
  const { samples, valid } = out;
  const alpha = alphaBand ?? -1;
  const missing = nodata ?? Number.NaN;
  for (let x = 0; x < nextWidth; x++) {
    const first = Math.max(0, 2 * x - 1);
    const last = Math.min(width - 1, 2 * x + 2);
    let any = 0;
    if (mask !== undefined) for (let i = first; i <= last; i++) any |= mask[maskStart + i]!;
    if (mask !== undefined) out.mask[x] = any === 0 ? 0 : 255;
    for (let b = 0; b < bands; b++) {
      let sum = 0;
      let weight = 0;
      for (let i = first; i <= last; i++) {
        const value = rows[start + i * bands + b]!;
        if (value !== value || (b !== alpha && value === missing)) continue;
        if (mask !== undefined && mask[maskStart + i] === 0) continue;
        if (alpha >= 0 && b !== alpha && rows[start + i * bands + alpha] === 0) continue;
        const share = WEIGHTS[i - (2 * x - 1)]!;
        sum += share * value;
        weight += share;
      }
      const at = x * bands + b;
      valid[at] = weight > 0 ? 1 : 0;
      samples[at] = weight > 0 ? sum / weight : 0;
    }
  }
}

function rangeOf(dtype: DataType): readonly [least: number, most: number] {
  if (dtype.startsWith('float')) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const bits = 8 * allocate(dtype, 1).BYTES_PER_ELEMENT;
  return dtype.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}
