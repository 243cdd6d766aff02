import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene } from '../../src/scene/index.js';
import { hasShared, shared } from '../places.js';
import { parseCsv } from './csv.js';
import { bandOf, meanOf, readAll, sha256 } from './read.js';

const rows = hasShared('geotiff/MANIFEST.csv')
  ? parseCsv(readFileSync(join(shared, 'geotiff', 'MANIFEST.csv'), 'utf8')).filter((row) => row['kind']!.startsWith('vrt'))
  : [];

describe('VRTs of other projects, as GDAL reads them', () => {
  it.skipIf(rows.length > 0)('are not here', () => undefined);

  if (rows.length > 0) it.each(rows.map((row) => [row['file']!, row] as const))('%s', async (file, row) => {
    const path = join(shared, 'geotiff', file);
    const scene = await openScene(path);
    try {
      const { profile } = scene;
      // Complex numbers are read as bands of their real and imaginary parts.
      const told = row['dtype']!.split(';')[0]!;
      const [parts, dtype] = told === 'complex64' ? [2, 'float32'] : [1, told];
      expect([profile.width, profile.height, profile.bands, profile.dtype]).toEqual([Number(row['width']), Number(row['height']), Number(row['bands']) * parts, dtype]);
      const nodata = row['nodata']!.split(';')[0]!;
      expect(profile.nodata).toEqual(nodata === '' ? undefined : nodata === 'nan' ? Number.NaN : Number(nodata));
      expect(profile.maskSource).toBe({ no: 'none' }[row['has_mask']!] ?? row['has_mask']);
      expect(profile.transform ?? []).toEqual(row['geotransform'] === '' ? [] : row['geotransform']!.split(' ').map(Number));
      // The table has the control points' system where there is no other.
      const epsg = /^EPSG:(\d+)$/.exec(row['crs']!)?.[1];
      if (epsg !== undefined) expect((profile.crs ?? profile.gcps?.crs)?.epsg).toBe(Number(epsg));
      const points = /gcps=(\d+)/.exec(row['notes']!)?.[1];
      expect(profile.gcps?.points.length).toBe(points === undefined ? undefined : Number(points));
      const raster = await readAll(scene);
      const sums = row['checksum_sha256_per_band']!.split(';');
      const means = row['mean_per_band']!.split(';').map(Number);
      for (let band = 0; band < Number(row['bands']); band++) {
        // Both parts of a number lie side by side in a raster of one complex band, as in the file's checksum.
        const data = parts === 2 && profile.bands === 2 ? raster.data : bandOf(raster, band, profile.dtype);
        // Decoders of JPEG differ by a grey level or so; means of pixels do not.
        if (row['exact'] === 'lossy-codec') expect(Math.abs(meanOf(data) - means[band]!)).toBeLessThan(1);
        else expect(sha256(data)).toBe(sums[band]);
      }
    } finally {
      await scene.close();
    }
  });
});
