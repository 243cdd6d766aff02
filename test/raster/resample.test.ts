import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaResample } from '../../src/raster/index.js';
import { root } from '../places.js';

interface Case { readonly width: number; readonly height: number; readonly toWidth: number; readonly toHeight: number; readonly values: readonly number[] }

describe('areaResample', () => {
  const cases = JSON.parse(readFileSync(join(root, 'fixtures', 'raster', 'area.json'), 'utf8')) as readonly Case[];

  for (const { width, height, toWidth, toHeight, values } of cases) {
    it(`${width}×${height} to ${toWidth}×${toHeight} as Pillow's BOX does`, () => {
      const source = Float32Array.from({ length: width * height }, (_, i) => {
        const x = i % width;
        const y = (i - x) / width;
        return (x * 7 + y * 13 + (x * y) % 11) % 256;
      });
      const found = areaResample(source, { width, height, bands: 1 }, { width: toWidth, height: toHeight });
      values.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 2));
    });
  }

  it('is the mean over the covered area, border pixels by their share, for any sizes and bands', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 4 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(fc.property(sizes, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), ([width, height, bands, a, b], samples) => {
      const target = { width: 1 + Math.floor(a * (width - 1)), height: 1 + Math.floor(b * (height - 1)) };
      const source = Uint8Array.from({ length: width * height * bands }, () => Number(samples.next().value));
      const found = areaResample(source, { width, height, bands }, target);
      for (let y = 0; y < target.height; y++) for (let x = 0; x < target.width; x++) for (let band = 0; band < bands; band++) {
        let sum = 0;
        let area = 0;
        for (let j = 0; j < height; j++) for (let i = 0; i < width; i++) {
          const across = Math.min(i + 1, ((x + 1) * width) / target.width) - Math.max(i, (x * width) / target.width);
          const down = Math.min(j + 1, ((y + 1) * height) / target.height) - Math.max(j, (y * height) / target.height);
          if (across <= 0 || down <= 0) continue;
          sum += across * down * (source[(j * width + i) * bands + band] ?? 0);
          area += across * down;
        }
        expect(found[(y * target.width + x) * bands + band]).toBeCloseTo(sum / area, 3);
      }
    }), { numRuns: 60 });
  });

  it('leaves a raster of the same size as it is', () => {
    const source = Int16Array.of(-5, 3, 700, 12, -32768, 32767);
    expect(Array.from(areaResample(source, { width: 3, height: 2, bands: 1 }, { width: 3, height: 2 }))).toEqual(Array.from(source));
  });

  it('refuses to enlarge', () => {
    expect(() => areaResample(new Uint8Array(4), { width: 2, height: 2, bands: 1 }, { width: 3, height: 2 })).toThrow(/target from 1×1 to 2×2, found 3×2/);
  });
});
