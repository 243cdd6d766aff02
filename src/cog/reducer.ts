import { allocate, type DataType, type TypedArray } from '../raster/index.js';
import { createBilinear } from './bilinear.js';
import type { LevelSize } from './layout.js';
import { reduceRows } from './overview.js';
import type { RowPart } from './plane.js';
import type { OverviewMethod } from './types.js';

export interface ReducerOptions {
  readonly method: Exclude<OverviewMethod, 'none'>;
  readonly bands: number;
  readonly dtype: DataType;
  readonly nodata?: number | undefined;
  readonly alphaBand?: number | undefined;
  readonly mask: boolean;
  /** Rows that come at once, at most. */
  readonly chunkRows: number;
}

/** Rows of one level on their way to the next smaller one. */
export interface Reducer {
  /** The rows made by the last call, and their mask. */
  readonly rows: TypedArray;
  readonly mask: Uint8Array | undefined;
  /** Takes rows, and says how many rows of the next level they made; rows that lack a partner wait. */
  push(rows: TypedArray, mask: Uint8Array | undefined, part: RowPart): number;
  /** The rows that wait, where they cannot be had from the level's blocks. */
  carry(): Uint8Array;
  readonly carryBytes: number;
  /**
   * Puts it back to where it was after `taken` rows.
   * @param rowOf a row of the level and its mask, for the last one of an unfinished row of blocks
   */
  restore(taken: number, carry: Uint8Array, rowOf: (row: number) => { readonly row: TypedArray; readonly mask: Uint8Array | undefined }): void;
}

export function createReducer(from: LevelSize, to: LevelSize, options: ReducerOptions): Reducer {
  return options.method === 'bilinear' ? bilinearReducer(from, to, options) : pairReducer(from, to, { ...options, method: options.method });
}

/** Rows made of `chunkRows` at most: half of them, one that waited, and one that ends the level. */
function room(to: LevelSize, { chunkRows, dtype, bands, mask }: ReducerOptions): { rows: TypedArray; mask: Uint8Array | undefined } {
  const count = Math.ceil(chunkRows / 2) + 2;
  return { rows: allocate(dtype, count * to.width * bands), mask: mask ? new Uint8Array(count * to.width) : undefined };
}

/** Methods that make one row of two: the first of a pair waits for the second. */
function pairReducer(from: LevelSize, to: LevelSize, options: ReducerOptions & { readonly method: 'mode' | 'nearest' | 'average' }): Reducer {
  const { method, bands, dtype, nodata, alphaBand } = options;
  const reduction = { method, bands, nodata, alphaBand, integer: !dtype.startsWith('float') };
  const made = room(to, options);
  const waiting = allocate(dtype, from.width * bands);
  const waitingMask = new Uint8Array(options.mask ? from.width : 0);
  const rowLength = from.width * bands;
  let waits = false;
  let taken = 0;

  const reduce = (upper: TypedArray, upperMask: Uint8Array | undefined, upperRow: number, rows: TypedArray, mask: Uint8Array | undefined, row: number, target: number): void => {
    reduceRows(
      upper, upperRow * rowLength, rows, row * rowLength, from.width, made.rows, target * to.width * bands, reduction,
      upperMask === undefined || mask === undefined || made.mask === undefined ? undefined
        : { upper: upperMask, upperStart: upperRow * from.width, lower: mask, lowerStart: row * from.width, target: made.mask, targetStart: target * to.width },
    );
  };

  return {
    ...made,
    push(rows, mask, { first, count }) {
      const end = first + count;
      taken += count;
      let row = first;
      let done = 0;
      if (waits) {
        reduce(waiting, options.mask ? waitingMask : undefined, 0, rows, mask, row, done++);
        waits = false;
        row++;
      }
      for (; row + 1 < end; row += 2) reduce(rows, mask, row, rows, mask, row + 1, done++);
      if (row === end) return done;
      // An odd row goes alone where the level ends.
      if (taken === from.height) {
        reduce(rows, mask, row, rows, mask, row, done++);
      } else {
        waiting.set(rows.subarray(row * rowLength, (row + 1) * rowLength));
        if (mask !== undefined) waitingMask.set(mask.subarray(row * from.width, (row + 1) * from.width));
        waits = true;
      }
      return done;
    },
    carry: () => new Uint8Array(0),
    carryBytes: 0,
    restore(before, _carry, rowOf) {
      taken = before;
      waits = taken % 2 === 1 && taken < from.height;
      if (!waits) return;
      const { row, mask } = rowOf(taken - 1);
      waiting.set(row);
      if (mask !== undefined) waitingMask.set(mask);
    },
  };
}

function bilinearReducer(from: LevelSize, to: LevelSize, options: ReducerOptions): Reducer {
  const { bands, dtype, nodata, alphaBand } = options;
  const made = room(to, options);
  const rowLength = from.width * bands;
  const bilinear = createBilinear({ width: from.width, nextWidth: to.width, bands, dtype, nodata, alphaBand, mask: options.mask });
  /** Rows made so far. */
  let y = 0;
  return {
    ...made,
    push(rows, mask, { first, count }) {
      let done = 0;
      for (let row = first; row < first + count; row++) {
        bilinear.push(rows, row * rowLength, mask, row * from.width);
        while (y < to.height && bilinear.has(y, from.height)) {
          bilinear.make(y++, from.height, made.rows, done * to.width * bands, made.mask, done * to.width);
          done++;
        }
      }
      return done;
    },
    carry: () => bilinear.carry(),
    carryBytes: bilinear.carryBytes,
    restore(taken, carry) {
      bilinear.restore(carry, taken);
      for (y = 0; y < to.height && bilinear.has(y, from.height); y++);
    },
  };
}
