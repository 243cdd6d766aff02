import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.js';
import { createGrid, patchesOf } from '../../src/grid/index.js';
import { intersect } from '../../src/raster/index.js';
import type { Raster, Window } from '../../src/raster/index.js';
import { openScene, stripCacheBytes } from '../../src/scene/index.js';
import { root } from '../places.js';
import { bandOf, readAll, sha256 } from './read.js';

const folder = join(root, 'fixtures', 'scene');

/** A window anywhere around a scene of 37 × 29 pixels, and some of its bands in some order. */
const anyRead = fc.record({
  x: fc.integer({ min: -30, max: 60 }), y: fc.integer({ min: -30, max: 50 }),
  width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 60 }),
  bands: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }),
  edge: fc.constantFrom('nodata' as const, 'reflect' as const),
});

/** One sample of the whole raster where a window's pixel stands, by the rule that the contract states. */
function mirrored(position: number, length: number): number {
  let at = position;
  while (at < 0 || at >= length) at = at < 0 ? -at : 2 * (length - 1) - at;
  return at;
}

function expectSample(whole: Raster, window: Window, column: number, row: number, band: number, edge: string, nodata: number): number {
  const x = window.x + column;
  const y = window.y + row;
  const inside = x >= 0 && y >= 0 && x < whole.width && y < whole.height;
  if (!inside && edge === 'nodata') return nodata;
  return whole.data[(mirrored(y, whole.height) * whole.width + mirrored(x, whole.width)) * whole.bands + band]!;
}

describe('any window', () => {
  it.each(['rgb_tiled_deflate.tif', 'planar_strips_lzw.tif', 'nodata_rgb.tif', 'internal_mask.tif', 'rgba_lzw_p2.tif', 'sparse_nodata.tif', 'rgb_tiled_none.tif', 'planar_strips_none.tif', 'sparse.tif', 'int16_strips_none.tif', 'nodata_nan.tif', 'gray16.png'])(
    'of %s equals that part of the whole, also over the edge, in any order of bands', async (name) => {
      const scene = await openScene(join(folder, name));
      const whole = await readAll(scene);
      await fc.assert(fc.asyncProperty(anyRead, async ({ bands: wanted, edge, ...window }) => {
        const bands = wanted.map((band) => band % scene.profile.bands);
        const raster = await scene.read(window, { bands, edge });
        const outside = intersect(window, { x: 0, y: 0, width: whole.width, height: whole.height });
        const reachesOver = outside === undefined || outside.width !== window.width || outside.height !== window.height;
        expect(raster.mask !== undefined).toBe(reachesOver || scene.profile.maskSource !== 'none');
        const nodata = scene.profile.nodata ?? 0;
        const wrong: string[] = [];
        for (let row = 0; row < window.height; row++) {
          for (let column = 0; column < window.width; column++) {
            const at = row * window.width + column;
            for (const [i, band] of bands.entries()) {
              const want = expectSample(whole, window, column, row, band, edge, nodata);
              const got = raster.data[at * bands.length + i]!;
              if (!Object.is(want, got)) wrong.push(`${column},${row} band ${band}: ${got}, not ${want}`);
            }
            if (raster.mask === undefined) continue;
            const mask = { ...whole, data: whole.mask ?? new Uint8Array(whole.width * whole.height).fill(255), bands: 1 };
            const want = expectSample(mask, window, column, row, 0, edge, 0);
            if (raster.mask[at] !== want) wrong.push(`${column},${row} mask: ${raster.mask[at]}, not ${want}`);
          }
        }
        expect(wrong.slice(0, 3)).toEqual([]);
      }), { numRuns: 40 });
      await scene.close();
    });

  it('is mirrored over the edge as NumPy does it, as often as needed', async () => {
    const golden = JSON.parse(readFileSync(join(folder, 'reflect.json'), 'utf8')) as Record<string, { pad: [number, number, number, number]; sha256: string[] }>;
    for (const [name, { pad: [top, bottom, left, right], sha256: sums }] of Object.entries(golden)) {
      const scene = await openScene(join(folder, name));
      const { width, height, dtype } = scene.profile;
      const raster = await scene.read({ x: -left, y: -top, width: width + left + right, height: height + top + bottom }, { edge: 'reflect' });
      expect(sums.map((_, band) => sha256(bandOf(raster, band, dtype)))).toEqual(sums);
      await scene.close();
    }
  });

  it('refuses windows that are not whole pixels, and bands that are not there', async () => {
    const scene = await openScene(join(folder, 'rgb.png'));
    await expect(scene.read({ x: 0.5, y: 0, width: 3, height: 3 })).rejects.toThrow(RangeError);
    await expect(scene.read({ x: 0, y: 0, width: 0, height: 3 })).rejects.toThrow('at least 1 × 1');
    await expect(scene.read({ x: 0, y: 0, width: 3, height: 3 }, { bands: [3] })).rejects.toThrow('bands from 0 to 2');
    await scene.close();
  });

  it('is not read when the signal is aborted already', async () => {
    const scene = await openScene(join(folder, 'rgb_tiled_deflate.tif'));
    await expect(scene.read({ x: 0, y: 0, width: 9, height: 9 }, { signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
    expect((await scene.read({ x: 0, y: 0, width: 9, height: 9 })).data).toHaveLength(243);
    await scene.close();
  });
});

describe('blocks', () => {
  it.each(['rgb_tiled_deflate.tif', 'planar_strips_deflate.tif', 'uint16_strips_lzw_p2_big_endian.tif', 'internal_mask.tif'])(
    'of %s are each decoded once in a scan of overlapping patches, within the promised cache', async (name) => {
      const first = await openScene(join(folder, name));
      const { profile } = first;
      await first.close();
      const patch = 11;
      const cacheBytes = stripCacheBytes(profile, patch);
      const scene = await openScene(join(folder, name), { cacheBytes });
      const grid = createGrid({ width: profile.width, height: profile.height, patchSize: patch, overlap: 5 });
      let held = 0;
      for (const { window } of patchesOf(grid)) {
        await scene.read(window);
        held = Math.max(held, scene.heldBytes());
      }
      const planes = name.startsWith('planar') ? profile.bands : 1;
      const blocks = Math.ceil(profile.width / profile.blockWidth) * Math.ceil(profile.height / profile.blockHeight);
      expect(scene.decodedBlocks()).toBe(blocks * (profile.maskSource === 'internal' ? 2 : planes));
      expect(held).toBeLessThanOrEqual(cacheBytes);
      await scene.close();
    });

  it('are decoded once when many reads want them at the same time', async () => {
    const scene = await openScene(join(folder, 'rgb_tiled_deflate.tif'));
    const rasters = await Promise.all(Array.from({ length: 20 }, () => readAll(scene)));
    expect(scene.decodedBlocks()).toBe(6);
    expect(new Set(rasters.map((raster) => sha256(raster.data))).size).toBe(1);
    await scene.close();
  });

  it('may be thrown out at once: a cache of nothing changes no pixel', async () => {
    const scene = await openScene(join(folder, 'planar_tiled_deflate_p2.tif'), { cacheBytes: 0 });
    const other = await openScene(join(folder, 'planar_tiled_deflate_p2.tif'));
    expect(sha256((await readAll(scene)).data)).toBe(sha256((await readAll(other)).data));
    expect(scene.heldBytes()).toBe(0);
    await scene.close();
    await other.close();
  });
});
