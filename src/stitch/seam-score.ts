import type { Grid } from '../grid/index.js';
import { NODATA_CLASS } from './finished-rows.js';
import type { Axis, Blend } from './weights.js';
import { axisOf, axisPatches } from './weights.js';

/** Counts so far; plain data, so that a run can be continued. */
export interface SeamCounts {
  readonly seamChanges: number;
  readonly seamPairs: number;
  readonly controlChanges: number;
  readonly controlPairs: number;
}

/**
 * Measures whether the grid can be seen in a map: the rate at which the class changes across the lines where a patch's
 * contribution begins or ends ÷ the rate across lines half a patch away. 1.00: it cannot be seen. Rows come from the top
 * without gaps; pixels without data do not count.
 */
export interface SeamMeter {
  push(rows: Uint8Array, rowCount: number): void;
  readonly counts: SeamCounts;
  /** The last row that was pushed, for `restore`. */
  readonly lastRow: Uint8Array;
  restore(counts: SeamCounts, lastRow: Uint8Array, y: number): void;
}

export function createSeamMeter(grid: Grid, blend: Blend): SeamMeter {
  const width = grid.sceneWidth;
  const vertical = linesOf(axisOf(grid, 'x'), blend);
  const horizontal = linesOf(axisOf(grid, 'y'), blend);
  const seamRows = countsByLine(horizontal.map((line) => line.seam));
  const controlRows = countsByLine(horizontal.map((line) => line.control));
  const counts = { seamChanges: 0, seamPairs: 0, controlChanges: 0, controlPairs: 0 };
  let lastRow: Uint8Array = new Uint8Array(width).fill(NODATA_CLASS);
  let y = 0;

  function addVertical(row: Uint8Array): void {
    for (const { seam, control } of vertical) {
      count('seam', row[seam - 1]!, row[seam]!, 1);
      count('control', row[control - 1]!, row[control]!, 1);
    }
  }

  function addHorizontal(row: Uint8Array, kind: 'seam' | 'control', times: number): void {
    for (let x = 0; x < width; x++) count(kind, lastRow[x]!, row[x]!, times);
  }

  function count(kind: 'seam' | 'control', a: number, b: number, times: number): void {
    if (a === NODATA_CLASS || b === NODATA_CLASS) return;
    counts[`${kind}Pairs`] += times;
    if (a !== b) counts[`${kind}Changes`] += times;
  }

  return {
    push(rows, rowCount) {
      for (let i = 0; i < rowCount; i++, y++) {
        const row = rows.subarray(i * width, (i + 1) * width);
        addVertical(row);
        const seam = seamRows.get(y) ?? 0;
        const control = controlRows.get(y) ?? 0;
        if (seam > 0) addHorizontal(row, 'seam', seam);
        if (control > 0) addHorizontal(row, 'control', control);
        lastRow = row;
      }
      lastRow = lastRow.slice();
    },
    get counts() {
      return { ...counts };
    },
    get lastRow() {
      return lastRow;
    },
    restore(state, row, nextY) {
      Object.assign(counts, state);
      lastRow = row.slice();
      y = nextY;
    },
  };
}

/** Fewer changes half a patch away than this say nothing about a rate (one standard deviation of 50 counts is 14 %). */
const MIN_CHANGES = 50;

/** The score, or `undefined` where there is no seam, or too few changes half a patch away to compare with. */
export function seamScore(counts: SeamCounts): number | undefined {
  if (counts.seamPairs === 0 || counts.controlChanges < MIN_CHANGES) return undefined;
  return (counts.seamChanges / counts.seamPairs) / (counts.controlChanges / counts.controlPairs);
}

/** Every line between pixels `line − 1` and `line` at which some patch's contribution begins or ends, with its control. */
function linesOf(axis: Axis, blend: Blend): { seam: number; control: number }[] {
  const { length, patch } = axis;
  const patches = axisPatches(axis, blend);
  const lines = new Set<number>();
  for (const { start, first, end } of patches) {
    for (const line of [start + first, start + end]) if (line > 0 && line < length) lines.add(line);
  }
  const half = Math.floor(patch / 2);
  return [...lines].sort((a, b) => a - b).flatMap((seam) => {
    const control = seam + half < length ? seam + half : seam - half;
    return control > 0 ? [{ seam, control }] : [];
  });
}

function countsByLine(lines: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
