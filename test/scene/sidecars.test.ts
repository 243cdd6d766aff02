import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError, InvalidOptionError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { parsePam } from '../../src/scene/pam.js';
import { root, scratch } from '../places.js';
import { readAll } from './read.js';

const folder = join(root, 'fixtures', 'scene', 'formats');
const work = scratch();
let count = 0;

/** A copy of a fixture in a folder of its own, with some of the files beside it. */
function copyOf(name: string, beside: readonly string[] = []): string {
  const place = join(work, String(count++));
  mkdirSync(place);
  for (const file of [name, ...beside]) copyFileSync(join(folder, file), join(place, file));
  return join(place, name);
}

async function profileOf(path: string): Promise<Awaited<ReturnType<typeof openScene>>['profile']> {
  const scene = await openScene(path);
  await scene.close();
  return scene.profile;
}

describe('the fingerprint of a scene', () => {
  it('changes with what is taken from beside it, not with statistics, which programs write that only look', async () => {
    const path = copyOf('described.tif');
    const plain = (await profileOf(path)).fingerprint;
    const prints = [plain];
    const aux = (band: string): void => writeFileSync(`${path}.aux.xml`, `<PAMDataset><PAMRasterBand band="1">${band}</PAMRasterBand></PAMDataset>`);
    aux('<Metadata><MDI key="STATISTICS_MEAN">5</MDI></Metadata>');
    expect((await profileOf(path)).statistics?.[0]?.mean).toBe(5);
    expect((await profileOf(path)).fingerprint).toBe(plain);
    for (const band of ['<NoDataValue>3</NoDataValue>', '<NoDataValue>4</NoDataValue>', '<Description>else</Description>']) {
      aux(band);
      prints.push((await profileOf(path)).fingerprint);
    }
    writeFileSync(path.replace(/tif$/, 'prj'), 'not read, because the file has a place');
    expect((await profileOf(path)).fingerprint).toBe(prints.at(-1));
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('changes with a mask beside it, and not with reduced copies', async () => {
    const path = copyOf('mask_beside.tif');
    const before = (await profileOf(path)).fingerprint;
    copyFileSync(join(folder, 'mask_beside.tif.msk'), `${path}.msk`);
    const masked = (await profileOf(path)).fingerprint;
    expect(masked).not.toBe(before);
    const bytes = readFileSync(`${path}.msk`);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(`${path}.msk`, bytes);
    expect((await profileOf(path)).fingerprint).not.toBe(masked);
    const large = copyOf('large_ovr.tif');
    const without = (await profileOf(large)).fingerprint;
    copyFileSync(join(folder, 'large_ovr.tif.ovr'), `${large}.ovr`);
    expect((await profileOf(large)).overviews).toHaveLength(2);
    expect((await profileOf(large)).fingerprint).toBe(without);
  });

  it('tells the pictures of one file apart', async () => {
    const prints = await Promise.all([0, 1, 2].map(async (page) => {
      const scene = await openScene(join(folder, 'pages.tif'), { page });
      await scene.close();
      return scene.profile.fingerprint;
    }));
    expect(new Set(prints).size).toBe(3);
  });
});

describe('files beside a scene', () => {
  it('that cannot be read are named, and left', async () => {
    const path = copyOf('mask_beside.tif');
    writeFileSync(`${path}.msk`, 'no mask');
    writeFileSync(`${path}.ovr`, readFileSync(join(folder, 'large_ovr.tif.ovr')).subarray(0, 20));
    writeFileSync(`${path}.aux.xml`, '<html>');
    const { notes, maskSource, overviews } = await profileOf(path);
    expect(notes.join('\n')).toMatch(/\.aux\.xml beside it is no metadata.*\n.*\.msk beside it cannot be read.*\n.*\.ovr beside it cannot be read/s);
    expect([maskSource, overviews]).toEqual(['none', []]);
  });

  it('with a mask of another size are not used', async () => {
    const path = copyOf('large.tif');
    copyFileSync(join(folder, 'mask_beside.tif.msk'), `${path}.msk`);
    const profile = await profileOf(path);
    expect(profile.maskSource).toBe('none');
    expect(profile.notes.join()).toContain('29 × 23 pixels');
  });

  it('say where each thing came from', async () => {
    const { notes, sidecars } = await profileOf(join(folder, 'aux_all.tif'));
    expect(notes).toEqual(['the transform comes from aux_all.tif.aux.xml beside it', 'the coordinate system comes from aux_all.tif.aux.xml beside it']);
    expect(sidecars).toEqual(['aux_all.tif.aux.xml']);
  });

  it('of GDAL may hold a palette, an alpha band, exact nodata and a WKT of ArcGIS', () => {
    const pam = parsePam(`<PAMDataset><Metadata domain="xml:ESRI" format="xml"><GeodataXform><SpatialReference><WKT>GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]</WKT></SpatialReference></GeodataXform></Metadata>
      <PAMRasterBand band="1"><NoDataValue le_hex_equiv="000000000000F0BF">whatever</NoDataValue><ColorTable><Entry c1="1" c2="2" c3="3" c4="4"/></ColorTable></PAMRasterBand>
      <PAMRasterBand band="2"><ColorInterp>Alpha</ColorInterp></PAMRasterBand></PAMDataset>`)!;
    expect(pam.crs?.epsg).toBe(4326);
    expect(pam.bands.get(0)).toEqual({ nodata: -1, palette: [[1, 2, 3, 4]] });
    expect(pam.bands.get(1)?.isAlpha).toBe(true);
  });

  it('cannot make the reader expand entities or follow files', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, i) => `<!ENTITY ${'bcdefghij'[i]} "${`&${'abcdefghi'[i]};`.repeat(10)}">`).join('')}<!ENTITY file SYSTEM "file:///etc/hostname">]>
      <PAMDataset><PAMRasterBand band="1"><Description>&j;&file;</Description></PAMRasterBand></PAMDataset>`;
    const start = performance.now();
    const pam = parsePam(bomb);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(pam?.bands.get(0)?.name?.length ?? 0).toBeLessThan(2000);
  });
});

describe('what cannot be read exactly', () => {
  it('is refused: integers of 64 bits that are no doubles', async () => {
    const scene = await openScene(join(folder, 'int64_too_large.tif'));
    expect(scene.profile.notes.join()).toContain('64 bits');
    await expect(readAll(scene)).rejects.toThrow(/block 0 .* the integer 9007199254740993/);
    await expect(readAll(scene)).rejects.toThrow(InvalidFileError);
    await scene.close();
  });

  it('is refused: pages that are not there', async () => {
    await expect(openScene(join(folder, 'pages.tif'), { page: 3 })).rejects.toThrow(InvalidOptionError);
    await expect(openScene(join(folder, 'place.png'), { page: 1 })).rejects.toThrow(InvalidOptionError);
  });
});
