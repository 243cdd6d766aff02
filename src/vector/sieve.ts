import { createAreaGraph } from './area-graph.js';
import type { AreaMerging } from './area-graph.js';
import { NO_CLASS } from './types.js';

export interface SieveOptions {
  /** Of the map, in pixels. */
  readonly width: number;
  /** Areas smaller than this become part of a neighbour; in the unit of `rowArea`. */
  readonly minArea: number;
  /** Area of the pixels of a row. */
  readonly rowArea: (y: number) => number;
}

/** First pass: takes all rows of a map and finds the areas that are too small. */
export interface Sieve {
  push(row: Int32Array): void;
  finish(): SievedMap;
}

/** Second pass: takes the same rows again. */
export interface SievedMap {
  /** Areas of the map, and those of them that became part of a neighbour. */
  readonly areas: number;
  readonly merged: number;
  readonly bytes: number;
  /** Replaces the classes of small areas, in place. */
  apply(row: Int32Array): void;
}

/**
 * Makes small areas part of their largest neighbour: the smallest first (of equal ones the upper, then the left one), again and
 * again, until every area is large enough or lies alone among pixels without data. Areas that touch by it and have one class count
 * as one. Of equally large neighbours the upper left one wins. So the result does not depend on how a map is read.
 *
 * The first pass numbers areas row by row and keeps some 40 bytes for each of them, and 24 for each border of one that may be
 * small; the second gives the same numbers again and looks up what became of them.
 */
export function createSieve(options: SieveOptions): Sieve {
  const { width, minArea, rowArea } = options;
  const graph = createAreaGraph(minArea);
  const labeller = createLabeller(width);
  const above = new Int32Array(width);
  let y = 0;
  return {
    push(row) {
      const labels = labeller.label(row, graph);
      const area = rowArea(y++);
      let before = 0;
      for (let start = 0, end = 0; start < width; before = labels[start]!, start = end) {
        const label = labels[start]!;
        while (end < width && labels[end] === label) end++;
        if (label === 0) continue;
        graph.grow(label, area * (end - start));
        if (before !== 0) graph.touch(before, label);
        let upper = 0;
        for (let x = start; x < end; x++) {
          if (above[x] !== upper && above[x] !== 0 && above[x] !== label) graph.touch(above[x]!, label);
          upper = above[x]!;
        }
      }
      above.set(labels);
    },
    finish() {
      const { classes, areas, merged } = graph.resolve();
      const again = createLabeller(width);
      return {
        areas, merged, bytes: graph.bytes,
        apply(row) {
          const labels = again.label(row);
          for (let x = 0; x < width; x++) if (labels[x] !== 0) row[x] = classes[labels[x]!]!;
        },
      };
    },
  };
}

/** Gives runs of one class the label of a run above that they touch, or a new one: 1, 2, 3 … in the order of the rows. */
function createLabeller(width: number): { label(row: Int32Array, merging?: AreaMerging): Int32Array } {
  const upperClasses = new Int32Array(width).fill(NO_CLASS);
  let upper = new Int32Array(width);
  let labels = new Int32Array(width);
  let last = 0;
  return {
    label(row, merging) {
      [upper, labels] = [labels, upper];
      for (let start = 0; start < width;) {
        const classId = row[start]!;
        let label = 0;
        let seen = 0;
        let end = start;
        for (; end < width && row[end] === classId; end++) {
          if (upperClasses[end] !== classId || upper[end] === seen) continue;
          seen = upper[end]!;
          if (label === 0) label = seen;
          else merging?.union(label, seen);
        }
        if (classId === NO_CLASS) label = 0;
        else if (label === 0) {
          label = ++last;
          merging?.create(classId);
        }
        labels.fill(label, start, end);
        start = end;
      }
      upperClasses.set(row.subarray(0, width));
      return labels;
    },
  };
}
