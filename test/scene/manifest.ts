import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pixelToCrs, toLonLat } from '../../src/georef/index.js';
import { openScene } from '../../src/scene/index.js';
import { hasShared, shared } from '../places.js';
import type { TypedArray } from '../../src/raster/index.js';
import { parseCsv } from './csv.js';
import type { Row } from './csv.js';
import { bandOf, deviationOf, meanOf, readAll, sha256 } from './read.js';

/** Larger rasters have no checksums in the table. */
export const MAX_SAMPLES = 40e6;

/** Complex numbers are read as bands of their real and imaginary parts. */
const PARTS: ReadonlyMap<string, string> = new Map([['complex64', 'float32'], ['complex128', 'float64'], ['complex_int16', 'int16'], ['complex_int32', 'int32']]);

/** Known differences, with their reasons. */
const DIFFERENT: ReadonlyMap<string, string> = new Map([
  ['twelvemonkeys/jpeg/duplicate-component-ids.jpg', 'pixels: two components with the same id; decoders differ'],
  ['imageio-ext/external2.tif', 'mask: GDAL gives its values from 0 to 255, here any but 0 are valid'],
]);

/** Integers of 64 bits are doubles here, refused where a double cannot hold them. */
const isWide = (row: Row): boolean => /int64/.test(row['dtype']!);

/** CRSs whose datum shift is another one here, or whose projection proj4 lacks; none is of a kind that maps use today. */
const OTHER_PLACE: ReadonlySet<string> = new Set([
  'gdal/gtiff/tiff_srs_iau_2015_30110.tif', 'libgeotiff/ProjectedCSTypeGeoKey_8065_hotine_oblique_mercator_variant_b.tif', 'rio-cogeo/image_geos.tif',
]);

/** Files of other projects and what GDAL reads in them; none where the data are not at hand. */
export const rows: readonly Row[] = hasShared('geotiff/MANIFEST.csv')
  ? parseCsv(readFileSync(join(shared, 'geotiff', 'MANIFEST.csv'), 'utf8')).filter((row) => /^(tiff|jpeg|png);/.test(row['kind']!))
  : [];

/** The file of a row. */
export const fileOf = (row: Row): string => join(shared, 'geotiff', row['file']!);

/** Compares a row with its file, or with a COG that was made of it: a picture of its own, with overviews of its own and any missing pixels in its mask. */
export async function agree(row: Row, cog?: string): Promise<void> {
  const file = row['file']!;
  const scene = await openScene(cog ?? fileOf(row));
  try {
    const { profile } = scene;
    const told = row['dtype']!.split(';')[0]!;
    const parts = PARTS.get(told);
    const dtype = parts ?? (isWide(row) ? 'float64' : told);
    expect([profile.width, profile.height, profile.bands, profile.dtype]).toEqual([Number(row['width']), Number(row['height']), Number(row['bands']) * (parts === undefined ? 1 : 2), dtype]);
    const nodata = row['nodata']!.split(';')[0]!;
    expect(profile.nodata).toEqual(nodata === '' ? undefined : nodata === 'nan' ? Number.NaN : Number(nodata));
    const mask = { no: 'none' }[row['has_mask']!] ?? row['has_mask']!;
    // A mask of a file of its own goes into the COG.
    expect(profile.maskSource).toBe(cog !== undefined && mask === 'external' ? 'internal' : mask);
    expect(profile.palette !== undefined).toBe(row['has_palette'] === 'yes');
    expect(profile.page?.count ?? 1).toBe(cog === undefined ? Number(row['pages']) || 1 : 1);
    // GDAL counts the sizes that a JPEG decoder can make by itself as overviews.
    if (profile.format === 'GTiff' && cog === undefined) expect(profile.overviews.map(({ width, height }) => `${width}x${height}`).sort()).toEqual(row['overviews'] === '' ? [] : row['overviews']!.split(';').sort());
    expect(profile.rpc !== undefined).toBe(/\brpc\b/.test(row['notes']!));
    expect(profile.transform === undefined ? profile.gcps?.points.length ?? 0 : 0).toBe(Number(/gcps=(\d+)/.exec(row['notes']!)?.[1] ?? 0));
    const transform = row['geotransform'] === '' ? undefined : row['geotransform']!.split(' ').map(Number);
    expect(profile.transform === undefined).toBe(transform === undefined);
    transform?.forEach((value, i) => expect(Math.abs(profile.transform![i]! - value)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value))));
    expect(profile.crs === undefined).toBe(row['crs'] === '');
    if (row['center_lon'] !== '' && !OTHER_PLACE.has(file)) {
      const center = toLonLat(profile.crs)!(...pixelToCrs(profile.transform!, profile.width / 2, profile.height / 2))!;
      const tolerance = profile.notes.some((note) => note.includes('may be off')) || profile.crs?.proj4?.includes('towgs84') ? 0.01 : 1e-6;
      expect(Math.abs(center[0] - Number(row['center_lon']))).toBeLessThan(tolerance);
      expect(Math.abs(center[1] - Number(row['center_lat']))).toBeLessThan(tolerance);
    }
    if (profile.width * profile.height * profile.bands > MAX_SAMPLES) return;
    const raster = await readAll(scene);
    const [sums, means, deviations] = ['checksum_sha256_per_band', 'mean_per_band', 'std_per_band'].map((name) => row[name]!.split(';')) as [string[], string[], string[]];
    const different = DIFFERENT.get(file);
    if (parts !== undefined) {
      // Both parts of a pixel lie beside each other, as the table has them.
      expect(profile.bands).toBe(2);
      expect(sha256(raster.data)).toBe(sums[0]);
      expect(meanOf(bandOf(raster, 0, profile.dtype))).toBeCloseTo(Number(means[0]), 6);
      return;
    }
    for (let band = 0; band < profile.bands && !different?.startsWith('pixels'); band++) {
      const data = bandOf(raster, band, profile.dtype);
      if (isWide(row)) expect(sha256(wideIntegers(data, row['dtype']!))).toBe(sums[band]);
      else if (row['exact'] !== 'lossy-codec') expect(sha256(data)).toBe(sums[band]);
      else {
        expect(Math.abs(meanOf(data) - Number(means[band]))).toBeLessThan(1);
        expect(Math.abs(deviationOf(data) - Number(deviations[band]))).toBeLessThan(1);
      }
    }
    if (row['mask_sha256'] !== '' && !different?.startsWith('mask')) expect(sha256(raster.mask!)).toBe(row['mask_sha256']);
  } finally {
    await scene.close();
  }
}

/** The bytes that doubles had as integers. */
function wideIntegers(data: TypedArray, dtype: string): Uint8Array {
  const values = Array.from(data, BigInt);
  return new Uint8Array((dtype.startsWith('uint') ? BigUint64Array.from(values) : BigInt64Array.from(values)).buffer);
}
