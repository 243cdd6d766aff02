import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaResample, readReducedByReading, viewAs } from '../../src/raster/index.js';
import type { DataType, Scene, Window } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { root } from '../places.js';
import { memoryScene } from '../picture/scenes.js';
import { readAll } from './read.js';

/** What GDAL's RasterIO gave with average (nearest for classes) resampling (fixtures/scene/make_format_fixtures.py). */
interface Expected {
  readonly file: string;
  readonly window: readonly [number, number, number, number];
  readonly size: readonly [number, number];
  readonly dtype: DataType;
  /** Pixel-interleaved, little-endian, base64. */
  readonly samples: string;
}

const folder = join(root, 'fixtures', 'scene', 'formats');
const expected = JSON.parse(readFileSync(join(root, 'fixtures', 'scene', 'reduced.json'), 'utf8')) as readonly Expected[];

function windowOf([x, y, width, height]: Expected['window']): Window {
  return { x, y, width, height };
}

describe('a reduced read', () => {
  it.each(expected.map((want) => [`${want.file} ${want.window.join(',')} to ${want.size.join(' × ')}`, want] as const))('of %s is what GDAL gives', async (_name, want) => {
    const scene = await openScene(join(folder, want.file));
    const raster = await scene.readReduced(windowOf(want.window), { width: want.size[0], height: want.size[1] });
    const { profile } = scene;
    await scene.close();
    const bytes = Buffer.from(want.samples, 'base64');
    const samples = viewAs(want.dtype, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect([raster.width, raster.height, raster.data.length]).toEqual([...want.size, samples.length]);
    // Reduced copies round once, and the average of them again: one step; single precision sums: a few parts in a million.
    const step = want.dtype === 'float32' ? 1e-3 : want.file.includes('classes') ? 0 : 1;
    let compared = 0;
    for (let i = 0; i < samples.length; i++) {
      const pixel = Math.floor(i / raster.bands);
      if (raster.mask !== undefined && raster.mask[pixel] === 0 && i % raster.bands !== profile.alphaBand) continue;
      if (Number.isNaN(samples[i]!)) continue;
      expect(Math.abs(raster.data[i]! - samples[i]!)).toBeLessThanOrEqual(step);
      compared++;
    }
    expect(compared).toBeGreaterThan(samples.length / 3);
  });

  it('takes the smallest copy that is large enough', async () => {
    const scene = await openScene(join(folder, 'large_ovr.tif'));
    await scene.readReduced({ x: 0, y: 0, width: 72, height: 56 }, { width: 18, height: 14 });
    expect(scene.decodedBlocks()).toBe(0);
    await scene.readReduced({ x: 0, y: 0, width: 72, height: 56 }, { width: 37, height: 28 });
    expect(scene.decodedBlocks()).toBe(20);
    await scene.close();
  });

  it('does not take a copy that does not know what is missing', async () => {
    const scene = await openScene(join(folder, 'large_mask.tif'));
    const raster = await scene.readReduced({ x: 0, y: 0, width: 64, height: 48 }, { width: 32, height: 24 });
    expect(raster.mask![Math.floor(6 / 2) * 32 + Math.floor(12 / 2)]).toBe(0);
    expect(raster.mask![0]).toBe(255);
    await scene.close();
  });

  it('is an area average for any window and size, in pieces as in one', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.nat(), async (width, height, a, b, seed) => {
      const data = Float32Array.from({ length: width * height * 2 }, (_, i) => ((i * 7919 + seed) % 1000) / 10);
      const scene: Scene = memoryScene({ width, height, bands: 2, data, profile: { dtype: 'float32', blockHeight: 3, blockWidth: 4 } });
      const size = { width: Math.min(a, width), height: Math.min(b, height) };
      const raster = await readReducedByReading(scene, { x: 0, y: 0, width, height }, size, { resampling: 'average' });
      const want = areaResample(data, { width, height, bands: 2 }, size);
      raster.data.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 3));
    }), { numRuns: 100 });
  });

  it('of the whole size is an ordinary read', async () => {
    for (const name of ['large_int16.tif', 'large_mask.tif', 'large_alpha.tif']) {
      const scene = await openScene(join(folder, name));
      const whole = await readAll(scene);
      const raster = await scene.readReduced({ x: 0, y: 0, width: whole.width, height: whole.height }, whole);
      whole.data.forEach((value, i) => { if (whole.mask![Math.floor(i / whole.bands)] !== 0) expect(raster.data[i]).toBe(value); });
      expect(raster.mask).toEqual(whole.mask);
      await scene.close();
    }
  });

  it('never averages nodata into values', async () => {
    const scene = memoryScene({ width: 4, height: 1, bands: 1, data: Int16Array.of(-999, 10, -999, -999), mask: Uint8Array.of(0, 255, 0, 0), profile: { dtype: 'int16', nodata: -999, maskSource: 'nodata' } });
    const raster = await scene.readReduced({ x: 0, y: 0, width: 4, height: 1 }, { width: 2, height: 1 });
    expect([...raster.data]).toEqual([10, -999]);
    expect([...raster.mask!]).toEqual([255, 0]);
  });

  it('refuses a window over the edge and a size larger than the window', async () => {
    const scene = await openScene(join(folder, 'large.tif'));
    await expect(scene.readReduced({ x: 1, y: 0, width: 72, height: 56 }, { width: 8, height: 8 })).rejects.toThrow(RangeError);
    await expect(scene.readReduced({ x: 0, y: 0, width: 8, height: 8 }, { width: 9, height: 8 })).rejects.toThrow(RangeError);
    await scene.close();
  });
});
