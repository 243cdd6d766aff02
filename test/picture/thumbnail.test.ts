import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayBands, displayStretch, rasterPicture, sceneThumbnail, thumbnailPicture } from '../../src/picture/index.js';
import { memoryScene } from './scenes.js';

describe('sceneThumbnail', () => {
  it('averages areas of valid pixels', async () => {
    const data = new Uint8Array([10, 20, 30, 40, 50, 60, 70, 80]);
    const thumbnail = await sceneThumbnail(memoryScene({ width: 4, height: 2, bands: 1, data }), { maxEdge: 2 });
    expect([thumbnail.width, thumbnail.height]).toEqual([2, 1]);
    expect([...thumbnail.data]).toEqual([(10 + 20 + 50 + 60) / 4, (30 + 40 + 70 + 80) / 4]);
    expect(thumbnail.reduction).toEqual([2, 2]);
  });

  it('leaves pixels without data out, and is transparent where they are the majority', async () => {
    const mask = new Uint8Array([255, 0, 0, 0, 255, 255, 0, 255]);
    const data = new Uint8Array([10, 99, 99, 99, 50, 60, 99, 80]);
    const thumbnail = await sceneThumbnail(memoryScene({ width: 4, height: 2, bands: 1, data, mask }), { maxEdge: 2 });
    expect(thumbnail.data[0]).toBe((10 + 50 + 60) / 3);
    expect([...thumbnail.mask]).toEqual([255, 0]);
  });

  it('reads every row once, from top to bottom, in pieces of bounded size, whatever the height', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 50 }), async (width, height, maxEdge) => {
      const scene = memoryScene({ width, height, bands: 3, data: new Uint8Array(width * height * 3).fill(7) });
      const thumbnail = await sceneThumbnail(scene, { maxEdge });
      let next = 0;
      for (const window of scene.reads) {
        expect(window).toMatchObject({ x: 0, y: next, width });
        next += window.height;
      }
      expect(next).toBe(height);
      expect(Math.max(thumbnail.width, thumbnail.height)).toBeLessThanOrEqual(maxEdge);
      expect(thumbnail.data.every((value) => value === 7)).toBe(true);
    }), { numRuns: 50 });
  });

  it('never asks for more than 12 MB at once, even where a row of blocks is larger', async () => {
    const windows: number[] = [];
    const scene = memoryScene({ width: 1, height: 1, bands: 3, data: new Uint8Array(3) });
    const huge = { ...scene, profile: { ...scene.profile, width: 60_000, height: 1200, blockHeight: 512 }, read: (window: { width: number; height: number }) => {
      windows.push(window.width * window.height * 3);
      return Promise.reject(new Error('enough'));
    } };
    await expect(sceneThumbnail(huge)).rejects.toThrow('enough');
    expect(windows[0]).toBeLessThanOrEqual(12 * 1024 * 1024);
    expect(windows[0]).toBeGreaterThan(10 * 1024 * 1024);
  });

  it('averages the colours of palette scenes, not their ids', async () => {
    const scene = memoryScene({ width: 2, height: 1, bands: 1, data: new Uint8Array([0, 2]), profile: { palette: [[200, 0, 0, 255], [0, 200, 0, 255], [0, 0, 100, 255]] } });
    const thumbnail = await sceneThumbnail(scene, { maxEdge: 1 });
    expect([...thumbnailPicture(thumbnail, displayStretch(thumbnail, scene.profile)).data]).toEqual([100, 0, 50, 255]);
  });
});

describe('displayBands', () => {
  const profile = (bands: number, rest = {}) => memoryScene({ width: 1, height: 1, bands, data: new Uint8Array(bands), profile: rest }).profile;
  it('takes red, green, blue by name, else the first three colours, else the first', () => {
    expect(displayBands(profile(4, { bandNames: ['blue', 'green', 'red', 'nir'] }))).toEqual([2, 1, 0]);
    expect(displayBands(profile(4))).toEqual([0, 1, 2]);
    expect(displayBands(profile(2, { alphaBand: 1 }))).toEqual([0]);
    expect(displayBands(profile(3, { alphaBand: 0 }))).toEqual([1]);
  });
});

describe('displayStretch', () => {
  it('shows 8-bit scenes as they are', async () => {
    const scene = memoryScene({ width: 2, height: 1, bands: 3, data: new Uint8Array([1, 2, 3, 250, 251, 252]) });
    const thumbnail = await sceneThumbnail(scene);
    expect([...thumbnailPicture(thumbnail, displayStretch(thumbnail, scene.profile)).data]).toEqual([1, 2, 3, 255, 250, 251, 252, 255]);
  });

  it('takes other scenes from the 2nd to the 98th percentile of the valid pixels', async () => {
    const data = Float32Array.from({ length: 102 }, (_, i) => (i < 101 ? i * 10 : -9999));
    const mask = Uint8Array.from({ length: 102 }, (_, i) => (i < 101 ? 255 : 0));
    const scene = memoryScene({ width: 102, height: 1, bands: 1, data, mask, profile: { dtype: 'float32' } });
    const thumbnail = await sceneThumbnail(scene);
    const stretch = displayStretch(thumbnail, scene.profile);
    expect(stretch).toEqual({ low: [20], high: [980] });
    const picture = rasterPicture(await scene.read({ x: 0, y: 0, width: 102, height: 1 }), stretch);
    expect([picture.data[0], picture.data[50 * 4], picture.data[100 * 4], picture.data[101 * 4 + 3]]).toEqual([0, 128, 255, 0]);
  });

  it('does not divide by nothing on constant and on empty scenes', async () => {
    for (const mask of [undefined, new Uint8Array(4)]) {
      const scene = memoryScene({ width: 2, height: 2, bands: 1, data: new Float32Array(4).fill(5), ...(mask === undefined ? {} : { mask }), profile: { dtype: 'float32' } });
      const thumbnail = await sceneThumbnail(scene);
      const { low, high } = displayStretch(thumbnail, scene.profile);
      expect(high[0]! - low[0]!).toBe(1);
    }
  });
});
