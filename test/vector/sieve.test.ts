import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSieve } from '../../src/vector/index.js';
import { anyMap, componentsOf, mapOf, patchwork, rowsOf } from './maps.js';
import type { SmallMap } from './maps.js';

function sieved(map: SmallMap, minArea: number, rowArea: (y: number) => number = () => 1): SmallMap {
  const sieve = createSieve({ width: map.width, minArea, rowArea });
  for (const row of rowsOf(map)) sieve.push(row);
  const result = sieve.finish();
  expect(result.areas).toBe(componentsOf(map).length);
  const rows = rowsOf(map);
  for (const row of rows) result.apply(row);
  return { ...map, classes: rows.flatMap((row) => [...row].map((id) => (id < 0 ? -1 : id))) };
}

/** The rule by the book: the smallest area goes first, the labelling is done anew after each merge. */
function slowly(map: SmallMap, minArea: number): SmallMap {
  const { width, height } = map;
  const classes = [...map.classes];
  const alone = new Set<number>();
  for (;;) {
    const labels = labelsOf({ width, height, classes });
    const sizes = new Map<number, number>();
    for (const label of labels) if (label >= 0) sizes.set(label, (sizes.get(label) ?? 0) + 1);
    const [small] = [...sizes].filter(([label, size]) => size < minArea && !alone.has(label)).sort(([a, x], [b, y]) => x - y || a - b)[0] ?? [];
    if (small === undefined) return { width, height, classes };
    const around = new Set<number>();
    labels.forEach((label, at) => {
      if (label !== small) return;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (const [nx, ny] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]] as const) {
        if (nx >= 0 && ny >= 0 && nx < width && ny < height && labels[ny * width + nx]! >= 0) around.add(labels[ny * width + nx]!);
      }
    });
    around.delete(small);
    const [target] = [...around].sort((a, b) => sizes.get(b)! - sizes.get(a)! || a - b);
    if (target === undefined) alone.add(small);
    else labels.forEach((label, at) => { if (label === small) classes[at] = classes[target]!; });
  }
}

/** Each pixel's area, named by its first pixel; −1 without data. */
function labelsOf({ width, height, classes }: SmallMap): number[] {
  const labels = classes.map(() => -1);
  classes.forEach((classId, start) => {
    if (classId < 0 || labels[start] !== -1) return;
    const stack = [start];
    labels[start] = start;
    while (stack.length > 0) {
      const at = stack.pop()!;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (const [nx, ny] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]] as const) {
        const next = ny * width + nx;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height || labels[next] !== -1 || classes[next] !== classId) continue;
        labels[next] = start;
        stack.push(next);
      }
    }
  });
  return labels;
}

describe('small areas', () => {
  it('become part of their largest neighbour', () => {
    expect(sieved(mapOf('aaabb', 'aacbb', 'aaabb', 'aaabb'), 2).classes).toEqual(mapOf('aaabb', 'aaabb', 'aaabb', 'aaabb').classes);
  });

  it('count together where they touch by it and have one class', () => {
    // The b in the middle joins the two halves of class a, each too small alone.
    expect(sieved(mapOf('ccccc', 'caabc', 'cbaac', 'ccccc'), 5).classes.filter((id) => id !== 2)).toEqual([]);
    expect(sieved(mapOf('aabaa', '.....'), 4)).toEqual(mapOf('aaaaa', '.....'));
  });

  it('stay where nothing but pixels without data is around', () => {
    expect(sieved(mapOf('a..', '..b'), 5)).toEqual(mapOf('a..', '..b'));
  });

  it('are merged by the rule, for any map', () => {
    fc.assert(fc.property(anyMap, fc.integer({ min: 1, max: 12 }), (map, least) => {
      expect(sieved(map, least)).toEqual(slowly(map, least));
    }), { numRuns: 300 });
  });

  it('are measured in the unit of the rows\' areas', () => {
    const map = patchwork(60, 40, 120, 3);
    expect(sieved(map, 45, () => 2.5)).toEqual(sieved(map, 18));
    expect(componentsOf(sieved(map, 18)).every(({ pixels }) => pixels >= 18)).toBe(true);
  });
});
