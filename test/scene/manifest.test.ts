import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { pixelToCrs, toLonLat } from '../../src/georef/index.js';
import { openScene } from '../../src/scene/index.js';
import { hasShared, shared } from '../places.js';
import { parseCsv } from './csv.js';
import { bandOf, meanOf, readAll, sha256 } from './read.js';

/** Larger rasters have no checksums in the table. */
const MAX_SAMPLES = 40e6;

/** What this reader does not claim to read; all other TIFF, JPEG and PNG files must agree with GDAL. */
const UNREAD = /compression \((WEBP|LERC|LZMA|CCITT\w+|OJPEG|SGILOG\w*|number \d+)\)|complex numbers|integers of (24|64) bits|colour space/;

/** Known differences, with their reasons. */
const DIFFERENT: ReadonlyMap<string, string> = new Map([
  ['gdal/rgbsmall_cmyk.tif', 'CMYK stays CMYK; GDAL gives RGBA'],
  ['twelvemonkeys/tiff/cmyk_jpeg_no_profile.tif', 'CMYK stays CMYK; GDAL gives RGBA'],
  ['twelvemonkeys/jpeg/duplicate-component-ids.jpg', 'two components with the same id: decoders differ'],
  ['imageio-ext/external2.tif', 'masks in files of their own (.msk) are not read'],
  ['gdal/byte_inconsistent_georef.tif', 'GDAL takes the place from .aux.xml'],
  ['gdal/byte_nogeoref.tif', 'GDAL takes the place from .aux.xml'],
  ['gdal/gtiff/stefan_full_greyalpha_uint32_LZW_predictor_2.tif', 'GDAL makes no mask of an alpha band of 32 bits'],
]);

/** CRSs whose datum shift is another one here, or whose projection proj4 lacks; none is of a kind that maps use today. */
const OTHER_PLACE: ReadonlySet<string> = new Set([
  'gdal/gtiff/tiff_srs_iau_2015_30110.tif', 'libgeotiff/ProjectedCSTypeGeoKey_8065_hotine_oblique_mercator_variant_b.tif', 'rio-cogeo/image_geos.tif',
]);

const rows = hasShared('geotiff/MANIFEST.csv')
  ? parseCsv(readFileSync(join(shared, 'geotiff', 'MANIFEST.csv'), 'utf8')).filter((row) => /^(tiff|jpeg|png);/.test(row['kind']!))
  : [];

describe('files of other projects, as GDAL reads them', () => {
  it.skipIf(rows.length > 0)('are not here', () => undefined);

  if (rows.length > 0) it.each(rows.map((row) => [row['file']!, row] as const))('%s', async (file, row) => {
    let scene;
    try {
      scene = await openScene(join(shared, 'geotiff', file));
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidFileError);
      if (row['gdal_ok'] === 'yes') expect((error as Error).message).toMatch(UNREAD);
      return;
    }
    try {
      if (row['gdal_ok'] !== 'yes') { await expect(readAll(scene)).rejects.toThrow(InvalidFileError); return; }
      const { profile } = scene;
      expect([profile.width, profile.height, profile.bands, profile.dtype]).toEqual([Number(row['width']), Number(row['height']), Number(row['bands']), row['dtype']!.split(';')[0]]);
      if (DIFFERENT.has(file)) return;
      const nodata = row['nodata']!.split(';')[0]!;
      expect(profile.nodata).toEqual(nodata === '' ? undefined : nodata === 'nan' ? Number.NaN : Number(nodata));
      expect(profile.maskSource).toBe({ no: 'none' }[row['has_mask']!] ?? row['has_mask']);
      const transform = row['geotransform'] === '' ? undefined : row['geotransform']!.split(' ').map(Number);
      expect(profile.transform === undefined).toBe(transform === undefined);
      transform?.forEach((value, i) => expect(Math.abs(profile.transform![i]! - value)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value))));
      if (row['center_lon'] !== '' && !OTHER_PLACE.has(file)) {
        const center = toLonLat(profile.crs)!(...pixelToCrs(profile.transform!, profile.width / 2, profile.height / 2))!;
        const tolerance = profile.notes.some((note) => note.includes('may be off')) || profile.crs?.proj4?.includes('towgs84') ? 0.01 : 1e-6;
        expect(Math.abs(center[0] - Number(row['center_lon']))).toBeLessThan(tolerance);
        expect(Math.abs(center[1] - Number(row['center_lat']))).toBeLessThan(tolerance);
      }
      if (profile.width * profile.height * profile.bands > MAX_SAMPLES) return;
      const raster = await readAll(scene);
      const sums = row['checksum_sha256_per_band']!.split(';');
      const means = row['mean_per_band']!.split(';').map(Number);
      for (let band = 0; band < profile.bands; band++) {
        const data = bandOf(raster, band, profile.dtype);
        if (row['exact'] === 'yes') expect(sha256(data)).toBe(sums[band]);
        else expect(Math.abs(meanOf(data) - means[band]!)).toBeLessThan(1);
      }
      if (row['mask_sha256'] !== '') expect(sha256(raster.mask!)).toBe(row['mask_sha256']);
    } finally {
      await scene.close();
    }
  });
});
