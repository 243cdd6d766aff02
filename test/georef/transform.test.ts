import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  crsToPixel, fromCentre, invertTransform, parseWorldFile, pixelSize, pixelToCrs, scaleTransform, windowTransform, worldFileExtensions, worldFileText,
} from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';

const anyTransform = fc.tuple(
  fc.double({ min: -1e7, max: 1e7, noNaN: true }), fc.double({ min: 0.1, max: 100, noNaN: true }), fc.double({ min: -0.05, max: 0.05, noNaN: true }),
  fc.double({ min: -1e7, max: 1e7, noNaN: true }), fc.double({ min: -0.05, max: 0.05, noNaN: true }), fc.double({ min: -100, max: -0.1, noNaN: true }),
);

describe('transforms', () => {
  it('lead to the CRS and back', () => {
    fc.assert(fc.property(anyTransform, fc.integer({ min: 0, max: 50000 }), fc.integer({ min: 0, max: 50000 }), (transform, column, row) => {
      const [c, r] = crsToPixel(transform, ...pixelToCrs(transform, column, row));
      expect(Math.abs(c - column)).toBeLessThan(1e-4);
      expect(Math.abs(r - row)).toBeLessThan(1e-4);
    }));
  });

  it('of a window and of an overview meet the scene at their corners', () => {
    const transform: Transform = [500000, 2, 0.5, 4600000, 0.25, -3];
    expect(windowTransform(transform, { x: 10, y: 20 })).toEqual([500030, 2, 0.5, 4599942.5, 0.25, -3]);
    const half = scaleTransform(transform, 2, 4);
    expect(pixelToCrs(half, 5, 5)).toEqual(pixelToCrs(transform, 10, 20));
    expect(pixelSize([0, 3, 0, 0, 4, -2])).toEqual({ width: 5, height: 2 });
  });

  it('without an area have no inverse', () => {
    expect(() => invertTransform([0, 1, 2, 0, 2, 4])).toThrow(RangeError);
  });

  it('move by half a pixel from centre to corner', () => {
    expect(fromCentre([100, 2, 0, 50, 0, -2])).toEqual([99, 2, 0, 51, 0, -2]);
  });
});

describe('world files', () => {
  it('hold the centre of the upper left pixel, as ArcGIS and GDAL write them', () => {
    expect(worldFileText([-1750, 0.299940012, 0, 338800, 0, -0.299940012])).toBe('0.299940012\n0\n0\n-0.299940012\n-1749.850029994\n338799.850029994\n');
    const parsed = parseWorldFile('0.2999400120\n0.0\n0.0\n-0.2999400120\n-1749.8500299940\n338799.8500299940\n');
    [-1750, 0.299940012, 0, 338800, 0, -0.299940012].forEach((value, i) => expect(parsed?.[i]).toBeCloseTo(value, 9));
  });

  it('come back as they were, also with tiny pixels and rotation', () => {
    fc.assert(fc.property(anyTransform, fc.constantFrom(1, 1e-6, 1e-9), (base, scale) => {
      const transform = base.map((value, i) => (i % 3 === 0 ? value : value * scale)) as unknown as Transform;
      const text = worldFileText(transform);
      expect(text).not.toContain('e');
      const back = parseWorldFile(text)!;
      back.forEach((value, i) => expect(Math.abs(value - transform[i]!)).toBeLessThanOrEqual(Math.abs(transform[i]!) * 1e-15 + (i % 3 === 0 ? 4e-9 : 0)));
    }));
  });

  it('are looked for under the usual names', () => {
    expect(worldFileExtensions('.jpg')).toEqual(['.jgw', '.jpgw', '.wld']);
    expect(worldFileExtensions('tif')).toEqual(['.tfw', '.tifw', '.wld']);
  });

  it('with fewer than six numbers, or pixels without an area, are none', () => {
    expect(parseWorldFile('1\n0\n0\n-1\n5\n')).toBeUndefined();
    expect(parseWorldFile('0\n0\n0\n0\n5\n5\n')).toBeUndefined();
  });
});
