import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene } from '../../src/scene/index.js';
import { root } from '../places.js';
import { bandOf, meanOf, readAll, sha256 } from './read.js';

/** What rasterio read in the files (fixtures/scene/make_format_fixtures.py). */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: string;
  readonly nodata: readonly (number | 'nan' | null)[];
  readonly maskFlags: readonly string[];
  readonly transform: readonly number[] | null;
  readonly epsg: number | null;
  readonly sha256: readonly string[];
  readonly mean: readonly number[];
  readonly maskSha256: string | null;
  readonly overviews: readonly (readonly [number, number])[];
  readonly names: readonly (string | null)[];
  readonly scales: readonly number[];
  readonly offsets: readonly number[];
  readonly units: readonly (string | null)[];
  readonly statistics: readonly Readonly<Record<'MINIMUM' | 'MAXIMUM' | 'MEAN' | 'STDDEV', number>>[];
  readonly gcps: readonly (readonly number[])[];
  readonly rpc: Readonly<Record<string, number | readonly number[] | null>> | null;
  readonly lossy: boolean;
}

const folder = join(root, 'fixtures', 'scene', 'formats');
const expected = JSON.parse(readFileSync(join(root, 'fixtures', 'scene', 'formats.json'), 'utf8')) as Record<string, Expected>;

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  none: ['all_valid'], nodata: ['nodata'], alpha: ['per_dataset', 'alpha'], internal: ['per_dataset'], external: ['per_dataset'],
};

/** Where this reader differs from GDAL on purpose. */
const OTHER_MASK: Readonly<Record<string, string>> = {
  'alpha_of_five.tif': 'GDAL makes masks of alpha in pictures of two and four bands only',
  'nodata_values.tif': 'the values of all bands together count per pixel here and in GDAL, which names them apart',
};

/** GDAL looks for no world file beside a WebP. */
const OWN_PLACE = new Set(['place_world.webp']);

function open(name: string): ReturnType<typeof openScene> {
  const [file = '', page = '0'] = name.split('#');
  return openScene(join(folder, file), { page: Number(page) });
}

describe('the rarer codecs, and files beside a scene, as GDAL reads them', () => {
  it.each(Object.entries(expected))('%s', async (name, want) => {
    const scene = await open(name);
    try {
      const { profile } = scene;
      expect({ width: profile.width, height: profile.height, bands: profile.bands, dtype: profile.dtype })
        .toEqual({ width: want.width, height: want.height, bands: want.bands, dtype: want.dtype });
      const perBand = <T>(value: T): T[] => Array.from({ length: want.bands }, () => value);
      if (!(name in OTHER_MASK)) {
        expect((profile.bandNodata ?? perBand(profile.nodata)).map((value) => (value === undefined ? null : Number.isNaN(value) ? 'nan' : value))).toEqual(want.nodata);
        expect(FLAGS[profile.maskSource]).toEqual(want.maskFlags);
      }
      expect(profile.transform === undefined ? null : profile.transform.map((value) => Number(value.toPrecision(14))))
        .toEqual(OWN_PLACE.has(name) ? [10, 1, 0, 21, 0, -1] : want.transform === null ? null : want.transform.map((value) => Number(value.toPrecision(14))));
      expect(profile.crs?.epsg ?? null).toBe(want.epsg);
      expect(profile.overviews).toEqual(want.overviews.map(([width, height]) => ({ width, height })));
      expect(profile.bandNames ?? perBand(null)).toEqual(want.names.some((text) => text !== null) ? want.names.map((text, band) => text ?? `band ${band + 1}`) : want.names);
      expect((profile.scaling ?? perBand({ scale: 1, offset: 0 }))).toEqual(want.scales.map((scale, band) => ({ scale, offset: want.offsets[band] })));
      expect((profile.units ?? perBand('')).map((unit) => unit || null)).toEqual(want.units);
      expect((profile.statistics ?? perBand(undefined)).map((band) => JSON.parse(JSON.stringify(band ?? {})) as unknown)).toEqual(want.statistics.map((band) => JSON.parse(JSON.stringify(
        { min: band.MINIMUM, max: band.MAXIMUM, mean: band.MEAN, stdDev: band.STDDEV })) as unknown));
      expect((profile.gcps?.points ?? []).map(({ column, row, x, y, z }) => [column, row, x, y, z])).toEqual(want.gcps);
      expect(profile.rpc === undefined).toBe(want.rpc === null);
      if (want.rpc !== null) {
        expect([profile.rpc!.lineOffset, profile.rpc!.sampleScale, profile.rpc!.longOffset]).toEqual([want.rpc['line_off'], want.rpc['samp_scale'], want.rpc['long_off']]);
        expect([profile.rpc!.lineNumerator, profile.rpc!.sampleDenominator]).toEqual([want.rpc['line_num_coeff'], want.rpc['samp_den_coeff']]);
      }
      const raster = await readAll(scene);
      for (let band = 0; band < want.bands; band++) {
        const data = bandOf(raster, band, profile.dtype);
        if (want.lossy) expect(Math.abs(meanOf(data) - want.mean[band]!)).toBeLessThan(1);
        else expect(sha256(data)).toBe(want.sha256[band]);
      }
      if (name in OTHER_MASK) return;
      if (want.maskSha256 === null) expect(raster.mask).toBeUndefined();
      else expect(sha256(raster.mask!)).toBe(want.maskSha256);
    } finally {
      await scene.close();
    }
  });
});
