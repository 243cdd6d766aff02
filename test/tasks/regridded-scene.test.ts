import { describe, expect, it } from 'vitest';
import { crsFromEpsg } from '../../src/georef/index.js';
import type { Scene, SceneProfile, Window } from '../../src/raster/index.js';
import { regridScene } from '../../src/tasks/model-input/regridded-scene.js';

/** Pixels by a formula, as many as nobody would store; every 13th is missing. */
const NODATA = 0;
const valueAt = (x: number, y: number): number => ((x + 3 * y) % 13 === 0 ? NODATA : 1 + ((7 * x + 11 * y) % 200));

function largeScene(edge: number, reads: Window[]): Scene {
  const profile: SceneProfile = {
    source: 'large', format: 'test', width: edge, height: edge, bands: 1, dtype: 'uint8', transform: [500_000, 1, 0, 5_000_000, 0, -1], crs: crsFromEpsg(32631)!, nodata: NODATA,
    maskSource: 'nodata', compression: 'none', blockWidth: 512, blockHeight: 512, overviews: [], bytes: edge * edge, fingerprint: 'large', notes: [],
  };
  const read: Scene['read'] = (window) => {
    reads.push(window);
    const data = Uint8Array.from({ length: window.width * window.height }, (_, i) => valueAt(window.x + (i % window.width), window.y + Math.floor(i / window.width)));
    return Promise.resolve({ data, width: window.width, height: window.height, bands: 1, layout: 'pixel' as const, mask: data.map((value) => (value === NODATA ? 0 : 255)) });
  };
  return { profile, read, readReduced: () => Promise.reject(new Error('not asked for')), close: () => Promise.resolve() };
}

describe('a scene in far larger pixels', () => {
  it('has the mean of all that a pixel covers, from reads that each fit', async () => {
    const step = 2200;
    const reads: Window[] = [];
    const scene = regridScene(largeScene(8 * step, reads), step);
    expect([scene.profile.width, scene.profile.height]).toEqual([8, 8]);
    const { data } = await scene.read({ x: 5, y: 2, width: 1, height: 1 });
    let [sum, count] = [0, 0];
    for (let y = 2 * step; y < 3 * step; y++) {
      for (let x = 5 * step; x < 6 * step; x++) {
        const value = valueAt(x, y);
        if (value === NODATA) continue;
        sum += value;
        count++;
      }
    }
    expect(data[0]).toBe(Math.round(sum / count));
    expect(reads.length).toBeGreaterThan(1);
    expect(Math.max(...reads.map(({ width, height }) => width * height))).toBeLessThanOrEqual(4 * 2 ** 20);
  });
});
