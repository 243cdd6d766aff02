import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bandRows, createPolygonizer, ringArea } from '../../src/vector/index.js';
import type { ClassPolygon } from '../../src/vector/index.js';
import { anyMap, componentsOf, cornersOf, cover, edgesOf, mapOf, patchwork, polygonsOf, rowsOf } from './maps.js';
import type { SmallMap } from './maps.js';

const CASES: Readonly<Record<string, SmallMap>> = {
  'one pixel': mapOf('a'),
  'nothing': mapOf('..', '..'),
  'a checkerboard': mapOf('abababa', 'bababab', 'abababa', 'bababab'),
  'a checkerboard with gaps': mapOf('a.a.a.', '.a.a.a', 'a.a.a.'),
  'a spiral': mapOf('aaaaaaaab', 'bbbbbbbab', 'baaaaabab', 'babbbabab', 'bababbbab', 'babaaaaab', 'babbbbbbb', 'baaaaaaaa'),
  'a ring of one pixel width': mapOf('bbbbb', 'baaab', 'babab', 'baaab', 'bbbbb'),
  'a ring that closes over a diagonal': mapOf('bbbbbb', 'baaabb', 'bab.bb', 'baaba.', '.bbaa.', 'bbbbbb'),
  'two holes that touch': mapOf('aaaa', 'abaa', 'aaba', 'aaaa'),
  'a hole that touches the outline': mapOf('baaa', 'abaa', 'aaaa'),
  'four classes in a corner': mapOf('ab', 'cd'),
  'an area that touches itself twice': mapOf('aaaaa', 'abaca', 'aabaa', 'acaba', 'aaaaa'),
};

describe('polygons of a map', () => {
  it.each(Object.entries(CASES))('%s', (_, map) => expectExact(map));

  it('are its areas exactly, for any map', () => {
    fc.assert(fc.property(anyMap, expectExact), { numRuns: 200 });
  });

  it('turn to the right where an area touches itself: outline and hole are rings of their own', () => {
    const [ring] = polygonsOf(mapOf('.aaa', 'aa.a', 'a.aa', 'aaa.')).filter(({ pixels }) => pixels === 12);
    expect(ring!.rings.map(ringArea)).toEqual([14, -1, -1]);
    const touching = polygonsOf(mapOf('aaa', 'a.a', '.aa'));
    expect(touching.map(({ rings }) => rings.map(ringArea))).toEqual([[8, -1]]);
  });

  it('carry ground areas that add up row by row', () => {
    fc.assert(fc.property(anyMap, (map) => {
      // Rows as in degrees: each with pixels of another size.
      const rowArea = (y: number): number => 3 + 0.25 * y;
      const polygonizer = createPolygonizer({ width: map.width, height: map.height, rowArea });
      const polygons = rowsOf(map).flatMap((row) => polygonizer.push(row));
      const sums = new Map<number, number>();
      for (const { classId, squareMetres } of [...polygons, ...polygonizer.finish()]) sums.set(classId, (sums.get(classId) ?? 0) + squareMetres);
      const expected = new Map<number, number>();
      map.classes.forEach((id, i) => { if (id >= 0) expected.set(id, (expected.get(id) ?? 0) + rowArea(Math.floor(i / map.width))); });
      expect([...sums.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [classId, area] of expected) expect(sums.get(classId)).toBeCloseTo(area, 6);
    }));
  });
});

describe('simplified polygons', () => {
  it.each(Object.entries(CASES))('%s', (_, map) => {
    for (const tolerance of [0, 0.8, 1.5, 4]) expectNoGaps(map, tolerance);
  });

  it('leave no gap, no overlap and no crossing, for any map and tolerance', () => {
    fc.assert(fc.property(anyMap, fc.double({ min: 0, max: 5, noNaN: true }), (map, tolerance) => expectNoGaps(map, tolerance)), { numRuns: 200 });
  });

  it('have fewer corners where areas are large', () => {
    for (const seed of [1, 2, 3]) {
      const map = patchwork(120, 90, 40, seed);
      const exact = edgesOf(polygonsOf(map)).length;
      for (const [tolerance, share] of [[0.8, 0.55], [2, 0.3]] as const) {
        expectNoGaps(map, tolerance);
        expect(edgesOf(polygonsOf(map, tolerance)).length).toBeLessThan(exact * share);
      }
    }
  });

  it('stay within the tolerance of the exact borders', () => {
    const map = patchwork(100, 100, 30, 7);
    const exact = polygonsOf(map);
    polygonsOf(map, 1.2).forEach((polygon, i) => {
      for (const ring of exact[i]!.rings) {
        for (let k = 0; k < ring.length; k += 2) expect(distanceTo(polygon, ring[k]!, ring[k + 1]!)).toBeLessThan(1.2 + 1e-9);
      }
    });
  });

  it('leave no gap where bands meet', () => {
    expect([bandRows(10_000_000), bandRows(5450)]).toEqual([64, 4096]);
    fc.assert(fc.property(anyMap, fc.double({ min: 0, max: 5, noNaN: true }), fc.integer({ min: 1, max: 5 }), expectNoGaps), { numRuns: 200 });
  });
});

function expectExact(map: SmallMap): void {
  const polygons = polygonsOf(map);
  expect(sortedAreas(polygons)).toEqual(sortedAreas(componentsOf(map)));
  for (const polygon of polygons) {
    expect(polygon.rings.reduce((sum, ring) => sum + ringArea(ring), 0)).toBe(polygon.pixels);
    expect(polygon.rings.map((ring) => ringArea(ring) > 0)).toEqual(polygon.rings.map((_, i) => i === 0));
    for (const ring of polygon.rings) expect(new Set(cornersOf(ring)).size).toBe(ring.length / 2);
  }
  expect(map.classes.map((_, i) => polygons.filter((polygon) => cover(polygon, i % map.width + 0.5, Math.floor(i / map.width) + 0.5)).map(({ classId }) => classId)))
    .toEqual(map.classes.map((id) => (id < 0 ? [] : [id])));
  expectSharedEdges(map, polygons);
}

/** Every edge is the opposite of exactly one edge of a neighbour, or borders on pixels without data or on nothing. */
function expectSharedEdges(map: SmallMap, polygons: readonly ClassPolygon[]): void {
  const edges = edgesOf(polygons);
  const all = new Set(edges);
  expect(all.size).toBe(edges.length);
  if (map.classes.some((id) => id < 0)) return;
  const alone = edges.filter((edge) => !all.has(edge.split(' > ').reverse().join(' > ')));
  expect(alone.filter((edge) => {
    const [x0, y0, x1, y1] = edge.split(/ > | /).map(Number) as [number, number, number, number];
    return !((x0 === x1 && (x0 === 0 || x0 === map.width)) || (y0 === y1 && (y0 === 0 || y0 === map.height)));
  })).toEqual([]);
}

function expectNoGaps(map: SmallMap, tolerance: number, rows?: number): void {
  const exact = polygonsOf(map);
  const polygons = polygonsOf(map, tolerance, rows);
  expect(polygons.map(({ classId, pixels }) => [classId, pixels])).toEqual(exact.map(({ classId, pixels }) => [classId, pixels]));
  expect(polygons.map(({ rings }) => rings.map((ring) => Math.sign(ringArea(ring))))).toEqual(exact.map(({ rings }) => rings.map((_, i) => (i === 0 ? 1 : -1))));
  for (const { rings } of polygons) for (const ring of rings) expect(new Set(cornersOf(ring)).size).toBe(ring.length / 2);
  expectSharedEdges(map, polygons);
  expectNoCrossing(edgesOf(polygons));
  if (!map.classes.some((id) => id < 0)) expect(polygons.reduce((sum, { rings }) => sum + rings.reduce((area, ring) => area + ringArea(ring), 0), 0)).toBe(map.width * map.height);
}

/** No two edges have a place in common that is not an end of both. */
function expectNoCrossing(edges: readonly string[]): void {
  const lines = [...new Set(edges.map((edge) => edge.split(' > ').sort().join(' > ')))].map((edge) => edge.split(/ > | /).map(Number) as [number, number, number, number]);
  const side = (line: readonly number[], x: number, y: number): number => Math.sign((line[2]! - line[0]!) * (y - line[1]!) - (x - line[0]!) * (line[3]! - line[1]!));
  const between = (line: readonly number[], x: number, y: number): boolean => side(line, x, y) === 0 && !((x === line[0] && y === line[1]) || (x === line[2] && y === line[3]))
    && x >= Math.min(line[0]!, line[2]!) && x <= Math.max(line[0]!, line[2]!) && y >= Math.min(line[1]!, line[3]!) && y <= Math.max(line[1]!, line[3]!);
  const bad: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    for (let j = i + 1; j < lines.length; j++) {
      const [a, b] = [lines[i]!, lines[j]!];
      const crosses = side(a, b[0], b[1]) * side(a, b[2], b[3]) < 0 && side(b, a[0], a[1]) * side(b, a[2], a[3]) < 0;
      if (crosses || between(a, b[0], b[1]) || between(a, b[2], b[3]) || between(b, a[0], a[1]) || between(b, a[2], a[3])) bad.push(`${a.join(' ')} / ${b.join(' ')}`);
    }
  }
  expect(bad).toEqual([]);
}

function sortedAreas(areas: readonly { readonly classId: number; readonly pixels: number }[]): string[] {
  return areas.map(({ classId, pixels }) => `${classId} ${pixels}`).sort();
}

function distanceTo(polygon: ClassPolygon, x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (const ring of polygon.rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const [dx, dy] = [ring[i]! - ring[j]!, ring[i + 1]! - ring[j + 1]!];
      const along = Math.max(0, Math.min(1, ((x - ring[j]!) * dx + (y - ring[j + 1]!) * dy) / (dx * dx + dy * dy)));
      least = Math.min(least, Math.hypot(x - ring[j]! - along * dx, y - ring[j + 1]! - along * dy));
    }
  }
  return least;
}
