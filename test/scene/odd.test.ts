import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { allocate } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { root } from '../places.js';
import { bandOf, readAll, sha256 } from './read.js';

/** What rasterio read in the files, `null` where it refused (fixtures/scene/make_odd_tiffs.py). */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: string;
  readonly transform: readonly number[] | null;
  /** Colours of the ids 0 to 3 of a palette. */
  readonly colours?: readonly (readonly number[])[];
  readonly sha256: readonly string[];
}

const folder = join(root, 'fixtures', 'scene', 'odd');
const expected = Object.entries(JSON.parse(readFileSync(join(root, 'fixtures', 'scene', 'odd.json'), 'utf8')) as Record<string, Expected | null>);

/** Complex numbers are read as bands of their parts. */
const PARTS: Readonly<Record<string, 'float32' | 'float64' | 'int16'>> = { complex64: 'float32', complex128: 'float64', complex_int16: 'int16' };

describe('TIFFs of kinds that few programs write', () => {
  it.each(expected.flatMap(([name, want]) => (want === null ? [] : [[name, want] as const])))('%s: as GDAL reads it', async (name, want) => {
    const scene = await openScene(join(folder, name));
    try {
      const { profile } = scene;
      const parts = PARTS[want.dtype];
      expect([profile.width, profile.height, profile.bands, profile.dtype]).toEqual([want.width, want.height, want.bands * (parts === undefined ? 1 : 2), parts ?? want.dtype]);
      expect(profile.transform ?? null).toEqual(want.transform);
      expect(profile.palette?.slice(0, 4)).toEqual(want.colours);
      const raster = await readAll(scene);
      for (const [band, sum] of want.sha256.entries()) {
        if (parts === undefined) {
          expect(sha256(bandOf(raster, band, profile.dtype))).toBe(sum);
          continue;
        }
        const [real, imaginary] = [bandOf(raster, 2 * band, parts), bandOf(raster, 2 * band + 1, parts)];
        const both = allocate(parts, 2 * real.length);
        for (let i = 0; i < real.length; i++) both.set([real[i]!, imaginary[i]!], 2 * i);
        expect(sha256(both)).toBe(sum);
      }
    } finally {
      await scene.close();
    }
  });

  it.each(expected.filter(([, want]) => want === null).map(([name]) => name))('%s: refused, as by GDAL', async (name) => {
    await expect(openScene(join(folder, name))).rejects.toThrow(InvalidFileError);
  });

  it('windows of complex planes are parts of the whole', async () => {
    const scene = await openScene(join(folder, 'complex_planes_tiled_big_endian.tif'));
    try {
      const whole = await readAll(scene);
      const part = await scene.read({ x: 11, y: 9, width: 13, height: 12 }, { bands: [5, 0] });
      for (let y = 0; y < 12; y++) {
        for (let x = 0; x < 13; x++) {
          const at = ((y + 9) * whole.width + x + 11) * 6;
          expect([part.data[(y * 13 + x) * 2], part.data[(y * 13 + x) * 2 + 1]]).toEqual([whole.data[at + 5], whole.data[at]]);
        }
      }
    } finally {
      await scene.close();
    }
  });
});
