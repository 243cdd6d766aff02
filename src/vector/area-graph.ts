import { InvalidOptionError } from '../errors.js';
import { createAreaHeap } from './area-heap.js';
import { enlarged } from './components.js';

/** What a labelling tells of the areas that it finds; labels are 1, 2, 3 … */
export interface AreaMerging {
  /** The next label. */
  create(classId: number): void;
  /** Two labels are of one area. */
  union(one: number, other: number): void;
}

/** Areas of a map as nodes, their borders as edges. */
export interface AreaGraph extends AreaMerging {
  grow(label: number, area: number): void;
  /** Two areas are neighbours. */
  touch(one: number, other: number): void;
  /** Merges all areas below the least one into their largest neighbours, and says what class each label has in the end. */
  resolve(): { readonly classes: Int32Array; readonly areas: number; readonly merged: number };
  /** Bytes that are taken. */
  readonly bytes: number;
}

/** Above so many labels a pair of them fits no double. */
const MOST_PAIRED_LABELS = 94_906_265;

/** Edges between two areas that are large already are not kept: neither will ask for its neighbours. */
export function createAreaGraph(minArea: number): AreaGraph {
  let parent = new Int32Array(1024);
  let classes = new Int32Array(1024);
  let areas = new Float64Array(1024);
  let count = 1;
  let edges = new Int32Array(4096);
  let edgeCount = 0;
  let compactAt = 4096;
  let resolving = 0;

  function find(label: number): number {
    while (parent[label] !== label) label = parent[label] = parent[parent[label]!]!;
    return label;
  }

  /** The lower label stays: it is the one of the area's upper left place. */
  function union(one: number, other: number): void {
    const [a, b] = [find(one), find(other)];
    if (a === b) return;
    const [winner, loser] = a < b ? [a, b] : [b, a];
    parent[loser] = winner;
    areas[winner]! += areas[loser]!;
  }

  /** Edges between areas as they are known now, each once, in order. */
  function compact(): void {
    const factor = count;
    const pairs = new Float64Array(edgeCount);
    let kept = 0;
    for (let i = 0; i < edgeCount; i++) {
      const [a, b] = [find(edges[2 * i]!), find(edges[2 * i + 1]!)];
      if (a !== b && (areas[a]! < minArea || areas[b]! < minArea)) pairs[kept++] = a < b ? a * factor + b : b * factor + a;
    }
    edgeCount = 0;
    if (count > MOST_PAIRED_LABELS) throw new InvalidOptionError('--min-area', `at most ${MOST_PAIRED_LABELS} areas can be told apart from their neighbours, found more`, { advice: 'leave the option out, or take a part of the map' });
    const sorted = pairs.subarray(0, kept).sort();
    for (let i = 0; i < kept; i++) {
      if (i > 0 && sorted[i] === sorted[i - 1]) continue;
      edges[2 * edgeCount] = Math.floor(sorted[i]! / factor);
      edges[2 * edgeCount++ + 1] = sorted[i]! % factor;
    }
    compactAt = Math.max(4096, 2 * edgeCount);
  }

  /** @returns how many areas became part of another */
  function mergeSmall(): number {
    // Neighbours of small areas, as linked lists of halves of edges.
    const heads = new Int32Array(count).fill(-1);
    const next = new Int32Array(2 * edgeCount).fill(-1);
    for (let half = 2 * edgeCount - 1; half >= 0; half--) {
      const label = edges[half]!;
      if (areas[label]! >= minArea) continue;
      next[half] = heads[label]!;
      heads[label] = half;
    }
    /** The last area that looked at a label, so that no neighbour counts twice. */
    const seenBy = new Int32Array(count);
    const heap = createAreaHeap();
    for (let label = 1; label < count; label++) if (parent[label] === label && areas[label]! < minArea) heap.push(areas[label]!, label);
    resolving = heads.byteLength + next.byteLength + seenBy.byteLength + heap.bytes;
    let merged = 0;
    let turn = 0;
    while (heap.pop()) {
      const small = heap.label;
      // An old entry: its area became part of another, or has grown since.
      if (parent[small] !== small || areas[small] !== heap.area) continue;
      turn++;
      let target = 0;
      const around: number[] = [];
      const halves: number[] = [];
      const look = (head: number): void => {
        for (let half = head; half !== -1; half = next[half]!) {
          const label = find(edges[half ^ 1]!);
          if (label === small || seenBy[label] === turn) continue;
          seenBy[label] = turn;
          around.push(label);
          halves.push(half);
        }
      };
      look(heads[small]!);
      for (const label of around) {
        if (target === 0 || areas[label]! > areas[target]! || (areas[label] === areas[target] && label < target)) target = label;
      }
      if (target === 0) continue;
      merged++;
      const classId = classes[target]!;
      // All neighbours of that class are now one area with it.
      const same = around.filter((label) => classes[label] === classId);
      for (const label of same) if (areas[label]! < minArea) look(heads[label]!);
      let root = small;
      for (const label of same) {
        union(root, label);
        root = find(root);
      }
      classes[root] = classId;
      if (areas[root]! >= minArea) continue;
      heads[root] = -1;
      for (const [i, half] of halves.entries()) {
        if (find(around[i]!) === root) continue;
        next[half] = heads[root]!;
        heads[root] = half;
      }
      heap.push(areas[root]!, root);
    }
    return merged;
  }

  return {
    create(classId) {
      if (count >= parent.length) {
        [parent, classes] = [enlarged(parent, 2 * count), enlarged(classes, 2 * count)];
        const more = new Float64Array(2 * count);
        more.set(areas);
        areas = more;
      }
      parent[count] = count;
      classes[count] = classId;
      count++;
    },
    union,
    grow(label, area) {
      areas[find(label)]! += area;
    },
    touch(one, other) {
      const [a, b] = [find(one), find(other)];
      if (areas[a]! >= minArea && areas[b]! >= minArea) return;
      if (edgeCount >= compactAt) compact();
      if (2 * edgeCount >= edges.length) edges = enlarged(edges, 4 * edgeCount);
      edges[2 * edgeCount] = a;
      edges[2 * edgeCount++ + 1] = b;
    },
    resolve() {
      compact();
      let roots = 0;
      for (let label = 1; label < count; label++) if (parent[label] === label) roots++;
      const merged = mergeSmall();
      const final = new Int32Array(count);
      for (let label = 1; label < count; label++) final[label] = classes[find(label)]!;
      return { classes: final, areas: roots, merged };
    },
    get bytes() { return parent.length * 16 + edges.byteLength + 4 * count + resolving; },
  };
}
