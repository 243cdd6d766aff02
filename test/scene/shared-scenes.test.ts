import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pixelToCrs, toLonLat } from '../../src/georef/index.js';
import { openScene } from '../../src/scene/index.js';
import { hasShared, root, shared } from '../places.js';
import { bandOf, meanOf, readAll, sha256 } from './read.js';

/** What rasterio and pyproj say of the real scenes (fixtures/scene/make_shared_scenes.py). */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: string;
  readonly nodata: number | null;
  readonly epsg: number;
  readonly transform: readonly number[];
  readonly lossy: boolean;
  readonly sha256: readonly string[];
  readonly mean: readonly number[];
  readonly windowMean: readonly number[];
  readonly invalid: number;
  readonly overviews: readonly (readonly [number, number])[];
  readonly center: readonly [number, number];
}

const expected = JSON.parse(readFileSync(join(root, 'fixtures', 'scene', 'shared_scenes.json'), 'utf8')) as Record<string, Expected>;

describe('real scenes, as GDAL reads them', () => {
  it.skipIf(!hasShared('scenes')).each(Object.entries(expected))('%s', async (name, want) => {
    const scene = await openScene(join(shared, 'scenes', name));
    const { profile } = scene;
    expect(profile).toMatchObject({ width: want.width, height: want.height, bands: want.bands, dtype: want.dtype });
    // A nodata value that no pixel of the type can have (-10000 in uint8) is noted and left out.
    if (want.nodata === -10000) expect(profile.notes.join()).toContain('nodata "-10000"');
    else expect(profile.nodata ?? null).toBe(want.nodata);
    expect(profile.crs?.epsg).toBe(want.epsg);
    want.transform.forEach((value, i) => expect(Math.abs(profile.transform![i]! - value)).toBeLessThan(1e-9 * Math.max(1, Math.abs(value))));
    if (profile.format === 'GTiff') expect(profile.overviews.map((size) => [size.width, size.height])).toEqual(want.overviews);
    const center = toLonLat(profile.crs)!(...pixelToCrs(profile.transform!, profile.width / 2, profile.height / 2))!;
    // The Austrian datum has several published shifts, some metres apart.
    const tolerance = want.epsg === 31256 ? 5e-5 : 1e-8;
    expect(Math.abs(center[0] - want.center[0])).toBeLessThan(tolerance);
    expect(Math.abs(center[1] - want.center[1])).toBeLessThan(tolerance);

    const raster = await readAll(scene);
    const window = await scene.read({ x: 150, y: 200, width: 133, height: 97 });
    for (let band = 0; band < want.bands; band++) {
      const data = bandOf(raster, band, profile.dtype);
      if (want.lossy) expect(Math.abs(meanOf(data) - want.mean[band]!)).toBeLessThan(1);
      else expect(sha256(data)).toBe(want.sha256[band]);
      const part = meanOf(bandOf(window, band, profile.dtype));
      expect(Math.abs(part - want.windowMean[band]!)).toBeLessThan(want.lossy ? 1 : 1e-9 * Math.max(1, Math.abs(part)));
    }
    let invalid = 0;
    for (const value of raster.mask ?? []) if (value === 0) invalid++;
    expect(invalid).toBe(want.invalid);
    await scene.close();
  });
});

describe('colours of four-component JPEGs', () => {
  interface Reference { readonly right_rgb_mean: readonly number[]; readonly right_rgb_first_pixel: readonly number[]; readonly right_rgb_last_pixel: readonly number[] }

  it.skipIf(!hasShared('planet/DECODE_REFERENCE.json'))('are those of the reference, not of a print profile', async () => {
    const reference = JSON.parse(readFileSync(join(shared, 'planet', 'DECODE_REFERENCE.json'), 'utf8')) as Record<string, Reference>;
    for (const [name, want] of Object.entries(reference)) {
      const scene = await openScene(join(shared, 'planet', name));
      const raster = await readAll(scene);
      expect([...raster.data.slice(0, 3)]).toEqual(want.right_rgb_first_pixel);
      expect([...raster.data.slice(-3)]).toEqual(want.right_rgb_last_pixel);
      for (let band = 0; band < 3; band++) expect(meanOf(bandOf(raster, band, 'uint8'))).toBeCloseTo(want.right_rgb_mean[band]!, 2);
      await scene.close();
    }
  });
});
