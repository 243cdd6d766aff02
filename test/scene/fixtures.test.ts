import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene } from '../../src/scene/index.js';
import { root } from '../places.js';
import { bandOf, meanOf, readAll, sha256 } from './read.js';

/** What rasterio read in the fixtures (fixtures/scene/make_scene_fixtures.py). */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: string;
  readonly nodata: number | string | null;
  readonly maskFlags: readonly string[];
  readonly transform: readonly number[] | null;
  readonly epsg: number | null;
  readonly sha256: readonly string[];
  readonly mean: readonly number[];
  readonly maskSha256: string | null;
  readonly overviews: readonly number[];
  readonly lossy: boolean;
  readonly bandNames: readonly string[] | null;
}

const folder = join(root, 'fixtures', 'scene');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>;

/** Masks that rasterio names otherwise. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  none: ['all_valid'], nodata: ['nodata'], alpha: ['per_dataset', 'alpha'], internal: ['per_dataset'],
};

describe('every layout, type and codec, as GDAL reads it', () => {
  it.each(Object.entries(expected))('%s', async (name, want) => {
    const scene = await openScene(join(folder, name));
    try {
      const { profile } = scene;
      expect({ width: profile.width, height: profile.height, bands: profile.bands, dtype: profile.dtype })
        .toEqual({ width: want.width, height: want.height, bands: want.bands, dtype: want.dtype });
      expect(profile.nodata === undefined ? null : Number.isNaN(profile.nodata) ? 'nan' : profile.nodata).toEqual(want.nodata);
      expect(FLAGS[profile.maskSource]).toEqual(want.maskFlags);
      expect(profile.transform === undefined ? null : profile.transform.map((value) => Number(value.toPrecision(14))))
        .toEqual(want.transform === null ? null : want.transform.map((value) => Number(value.toPrecision(14))));
      if (want.epsg !== null) expect(profile.crs?.epsg).toBe(want.epsg);
      expect(profile.overviews.map((size) => Math.round(profile.width / size.width))).toEqual(want.overviews);
      if (want.bandNames !== null) expect(profile.bandNames).toEqual(want.bandNames);

      const raster = await readAll(scene);
      for (let band = 0; band < want.bands; band++) {
        const data = bandOf(raster, band, profile.dtype);
        if (want.lossy) expect(Math.abs(meanOf(data) - want.mean[band]!)).toBeLessThan(1);
        else expect(sha256(data)).toBe(want.sha256[band]);
      }
      if (want.maskSha256 === null) expect(raster.mask).toBeUndefined();
      else expect(sha256(raster.mask!)).toBe(want.maskSha256);
    } finally {
      await scene.close();
    }
  });
});

describe('palettes', () => {
  it('keeps the ids of a TIFF and lists its colours', async () => {
    const scene = await openScene(join(folder, 'palette.tif'));
    expect(scene.profile.palette).toHaveLength(256);
    expect(scene.profile.palette?.slice(0, 3)).toEqual([[0, 255, 0, 255], [40, 254, 7, 255], [80, 253, 14, 255]]);
    await scene.close();
  });

  it('keeps the ids of a PNG and lists its colours', async () => {
    const scene = await openScene(join(folder, 'palette.png'));
    expect(scene.profile.bands).toBe(1);
    expect(scene.profile.palette).toHaveLength(17);
    await scene.close();
  });
});

describe('class names', () => {
  it.each(['classes.tif', 'classes_sidecar.tif'])('of %s are listed by pixel value', async (name) => {
    const scene = await openScene(join(folder, name));
    expect(scene.profile.classNames).toEqual(['water', '', 'road & rail']);
    await scene.close();
  });
});

describe('files beside a picture', () => {
  it('takes the world file, half a pixel off the centre, and the .prj, which GDAL ignores', async () => {
    const scene = await openScene(join(folder, 'rgb_placed.png'));
    expect(scene.profile.transform).toEqual([500000, 2.5, 0, 4600000, 0, -2.5]);
    expect(scene.profile.crs?.epsg).toBe(32631);
    await scene.close();
  });
});
