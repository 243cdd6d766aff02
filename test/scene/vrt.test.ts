import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { root, scratch } from '../places.js';
import { bandOf, readAll, sha256 } from './read.js';

/** What GDAL read in the fixtures (fixtures/scene/make_vrts.py). */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: string;
  readonly nodata: number | 'nan' | null;
  readonly mask: string;
  readonly transform: readonly number[] | null;
  readonly epsg: number | null;
  readonly sha256: readonly string[];
  readonly maskSha256: string;
}

const folder = join(root, 'fixtures', 'scene', 'vrt');
const work = scratch();
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>;

for (const name of ['rgb.tif', 'other.tif', 'wide.tif', 'waves.tif']) copyFileSync(join(folder, name), join(work, name));

const source = (name: string, inside = ''): string => `<SimpleSource><SourceFilename relativeToVRT="1">${name}</SourceFilename>${inside}</SimpleSource>`;
const band = (inside: string, attributes = ''): string => `<VRTRasterBand dataType="Byte" ${attributes}>${inside}</VRTRasterBand>`;
const vrt = (inside: string, attributes = ''): string => `<VRTDataset rasterXSize="24" rasterYSize="18" ${attributes}>${inside}</VRTDataset>`;

function write(name: string, text: string): string {
  const path = join(work, name);
  writeFileSync(path, text);
  return path;
}

/** The error of opening and reading, on one line, with the path taken out. */
async function failure(path: string): Promise<string> {
  const error: unknown = await (async () => {
    const scene = await openScene(path);
    try {
      await readAll(scene);
    } finally {
      await scene.close();
    }
  })().then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidFileError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

describe('a VRT', () => {
  it.each(Object.entries(expected))('%s: is what GDAL reads', async (name, row) => {
    const scene = await openScene(join(folder, `${name}.vrt`));
    const { profile } = scene;
    expect([profile.width, profile.height, profile.bands, profile.dtype]).toEqual([row.width, row.height, row.bands, row.dtype]);
    expect(profile.nodata ?? null).toEqual(row.nodata === 'nan' ? Number.NaN : row.nodata);
    expect([profile.maskSource, profile.transform ?? null, profile.crs?.epsg ?? null]).toEqual([row.mask, row.transform, row.epsg]);
    const raster = await readAll(scene);
    expect(Array.from({ length: row.bands }, (_, i) => sha256(bandOf(raster, i, profile.dtype)))).toEqual(row.sha256);
    expect(sha256(raster.mask ?? new Uint8Array(row.width * row.height).fill(255))).toBe(row.maskSha256);
    await scene.close();
  });

  it.each(['transparent', 'enlarged_unevenly', 'reduced_unevenly', 'mask_band', 'averaged_thirds', 'types', 'waves', 'bilinear_nodata', 'cubic_alpha', 'lanczos_smaller', 'average_weighted', 'mode'])('%s: is the same in windows as in one piece, bands in any order', async (name) => {
    const scene = await openScene(join(folder, `${name}.vrt`), { cacheBytes: 0 });
    const { width, height, bands } = scene.profile;
    const all = await readAll(scene);
    const order = Array.from({ length: bands }, (_, i) => bands - 1 - i);
    for (const size of [1, 5, 11]) {
      for (let y = 0; y < height; y += size) {
        for (let x = 0; x < width; x += size) {
          const window = { x, y, width: Math.min(size, width - x), height: Math.min(size, height - y) };
          const part = await scene.read(window, { bands: order });
          for (let i = 0; i < part.data.length; i++) {
            const pixel = (y + Math.floor(i / bands / window.width)) * width + x + Math.floor(i / bands) % window.width;
            expect(part.data[i]).toBe(all.data[pixel * bands + order[i % bands]!]);
            if (all.mask !== undefined) expect(part.mask![Math.floor(i / bands)]).toBe(all.mask[pixel]);
          }
        }
      }
    }
    await scene.close();
  });

  it('tells that its bands are complex, or of several types', async () => {
    const complex = await openScene(join(folder, 'waves.vrt'));
    expect([complex.profile.bands, complex.profile.isComplex, complex.profile.notes.some((note) => note.startsWith('complex numbers'))]).toEqual([4, true, true]);
    const types = await openScene(join(folder, 'types.vrt'));
    expect(types.profile.notes).toContain('its bands are uint8, int16, uint16, and given as int32, which holds them all');
    await Promise.all([complex.close(), types.close()]);
  });

  it('takes names and colours from the VRT, and band names from its first file where it has none', async () => {
    const palette = await openScene(join(folder, 'palette.vrt'));
    expect(palette.profile.palette).toEqual([[9, 8, 7, 255], [0, 100, 200, 128]]);
    expect(palette.profile.classNames).toEqual(['sea & sky', 'land']);
    await palette.close();
    copyFileSync(join(root, 'fixtures', 'scene', 'band_names.tif'), join(work, 'band_names.tif'));
    const file = await openScene(join(work, 'band_names.tif'));
    const named = await openScene(write('named.vrt', `<VRTDataset rasterXSize="5" rasterYSize="5">${band(source('band_names.tif', '<SourceBand>2</SourceBand>'))}</VRTDataset>`));
    expect(named.profile.bandNames).toEqual([file.profile.bandNames![1]]);
    await Promise.all([file.close(), named.close()]);
  });

  it('reads a window of the file alone that it needs', async () => {
    const path = write('large.vrt', `<VRTDataset rasterXSize="2000000000" rasterYSize="2000000000">${band(source('rgb.tif', '<SrcRect xOff="0" yOff="0" xSize="24" ySize="18"/><DstRect xOff="0" yOff="0" xSize="24" ySize="18"/>'))}</VRTDataset>`);
    const scene = await openScene(path);
    const rgb = await openScene(join(work, 'rgb.tif'));
    const window = { x: 3, y: 4, width: 9, height: 7 };
    expect((await scene.read(window)).data).toEqual((await rgb.read(window, { bands: [0] })).data);
    expect((await scene.read({ ...window, x: 1_999_999_000 })).data.every((value) => value === 0)).toBe(true);
    expect(scene.decodedBlocks()).toBe(1);
    await Promise.all([scene.close(), rgb.close()]);
  });

  it('changes its fingerprint when it, one of its files, or a file of a VRT inside it changes', async () => {
    const inner = write('inner.vrt', vrt(band(source('other.tif'))));
    const path = write('outer.vrt', vrt(band(source('rgb.tif') + source('inner.vrt'))));
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      const scene = await openScene(path);
      seen.add(scene.profile.fingerprint);
      await scene.close();
    };
    await look();
    await look();
    expect(seen.size).toBe(1);
    utimesSync(join(work, 'rgb.tif'), 1000, 2000);
    await look();
    utimesSync(join(work, 'other.tif'), 1000, 2000);
    await look();
    writeFileSync(inner, vrt(band(source('other.tif', '<SourceBand>2</SourceBand>'))));
    await look();
    writeFileSync(path, vrt(band(source('inner.vrt'))));
    await look();
    expect(seen.size).toBe(5);
  });
});

describe('a VRT is refused', () => {
  it.each([
    ['warped', vrt(band(''), 'subClass="VRTWarpedDataset"'), /warped VRTs \(VRTWarpedDataset\)/],
    ['pansharpened', vrt(band(''), 'subClass="VRTPansharpenedDataset"'), /VRTPansharpenedDataset/],
    ['a pixel function', vrt(band(`<PixelFunctionType>sum</PixelFunctionType>${source('rgb.tif')}`, 'subClass="VRTDerivedRasterBand"')), /VRTDerivedRasterBand.*pixel function sum/],
    ['a raw file', vrt(band('<SourceFilename>a.raw</SourceFilename>', 'subClass="VRTRawRasterBand"')), /VRTRawRasterBand/],
    ['a filter', vrt(band(source('rgb.tif').replaceAll('SimpleSource', 'KernelFilteredSource'))), /KernelFilteredSource/],
    ['options of opening', vrt(band(source('rgb.tif', '<OpenOptions><OOI key="OVERVIEW_LEVEL">0</OOI></OpenOptions>'))), /OVERVIEW_LEVEL/],
    ['a missing file', vrt(band(source('nowhere.tif'))), /its source .*nowhere\.tif does not exist/],
    ['a band that is not there', vrt(band(source('rgb.tif', '<SourceBand>9</SourceBand>'))), /band 9 of it, but it has 3/],
    ['another size than the file has', vrt(band(source('rgb.tif', '<SourceProperties RasterXSize="99" RasterYSize="18"/>'))), /99 × 18 pixels, it has 24 × 18/],
    ['complex and other numbers', vrt(band('') + band('').replace('Byte', 'CFloat32')), /complex numbers in all bands or in none, found 1 of 2/],
    ['complex numbers of other sizes', vrt(band(source('waves.tif', '<SrcRect xOff="0" yOff="0" xSize="24" ySize="18"/><DstRect xOff="0" yOff="0" xSize="9" ySize="9"/>').replace('<SimpleSource', '<SimpleSource resampling="cubic"'))), /complex numbers are to be resampled by cubic/],
    ['an unknown type', vrt(band('').replace('Byte', 'Float16')), /Float16/],
    ['an unknown filter', vrt(band(source('rgb.tif', '<SrcRect xOff="0" yOff="0" xSize="24" ySize="18"/><DstRect xOff="0" yOff="0" xSize="9" ySize="9"/>').replace('<SimpleSource', '<SimpleSource resampling="gauss"'))), /to be resampled by gauss, expected nearest, bilinear/],
    ['no size', '<VRTDataset rasterYSize="3"><VRTRasterBand/></VRTDataset>', /rasterXSize/],
    ['no band', vrt(''), /no band/],
    ['XML that ends', '<VRTDataset rasterXSize="3" rasterYSize="3"><VRTRasterBand>', /not well-formed/],
    ['a document type', '<?xml version="1.0"?>\n<!-- --><VRTDataset rasterXSize="3" rasterYSize="3"><!DOCTYPE a [<!ENTITY b "c">]></VRTDataset>', /document type/],
    ['a URL', vrt(band(source('https://example.org/a.tif'))), /is on a server/],
    ['a URL in GDAL\'s spelling', vrt(band(source('/vsicurl/https://example.org/a.tif'))), /is on a server/],
    ['a bucket', vrt(band(source('/vsis3/bucket/a.tif'))), /is on a server/],
    ['another file system of GDAL', vrt(band(source('/vsizip/a.zip/a.tif'))), /\/vsizip\//],
    ['a connection of GDAL', vrt(band(source('NETCDF:a.nc:b'))), /not the name of a file/],
  ])('%s', async (name, text, message) => {
    const path = write(`refused ${name.replaceAll(/\W/g, '_')}.vrt`, text);
    expect(await failure(path)).toMatch(message);
  });

  it('that contains itself, straight or through others', async () => {
    expect(await failure(write('self.vrt', vrt(band(source('self.vrt')))))).toMatch(/contains itself: .*self\.vrt → .*self\.vrt/);
    write('b.vrt', vrt(band(source('c.vrt'))));
    write('c.vrt', vrt(band(source('b.vrt'))));
    expect(await failure(write('a.vrt', vrt(band(source('b.vrt') + source('c.vrt')))))).toMatch(/contains itself/);
    write('hidden.txt', vrt(band(source('rgb.tif'))));
    expect(await failure(write('names.vrt', vrt(band(source('hidden.txt')))))).toMatch(/does not end in \.vrt/);
  });

  it('in too many of its kind', async () => {
    write('deep0.vrt', vrt(band(source('rgb.tif'))));
    for (let i = 1; i < 9; i++) write(`deep${i}.vrt`, vrt(band(source(`deep${i - 1}.vrt`))));
    const scene = await openScene(join(work, 'deep5.vrt'));
    const rgb = await openScene(join(work, 'rgb.tif'));
    expect((await readAll(scene)).data).toEqual((await readAll(rgb, { bands: [0] })).data);
    await Promise.all([scene.close(), rgb.close()]);
    expect(await failure(join(work, 'deep8.vrt'))).toMatch(/6 deep/);
  });

  it('only with a note where its files lie elsewhere', async () => {
    mkdirSync(join(work, 'inside'));
    const near = await openScene(write('near.vrt', vrt(band(source('rgb.tif')))));
    const far = await openScene(write('inside/far.vrt', vrt(band(source('../rgb.tif')))));
    const absolute = await openScene(write('inside/absolute.vrt', vrt(band(source(join(work, 'rgb.tif')).replace('"1"', '"0"')))));
    expect(near.profile.notes.join()).not.toMatch(/outside/);
    for (const scene of [far, absolute]) expect(scene.profile.notes.join()).toMatch(/reads a file outside its folder: .*rgb\.tif/);
    await Promise.all([near.close(), far.close(), absolute.close()]);
  });
});
