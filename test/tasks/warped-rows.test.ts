import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg, gridToGrid, suggestGrid } from '../../src/georef/index.js';
import type { PlacedGrid, Transform } from '../../src/georef/index.js';
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

describe('a mean over the edge of the world', () => {
  it.each([[3832, 150_000], [3995, 100_000], [4326, 1]] as const)('has what lies on both sides of it, and nothing of the row between (EPSG:%i)', async (epsg, size) => {
    const path = join(folder, `seam-${epsg}.tif`);
    const [width, height] = [720, 360];
    const writer = await createCog({ width, height, bands: 1, dtype: 'float32', scratch: `${path}.scratch`, overviews: 'nearest', transform: [-180, 0.5, 0, 90, 0, -0.5], crs: crsFromEpsg(4326)! });
    // 200 within 20 degrees of the antimeridian, 10 elsewhere.
    await writer.write(Float32Array.from({ length: width * height }, (_, i) => (i % width < 40 || i % width >= width - 40 ? 200 : 10)), height);
    await writer.finish(path);
    await writer.abort();
    const scene = await openScene(path);
    try {
      const { profile } = scene;
      const place = { width, height, transform: profile.transform!, crs: profile.crs! };
      const crs = crsFromEpsg(epsg)!;
      // In degrees: pixels that lie half on this, half on the other side.
      const grid = epsg === 4326 ? { width: 40, height: 40, transform: [160.5, size, 0, 20, 0, -size] as Transform, crs } : suggestGrid(place, crs, size)!;
      const exact = gridToGrid(grid, place)!;
      const rows = createWarpedRows(scene, { window: fullWindow(profile), bands: [0], grid, resampling: 'average' })!;
      let [checked, wrong] = [0, 0];
      for await (const { top, count, data, mask } of rows.rows(0)) {
        for (let i = 0; i < count * grid.width; i++) {
          const middle = exact((i % grid.width) + 0.5, top + Math.floor(i / grid.width) + 0.5);
          // Well inside the 200: away from their other edge, and from the pole, where a pixel sees all longitudes.
          if (mask![i] === 0 || middle === undefined || middle[1] < 30 || middle[1] > 330 || (middle[0] > 25 && middle[0] < width - 25)) continue;
          checked++;
          if (Math.abs((data[i] as number) - 200) > 1e-4) wrong++;
        }
      }
      expect(checked).toBeGreaterThan(500);
      expect(wrong).toBe(0);
    } finally {
      await scene.close();
    }
  });
});

describe('a pixel that is the mean of more than is read at once', () => {
  it('is the mean of all that it covers, from reads that each fit', async () => {
    const [width, height, across] = [2400, 2000, 2300];
    const path = join(folder, 'large.tif');
    const values = Float32Array.from({ length: width * height }, (_, i) => (i % 11 === 0 ? -1 : (i * 7919) % 1009));
    const writer = await createCog({
      width, height, bands: 1, dtype: 'float32', nodata: -1, scratch: `${path}.scratch`, overviews: 'nearest', transform: [300_000, 1, 0, 2_800_000, 0, -1], crs: crsFromEpsg(32640)!,
    });
    await writer.write(values, height);
    await writer.finish(path);
    await writer.abort();
    const scene = await openScene(path);
    try {
      const reads: number[] = [];
      const counting: Scene = { ...scene, read: async (window, options) => { reads.push(window.width * window.height); return await scene.read(window, options); } };
      const grid: PlacedGrid = { width: 2, height: 1, transform: [300_000, across, 0, 2_800_000, 0, -height], crs: crsFromEpsg(32640)! };
      const rows = createWarpedRows(counting, { window: fullWindow(scene.profile), bands: [0], grid, resampling: 'average' })!;
      const means = [0, across].map((left) => {
        let [sum, count] = [0, 0];
        for (let y = 0; y < height; y++) {
          for (let x = left; x < Math.min(width, left + across); x++) {
            if (values[y * width + x] === -1) continue;
            sum += values[y * width + x]!;
            count++;
          }
        }
        return sum / count;
      });
      for await (const { data, mask } of rows.rows(0)) {
        expect([...mask!]).toEqual([255, 255]);
        means.forEach((mean, i) => expect(data[i]).toBeCloseTo(mean, 3));
      }
      expect(reads.length).toBeGreaterThan(2);
      expect(reads.length).toBeLessThan(10);
      expect(Math.max(...reads)).toBeLessThanOrEqual(4 * 2 ** 20);
    } finally {
      await scene.close();
    }
  });
});
