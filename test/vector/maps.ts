import fc from 'fast-check';
import { createPolygonizer, createSimplifier, NO_CLASS } from '../../src/vector/index.js';
import type { ClassPolygon, Ring } from '../../src/vector/index.js';

/** A small map of classes, row by row; −1 has no data. */
export interface SmallMap {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly number[];
}

export function mapOf(...rows: readonly string[]): SmallMap {
  return { width: rows[0]!.length, height: rows.length, classes: rows.flatMap((row) => [...row].map((letter) => (letter === '.' ? -1 : letter.charCodeAt(0) - 97))) };
}

/** Maps of one to four classes, from noise to large areas, with and without pixels without data. */
export const anyMap: fc.Arbitrary<SmallMap> = fc.record({
  width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }), least: fc.constantFrom(-1, 0), most: fc.integer({ min: 0, max: 3 }),
}).chain(({ width, height, least, most }) => fc.record({
  width: fc.constant(width), height: fc.constant(height),
  classes: fc.array(fc.integer({ min: least, max: most }), { minLength: width * height, maxLength: width * height }),
}));

/** A map in which areas are some pixels large: random places, each pixel of the nearest one's class. */
export function patchwork(width: number, height: number, places: number, seed: number): SmallMap {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const seeds = Array.from({ length: places }, () => ({ x: random() * width, y: random() * height, classId: Math.floor(random() * 5) }));
  const classes: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let best = seeds[0]!;
      for (const one of seeds) if ((one.x - x) ** 2 + (one.y - y) ** 2 < (best.x - x) ** 2 + (best.y - y) ** 2) best = one;
      classes.push(best.classId);
    }
  }
  return { width, height, classes };
}

export function rowsOf(map: SmallMap): Int32Array[] {
  return Array.from({ length: map.height }, (_, y) => Int32Array.from(map.classes.slice(y * map.width, (y + 1) * map.width), (id) => (id < 0 ? NO_CLASS : id)));
}

export function polygonsOf(map: SmallMap, tolerance?: number, rows?: number): ClassPolygon[] {
  const polygonizer = createPolygonizer({
    width: map.width, height: map.height,
    ...(tolerance === undefined ? {} : { simplifier: createSimplifier({ width: map.width, tolerance, pixelSize: () => ({ width: 1, height: 1 }), ...(rows === undefined ? {} : { rows }) }) }),
  });
  return [...rowsOf(map).flatMap((row) => polygonizer.push(row)), ...polygonizer.finish()];
}

/** How many polygons cover a place; rings by the even–odd rule (a hole takes away what it covers). */
export function cover(polygon: ClassPolygon, x: number, y: number): boolean {
  let inside = false;
  for (const ring of polygon.rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const [x0, y0, x1, y1] = [ring[j]!, ring[j + 1]!, ring[i]!, ring[i + 1]!];
      if ((y0 > y) !== (y1 > y) && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
    }
  }
  return inside;
}

/** Areas of pixels that share edges, by flood fill: class and number of pixels of each. */
export function componentsOf(map: SmallMap): { readonly classId: number; readonly pixels: number }[] {
  const { width, height, classes } = map;
  const seen = new Uint8Array(width * height);
  const found: { classId: number; pixels: number }[] = [];
  for (let start = 0; start < classes.length; start++) {
    if (seen[start] !== 0 || classes[start]! < 0) continue;
    const stack = [start];
    seen[start] = 1;
    let pixels = 0;
    while (stack.length > 0) {
      const at = stack.pop()!;
      pixels++;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (const [nx, ny] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]] as const) {
        const next = ny * width + nx;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height || seen[next] !== 0 || classes[next] !== classes[at]) continue;
        seen[next] = 1;
        stack.push(next);
      }
    }
    found.push({ classId: classes[start]!, pixels });
  }
  return found;
}

/** Corners of a ring as texts. */
export function cornersOf(ring: Ring): string[] {
  return Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]!} ${ring[2 * i + 1]!}`);
}

/** Directed edges of all rings. */
export function edgesOf(polygons: readonly ClassPolygon[]): string[] {
  return polygons.flatMap(({ rings }) => rings.flatMap((ring) => {
    const corners = cornersOf(ring);
    return corners.map((corner, i) => `${corner} > ${corners[(i + 1) % corners.length]!}`);
  }));
}
