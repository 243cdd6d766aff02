import type { Grid } from '../grid/index.js';
import type { AxisPatch, Blend } from './weights.js';
import { axisOf, axisPatches } from './weights.js';
import type { FinishedRows } from './finished-rows.js';
import { MAX_CLASSES, NODATA_CLASS } from './finished-rows.js';
import { addWeighted, finishRow, markMissing } from './seams.js';

export interface StitcherOptions {
  /** Patches of the output (for models with a margin: of what the model gives, not of what it takes). */
  readonly grid: Grid;
  /** Number of classes, 1–255. */
  readonly classes: number;
  readonly blend: Blend;
  /** One class only: its score from here on gives 1, below 0. Default 0.5. */
  readonly threshold?: number;
  /** Gives, beside the classes, the probability of the winner in each pixel, 0–255. */
  readonly confidence?: boolean;
  /** Gives, beside the classes, all probabilities, 0–255, pixel-interleaved. */
  readonly probabilities?: boolean;
}

/** What the model said of one patch. */
export interface PatchScores {
  /** Most likely class per pixel, `[height, width]`. Not needed where `scores` is there. */
  readonly classes?: Uint8Array;
  /** Probabilities, `[classes, height, width]`. Needed where patches are blended, and for confidence and probabilities. */
  readonly scores?: Float32Array;
  /** 0 where the scene has no data, `[height, width]`. Absent: data everywhere. */
  readonly mask?: Uint8Array;
}

/**
 * Joins patches to a map. Patches come strip by strip, left to right; after the last patch of a strip `endStrip` gives all
 * rows that later strips cannot change any more.
 *
 * Only seams are accumulated: a pixel with a single patch takes that patch's class at once. Between strips the sums of the
 * shared rows are kept (`width × overlap × classes × 4` bytes), between neighbours those of one patch's rows
 * (`patch² × classes × 4` bytes). Sums are made in the order of the grid, so the result does not depend on timing.
 */
export interface Stitcher {
  /** Adds the next patch of the strip; `undefined`: there is no data in it and it was not predicted. */
  add(patch: PatchScores | undefined): void;
  endStrip(): FinishedRows;
  /** What has to be kept to go on after the last finished strip; only between strips. */
  carry(): Uint8Array;
  /** Goes on after strip `strips − 1`, with what `carry` gave then. */
  restore(strips: number, carry: Uint8Array): void;
}

/** Bytes that a stitcher holds at most. */
export function stitcherMemory(options: StitcherOptions): number {
  const { grid, classes } = options;
  const rows = axisPatches(axisOf(grid, 'y'), options.blend);
  const tallest = Math.max(...rows.map((row, index) => row.final - (rows[index - 1]?.final ?? 0)));
  const sharedRows = Math.max(...rows.map((row) => Math.max(0, row.start + row.end - row.final)));
  const perPixel = 1 + (options.confidence ? 1 : 0) + (options.probabilities ? classes : 0);
  const seams = 2 * sharedRows * grid.sceneWidth * classes * 4 + grid.patchWidth * grid.patchHeight * classes * 4;
  return tallest * grid.sceneWidth * perPixel + (options.blend === 'crop' || options.blend === 'none' ? 0 : seams);
}

/** Whether the stitcher will need the probabilities of patches, or their classes are enough. */
export function needsScores(options: StitcherOptions): boolean {
  const { grid, blend } = options;
  if ((options.confidence ?? false) || (options.probabilities ?? false)) return true;
  return isBlended(axisPatches(axisOf(grid, 'y'), blend)) || isBlended(axisPatches(axisOf(grid, 'x'), blend));
}

/** Whether any pixel is made of several patches. */
function isBlended(patches: readonly AxisPatch[]): boolean {
  return patches.some((patch) => patch.coreFirst > patch.first || patch.coreEnd < patch.end);
}

export function createStitcher(options: StitcherOptions): Stitcher {
  const { grid, classes, blend } = options;
  if (classes < 1 || classes > MAX_CLASSES) throw new RangeError(`a theme map has 1 to ${MAX_CLASSES} classes, got ${classes}`);
  const { sceneWidth: width, patchWidth, patchHeight } = grid;
  const rowsOf = axisPatches(axisOf(grid, 'y'), blend);
  const columnsOf = axisPatches(axisOf(grid, 'x'), blend);
  const threshold = classes === 1 ? options.threshold ?? 0.5 : undefined;
  const everyScore = (options.confidence ?? false) || (options.probabilities ?? false);
  const blended = isBlended(rowsOf) || isBlended(columnsOf);

  /** Sums of rows that several strips share, by row of the scene: `[classes, width]`. */
  let sharedRows = new Map<number, Float32Array>();
  const spareRows: Float32Array[] = [];
  /** Sums of the rows of one strip where neighbours share pixels: `[row of the patch, classes, patch width]`. */
  const between = new Float32Array(columnsOf.length > 1 && blended ? patchHeight * classes * patchWidth : 0);
  let strip = 0;
  let column = 0;
  let out = startStrip();

  function startStrip(): FinishedRows & { classes: Uint8Array } {
    const row = rowsOf[strip];
    const y = strip === 0 ? 0 : rowsOf[strip - 1]!.final;
    const rows = row === undefined ? 0 : row.final - y;
    return {
      y, rows,
      classes: new Uint8Array(rows * width),
      ...(options.confidence ? { confidence: new Uint8Array(rows * width) } : {}),
      ...(options.probabilities ? { probabilities: new Uint8Array(rows * width * classes) } : {}),
    };
  }

  function sharedRow(y: number): Float32Array {
    let row = sharedRows.get(y);
    if (row === undefined) {
      row = spareRows.pop()?.fill(0) ?? new Float32Array(classes * width);
      sharedRows.set(y, row);
    }
    return row;
  }

  function addSharedRow(patch: PatchScores | undefined, i: number, row: AxisPatch, at: AxisPatch): void {
    const sums = sharedRow(row.start + i);
    const wy = row.weights[i]!;
    if (patch === undefined) {
      markMissing(sums, at.start + at.first, at.end - at.first, undefined, 0);
      return;
    }
    addWeighted({
      sums, sumStride: width, sumOffset: at.start + at.first, scores: patch.scores!, scoreStride: patchWidth * patchHeight,
      scoreOffset: i * patchWidth + at.first, weights: at.weights, weightOffset: at.first, factor: wy, count: at.end - at.first, classes,
    });
    if (patch.mask) markMissing(sums, at.start + at.first, at.end - at.first, patch.mask, i * patchWidth + at.first);
  }

  /** A row in which this strip is the only one: core columns are final, the others go through `between`. */
  function addOwnRow(patch: PatchScores | undefined, i: number, row: AxisPatch, at: AxisPatch): void {
    const outRow = (row.start + i - out.y) * width;
    if (at.coreEnd > at.coreFirst) takeCore(patch, i, outRow, at);
    for (const [from, to] of sharedRanges(at)) {
      const sumOffset = i * classes * patchWidth + from;
      if (patch === undefined) {
        markMissing(between, sumOffset, to - from, undefined, 0);
        continue;
      }
      addWeighted({
        sums: between, sumStride: patchWidth, sumOffset, scores: patch.scores!, scoreStride: patchWidth * patchHeight,
        scoreOffset: i * patchWidth + from, weights: at.weights, weightOffset: from, factor: 1, count: to - from, classes,
      });
      if (patch.mask) markMissing(between, sumOffset, to - from, patch.mask, i * patchWidth + from);
    }
    if (between.length > 0) finishBetween(i, outRow, at);
  }

  function takeCore(patch: PatchScores | undefined, i: number, outRow: number, at: AxisPatch): void {
    const count = at.coreEnd - at.coreFirst;
    const to = outRow + at.start + at.coreFirst;
    const from = i * patchWidth + at.coreFirst;
    if (patch === undefined) {
      out.classes.fill(NODATA_CLASS, to, to + count);
      return;
    }
    if (patch.scores !== undefined && (everyScore || patch.classes === undefined)) {
      finishRow({ threshold, sums: patch.scores, stride: patchWidth * patchHeight, offset: from, count, classes, out, to, mask: patch.mask, maskOffset: from });
      return;
    }
    out.classes.set(patch.classes!.subarray(from, from + count), to);
    if (patch.mask) {
      for (let j = 0; j < count; j++) if (patch.mask[from + j] === 0) out.classes[to + j] = NODATA_CLASS;
    }
  }

  /** Columns between neighbours that no later patch reaches are final; the rest moves to where the next patch begins. */
  function finishBetween(i: number, outRow: number, at: AxisPatch): void {
    const line = i * classes * patchWidth;
    // Left of the core or, without a core, everything that is final by now.
    const done = at.coreEnd > at.coreFirst ? at.coreFirst : Math.min(at.final - at.start, at.end);
    if (done > at.first) {
      finishRow({ threshold, sums: between, stride: patchWidth, offset: line + at.first, count: done - at.first, classes, out, to: outRow + at.start + at.first });
    }
    const next = columnsOf[column + 1];
    if (next === undefined) return;
    const shift = next.start - at.start;
    const kept = Math.max(0, at.end - shift);
    for (let k = 0; k < classes; k++) {
      const base = line + k * patchWidth;
      if (kept > 0) between.copyWithin(base, base + shift, base + shift + kept);
      // Only where the next patch adds to it: what lies between is taken from the patch itself.
      between.fill(0, base + Math.max(kept, next.coreEnd > next.coreFirst ? next.coreEnd : 0), base + patchWidth);
    }
  }

  return {
    add(patch) {
      const row = rowsOf[strip];
      const at = columnsOf[column];
      if (row === undefined || at === undefined) throw new RangeError(`no patch ${column} in strip ${strip}`);
      if (column === 0) between.fill(0);
      if (patch !== undefined && (blended || everyScore || classes === 1) && patch.scores === undefined) throw new TypeError('scores are needed to blend');
      for (let i = row.first; i < row.end; i++) {
        if (i >= row.coreFirst && i < row.coreEnd) addOwnRow(patch, i, row, at);
        else addSharedRow(patch, i, row, at);
      }
      column++;
    },
    endStrip() {
      const row = rowsOf[strip]!;
      if (column !== columnsOf.length) throw new RangeError(`strip ${strip} has ${column} of ${columnsOf.length} patches`);
      for (const [y, sums] of sharedRows) {
        if (y >= row.final) continue;
        finishRow({ threshold, sums, stride: width, offset: 0, count: width, classes, out, to: (y - out.y) * width });
        sharedRows.delete(y);
        spareRows.push(sums);
      }
      const finished = out;
      strip++;
      column = 0;
      out = startStrip();
      return finished;
    },
    carry() {
      const rows = [...sharedRows.entries()].sort((a, b) => a[0] - b[0]);
      const joined = new Float32Array(rows.length * classes * width);
      rows.forEach(([, sums], index) => joined.set(sums, index * classes * width));
      return new Uint8Array(joined.buffer);
    },
    restore(strips, carry) {
      strip = strips;
      column = 0;
      out = startStrip();
      sharedRows = new Map();
      const values = new Float32Array(carry.slice().buffer);
      const length = classes * width;
      for (let index = 0; index * length < values.length; index++) {
        sharedRows.set(out.y + index, values.slice(index * length, (index + 1) * length));
      }
    },
  };
}

/** The parts of a patch's columns that it shares with neighbours. */
function sharedRanges(at: AxisPatch): readonly (readonly [number, number])[] {
  if (at.coreEnd <= at.coreFirst) return [[at.first, at.end]];
  const ranges: (readonly [number, number])[] = [];
  if (at.first < at.coreFirst) ranges.push([at.first, at.coreFirst]);
  if (at.coreEnd < at.end) ranges.push([at.coreEnd, at.end]);
  return ranges;
}
