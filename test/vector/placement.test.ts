import { describe, expect, it } from 'vitest';
import { crsFromEpsg, fromLonLat } from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import { placeInCrs, placeInLonLat } from '../../src/vector/index.js';
import type { ClassPolygon, MapPlace } from '../../src/vector/index.js';
import { mapOf, polygonsOf } from './maps.js';

const area = (ring: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i + 3 < ring.length; i += 2) sum += ring[i]! * ring[i + 3]! - ring[i + 2]! * ring[i + 1]!;
  return sum / 2;
};

const ringed: ClassPolygon = polygonsOf(mapOf('aaa', 'aba', 'aaa')).find(({ pixels }) => pixels === 8)!;
const square = (size: number): ClassPolygon => ({ classId: 0, pixels: size * size, squareMetres: 0, rings: [Int32Array.of(0, 0, 0, size, size, size, size, 0)] });
const utm = (width: number, height: number, pixel: number): MapPlace => ({ width, height, transform: [330_000, pixel, 0, 2_785_000, 0, -pixel], crs: crsFromEpsg(32640)! });

describe('places of polygons', () => {
  it.each<[string, Transform]>([
    ['north up', [100, 2, 0, 50, 0, -2]], ['south up', [100, 2, 0, 50, 0, 2]], ['turned', [100, 1, 2, 50, 2, -1]], ['mirrored', [100, -2, 0, 50, 0, -2]],
  ])('close rings, outlines counter-clockwise and holes clockwise: %s', (_, transform) => {
    const [[outline, hole]] = placeInCrs({ width: 3, height: 3, transform })(ringed) as [[Float64Array, Float64Array]];
    const pixel = Math.abs(transform[1] * transform[5] - transform[2] * transform[4]);
    expect(area(outline)).toBeCloseTo(9 * pixel, 9);
    expect(area(hole)).toBeCloseTo(-pixel, 9);
    expect([...outline.slice(0, 2)]).toEqual([...outline.slice(-2)]);
  });

  it('bend straight borders in longitude and latitude by less than a tenth of a pixel', () => {
    const map = utm(20_000, 20_000, 10);
    const placed = placeInLonLat(map);
    if (typeof placed === 'string') throw new Error(placed);
    const [[ring]] = placed.place(square(20_000)) as [[number[]]];
    expect(ring.length).toBeGreaterThan(30);
    const back = fromLonLat(map.crs)!;
    // The middle of every piece lies on one of the four edges of the square of 200 km.
    for (let i = 0; i + 3 < ring.length; i += 2) {
      const [x, y] = back((ring[i]! + ring[i + 2]!) / 2, (ring[i + 1]! + ring[i + 3]!) / 2)!;
      const off = Math.min(...[x - 330_000, x - 530_000, y - 2_785_000, y - 2_585_000].map(Math.abs));
      expect(off).toBeLessThan(0.1 * 10);
    }
    expect(area(ring)).toBeGreaterThan(0);
  });

  it('give small maps no more corners than they have', () => {
    const placed = placeInLonLat(utm(500, 500, 1));
    if (typeof placed === 'string') throw new Error(placed);
    expect(placed.place(square(500))[0]![0]).toHaveLength(10);
    expect(placed).toMatchObject({ decimals: 7, crossesAntimeridian: false });
  });

  it('have enough decimals for small pixels', () => {
    const placed = placeInLonLat(utm(500, 500, 0.02));
    expect(placed).toMatchObject({ decimals: 9 });
  });

  it('run on beyond the antimeridian, so that polygons stay whole', () => {
    const map: MapPlace = { width: 100, height: 100, transform: [179.5, 0.01, 0, -17, 0, -0.01], crs: crsFromEpsg(4326)! };
    const placed = placeInLonLat(map);
    if (typeof placed === 'string') throw new Error(placed);
    expect(placed.crossesAntimeridian).toBe(true);
    expect(area(placed.place(square(100))[0]![0]!)).toBeCloseTo(1, 9);
  });

  it('are not made up for maps of a pole, or of a CRS that is not known', () => {
    expect(placeInLonLat({ width: 100, height: 100, transform: [-50_000, 1000, 0, 50_000, 0, -1000], crs: crsFromEpsg(3031)! })).toBe('pole');
    expect(placeInLonLat({ width: 100, height: 100, transform: [1_000_000, 1000, 0, 1_100_000, 0, -1000], crs: crsFromEpsg(3031)! })).toHaveProperty('place');
    expect(placeInLonLat({ width: 100, height: 100, transform: [0, 1, 0, 0, 0, -1], crs: { name: 'local', kind: 'other' } })).toBe('unknown CRS');
    expect(placeInLonLat({ width: 100, height: 100, transform: [0, 1, 0, 0, 0, -1] })).toBe('unknown CRS');
  });
});
