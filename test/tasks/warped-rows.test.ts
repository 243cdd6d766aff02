import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg, gridToGrid, suggestGrid } from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import { fullWindow } from '../../src/raster/index.js';
import type { Scene } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { createWarpedRows } from '../../src/tasks/rows/warped-rows.js';
import { scratch } from '../places.js';

const folder = scratch();

/** A strip around the pole, in degrees, every pixel with a value of its own. */
async function writeStrip(width: number, height: number): Promise<string> {
  const path = join(folder, `${width}.tif`);
  const transform: Transform = [-180, 360 / width, 0, 90, 0, -30 / height];
  const writer = await createCog({ width, height, bands: 1, dtype: 'int32', scratch: `${path}.scratch`, overviews: 'nearest', transform, crs: crsFromEpsg(4326)! });
  await writer.write(Int32Array.from({ length: width * height }, (_, i) => i + 1), height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

describe('a grid around a pole', () => {
  it('shows the pixels at its exact positions, in few reads, none of them larger than it need be', async () => {
    const scene = await openScene(await writeStrip(2880, 240));
    try {
      const { profile } = scene;
      const place = { width: profile.width, height: profile.height, transform: profile.transform!, crs: profile.crs! };
      const grid = suggestGrid(place, crsFromEpsg(3995)!, 12_000)!;
      const reads: number[] = [];
      const counting: Scene = { ...scene, read: async (window, options) => { reads.push(window.width * window.height); return await scene.read(window, options); } };
      const rows = createWarpedRows(counting, { window: fullWindow(profile), bands: [0], grid, resampling: 'nearest' })!;
      const exact = gridToGrid(grid, place)!;
      let [checked, wrong] = [0, 0];
      for await (const { top, count, data, mask } of rows.rows(0)) {
        for (let row = 0; row < count; row += 7) {
          for (let x = 3; x < grid.width; x += 11) {
            const [sx, sy] = exact(x + 0.5, top + row + 0.5)!;
            // Beside a border a hundredth of a pixel decides.
            if ([sx, sy].some((value) => Math.abs(value - Math.round(value)) < 0.02) || sx < 0.1 || sx > place.width - 0.1) continue;
            const inside = sy >= 0 && sy < place.height;
            const at = row * grid.width + x;
            checked++;
            if (inside ? data[at] !== Math.floor(sy) * place.width + Math.floor(sx) + 1 : mask![at] !== 0) wrong++;
          }
        }
      }
      expect(checked).toBeGreaterThan(2000);
      expect(wrong).toBe(0);
      expect(reads.length).toBeLessThan(100);
      expect(Math.max(...reads)).toBeLessThanOrEqual(4 * 2 ** 20);
    } finally {
      await scene.close();
    }
  });
});
