import { NO_CLASS } from './types.js';

/** Numbers of connected areas in two neighbouring rows, and what is known of them. Label 0 is none. */
export interface Components {
  /**
   * Gives every pixel of a row the label of its area; areas that turn out to be one get the same label, in `above` too.
   * Both rows have a pixel without data at either end.
   */
  label(row: LabelledRow, above: LabelledRow, y: number, pixelArea: number): void;
  classOf(label: number): number;
  pixelsOf(label: number): number;
  areaOf(label: number): number;
  /** The last row that the area has pixels in. */
  lastRowOf(label: number): number;
  /** The label may be given again; until then it has 0 pixels. */
  release(label: number): void;
}

export interface LabelledRow {
  readonly classes: Int32Array;
  readonly labels: Int32Array;
}

/**
 * Labels areas row by row with union–find (Rosenfeld and Pfaltz 1966). Labels of areas that are over or merged are used
 * again, so memory follows the areas that are open, not those of the map.
 * @param merged what else is known of `loser` belongs to `winner` from now on
 */
export function createComponents(merged: (winner: number, loser: number) => void): Components {
  let capacity = 1024;
  let parent = new Int32Array(capacity);
  let classes = new Int32Array(capacity);
  let pixels = new Float64Array(capacity);
  let areas = new Float64Array(capacity);
  let lastRows = new Int32Array(capacity);
  let used = 1;
  const free: number[] = [];
  let losers: number[] = [];

  function create(classId: number): number {
    const label = free.pop() ?? used++;
    if (label >= capacity) grow();
    parent[label] = label;
    classes[label] = classId;
    pixels[label] = 0;
    areas[label] = 0;
    return label;
  }

  function grow(): void {
    capacity *= 2;
    parent = enlarged(parent, capacity);
    classes = enlarged(classes, capacity);
    lastRows = enlarged(lastRows, capacity);
    const more = new Float64Array(capacity);
    more.set(pixels);
    pixels = more;
    const moreAreas = new Float64Array(capacity);
    moreAreas.set(areas);
    areas = moreAreas;
  }

  function find(label: number): number {
    while (parent[label] !== label) label = parent[label] = parent[parent[label]!]!;
    return label;
  }

  function union(winner: number, loser: number): void {
    parent[loser] = winner;
    pixels[winner]! += pixels[loser]!;
    areas[winner]! += areas[loser]!;
    lastRows[winner] = Math.max(lastRows[winner]!, lastRows[loser]!);
    losers.push(loser);
    merged(winner, loser);
  }

  return {
    label(row, above, y, pixelArea) {
      const { classes: here, labels } = row;
      const width = here.length;
      for (let start = 0; start < width;) {
        const classId = here[start]!;
        let label = 0;
        let seen = 0;
        let end = start;
        for (; end < width && here[end] === classId; end++) {
          if (above.classes[end] !== classId || above.labels[end] === seen) continue;
          seen = above.labels[end]!;
          const root = find(seen);
          if (label === 0) label = root;
          else if (root !== label) union(label, root);
        }
        if (classId === NO_CLASS) label = 0;
        else {
          if (label === 0) label = create(classId);
          pixels[label]! += end - start;
          areas[label]! += (end - start) * pixelArea;
          lastRows[label] = y;
        }
        labels.fill(label, start, end);
        start = end;
      }
      if (losers.length === 0) return;
      relabel(labels);
      relabel(above.labels);
      for (const loser of losers) free.push(loser);
      losers = [];
    },
    classOf: (label) => classes[label]!,
    pixelsOf: (label) => pixels[label]!,
    areaOf: (label) => areas[label]!,
    lastRowOf: (label) => lastRows[label]!,
    release(label) {
      pixels[label] = 0;
      free.push(label);
    },
  };

  function relabel(labels: Int32Array): void {
    for (let x = 0; x < labels.length; x++) if (labels[x] !== 0) labels[x] = find(labels[x]!);
  }
}

/** A copy with room for more. */
export function enlarged(values: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const more = new Int32Array(capacity);
  more.set(values);
  return more;
}
