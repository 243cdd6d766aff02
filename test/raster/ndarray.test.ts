import { describe, expect, it } from 'vitest';
import { rasterArray } from '../../src/raster/index.js';

describe('rasterArray', () => {
  it('shows both layouts as rows × columns × bands, without copying', () => {
    const [width, height, bands] = [3, 2, 2];
    const value = (row: number, column: number, band: number): number => row * 100 + column * 10 + band;
    const pixel = new Uint8Array(12);
    const band = new Uint8Array(12);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let b = 0; b < bands; b++) {
      pixel[(y * width + x) * bands + b] = value(y, x, b);
      band[(b * height + y) * width + x] = value(y, x, b);
    }
    for (const array of [rasterArray({ data: pixel, width, height, bands, layout: 'pixel' }), rasterArray({ data: band, width, height, bands, layout: 'band' })]) {
      expect(array.shape).toEqual([2, 3, 2]);
      expect(array.get(1, 2, 1)).toBe(121);
      expect(array.get(0, 1, 0)).toBe(10);
    }
    rasterArray({ data: pixel, width, height, bands, layout: 'pixel' }).set(1, 0, 0, 7);
    expect(pixel[6]).toBe(7);
  });
});
