import { enlarged } from './components.js';

/** Areas by size, the smallest first, of equal ones the lower label. */
export interface AreaHeap {
  push(area: number, label: number): void;
  /** Takes the first one out: then `area` and `label` are its own. @returns whether there was one */
  pop(): boolean;
  readonly area: number;
  readonly label: number;
  readonly bytes: number;
}

/** A binary heap (Williams 1964) in typed arrays. */
export function createAreaHeap(): AreaHeap {
  let areas = new Float64Array(1024);
  let labels = new Int32Array(1024);
  let count = 0;
  let area = 0;
  let label = 0;

  function isBefore(a: number, b: number): boolean {
    return areas[a]! < areas[b]! || (areas[a] === areas[b] && labels[a]! < labels[b]!);
  }

  function swap(a: number, b: number): void {
    [areas[a], areas[b]] = [areas[b]!, areas[a]!];
    [labels[a], labels[b]] = [labels[b]!, labels[a]!];
  }

  return {
    push(newArea, newLabel) {
      if (count === labels.length) {
        labels = enlarged(labels, 2 * count);
        const more = new Float64Array(2 * count);
        more.set(areas);
        areas = more;
      }
      areas[count] = newArea;
      labels[count] = newLabel;
      for (let at = count++, up = (at - 1) >> 1; at > 0 && isBefore(at, up); at = up, up = (at - 1) >> 1) swap(at, up);
    },
    pop() {
      if (count === 0) return false;
      area = areas[0]!;
      label = labels[0]!;
      count--;
      areas[0] = areas[count]!;
      labels[0] = labels[count]!;
      for (let at = 0; ;) {
        let least = at;
        if (2 * at + 1 < count && isBefore(2 * at + 1, least)) least = 2 * at + 1;
        if (2 * at + 2 < count && isBefore(2 * at + 2, least)) least = 2 * at + 2;
        if (least === at) return true;
        swap(at, least);
        at = least;
      }
    },
    get area() { return area; },
    get label() { return label; },
    get bytes() { return areas.byteLength + labels.byteLength; },
  };
}
