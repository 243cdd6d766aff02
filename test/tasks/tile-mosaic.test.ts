import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCog, writeTiff, type TiffOptions } from '../../src/cog/index.js';
import { Interrupted, InvalidFileError, InvalidOptionError, OutputError } from '../../src/errors.js';
import { allocate, type Raster, type Scene } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { mosaic } from '../../src/tasks/mosaic.js';
import { tile } from '../../src/tasks/tile.js';
import type { TileFormat } from '../../src/tiles/index.js';
import { classIds, DATA_TYPES, samplesOf } from '../cog/rows.js';
import { checkCogLayout, structureOf } from '../cog/structure.js';
import { root, scratch } from '../places.js';
import { runCommand } from './killed-command.js';

const folder = scratch();
let made = 0;

const PLACE: TiffOptions = {
  transform: [330000.25, 0.3, 0, 2785000.75, 0, -0.3], crs: { name: 'WGS 84 / UTM zone 40N', kind: 'projected', epsg: 32640 },
};

async function writeScene(raster: Omit<Raster, 'layout'>, options: TiffOptions = PLACE): Promise<string> {
  const path = join(folder, `scene-${made++}.tif`);
  await writeTiff(path, { ...raster, layout: 'pixel' }, options);
  return path;
}

/** Profile and pixels of a file. */
async function readWhole(path: string): Promise<{ readonly profile: Scene['profile']; readonly raster: Raster }> {
  const scene = await openScene(path);
  try {
    return { profile: scene.profile, raster: await scene.read({ x: 0, y: 0, width: scene.profile.width, height: scene.profile.height }) };
  } finally {
    await scene.close();
  }
}

function fresh(name: string): string {
  return join(folder, `${name}-${made++}`);
}

async function expectEqual(mosaicPath: string, scenePath: string): Promise<void> {
  const [a, b] = await Promise.all([readWhole(mosaicPath), readWhole(scenePath)]);
  expect([a.profile.width, a.profile.height, a.profile.bands, a.profile.dtype]).toEqual([b.profile.width, b.profile.height, b.profile.bands, b.profile.dtype]);
  expect(a.profile.transform).toEqual(b.profile.transform);
  expect(a.profile.crs?.epsg).toEqual(b.profile.crs?.epsg);
  expect(a.profile.nodata).toEqual(b.profile.nodata);
  expect(Buffer.from(a.raster.data.buffer).equals(Buffer.from(b.raster.data.buffer))).toBe(true);
}

const anyGrid = fc.record({ patchSize: fc.integer({ min: 1, max: 60 }), part: fc.double({ min: 0, max: 0.99, noNaN: true }) })
  .map(({ patchSize, part }) => ({ patchSize, overlap: Math.floor(patchSize * part) }));

describe('tile, then mosaic', () => {
  it('gives back the scene, whatever its size, bands and type, the patch and the overlap', async () => {
    await fc.assert(fc.asyncProperty(
      fc.record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 70 }), bands: fc.constantFrom(1, 3, 4, 6), dtype: fc.constantFrom(...DATA_TYPES) }),
      anyGrid, fc.boolean(), fc.constantFrom<TileFormat>('tif', 'npy'),
      async (shape, { patchSize, overlap }, byNames, format) => {
        // Grids of single pixels with much overlap have thousands of tiles.
        fc.pre(((shape.width / (patchSize - overlap)) + 1) * ((shape.height / (patchSize - overlap)) + 1) < 150);
        const scene = await writeScene({ ...shape, data: samplesOf(shape.dtype, shape.width * shape.height * shape.bands) }, { ...PLACE, nodata: 7 });
        const tiles = fresh('tiles');
        const cut = await tile({ scene, folder: tiles, patchSize, overlap, format });
        expect(readdirSync(tiles)).toHaveLength(format === 'npy' ? 3 * cut.tiles + 1 : cut.tiles + 1);
        if (byNames && format === 'tif') rmSync(join(tiles, 'tiles.json'));
        const output = fresh('mosaic.tif');
        const joined = await mosaic({ folder: tiles, output });
        expect(joined).toMatchObject({ missing: [], lossless: true, from: byNames && format === 'tif' ? 'names' : 'tiles.json' });
        await expectEqual(output, scene);
      },
    ), { numRuns: 25 });
  });

  it.each([[1, 'uint8'], [2, 'uint8'], [3, 'uint8'], [4, 'uint8'], [1, 'uint16'], [3, 'uint16']] as const)('is exact through PNG with %i bands of %s', async (bands, dtype) => {
    const scene = await writeScene({ width: 130, height: 97, bands, data: samplesOf(dtype, 130 * 97 * bands) }, bands % 2 === 0 ? { ...PLACE, alphaBand: bands - 1 } : PLACE);
    for (const byNames of [false, true]) {
      const tiles = fresh('png');
      await tile({ scene, folder: tiles, patchSize: 50, overlap: 9, format: 'png' });
      if (byNames) rmSync(join(tiles, 'tiles.json'));
      const output = fresh('mosaic.tif');
      await mosaic({ folder: tiles, output });
      const [a, b] = [await readWhole(output), await readWhole(scene)];
      expect(Buffer.from(a.raster.data.buffer).equals(Buffer.from(b.raster.data.buffer))).toBe(true);
      a.profile.transform!.forEach((value, i) => expect(value).toBeCloseTo(b.profile.transform![i]!, 6));
    }
  });

  it('keeps palette, class names, band names and nodata', async () => {
    const scene = await writeScene({ width: 700, height: 600, bands: 1, data: classIds(700, 600, 3) }, {
      ...PLACE, nodata: 255, palette: [[1, 2, 3, 255], [4, 5, 6, 255], [7, 8, 9, 255]], classNames: ['Sand', 'Water & ice', 'Road'], bandNames: ['class'],
    });
    for (const byNames of [false, true]) {
      const tiles = fresh('classes');
      await tile({ scene, folder: tiles, patchSize: 256, overlap: 32 });
      if (byNames) rmSync(join(tiles, 'tiles.json'));
      const output = fresh('mosaic.tif');
      const result = await mosaic({ folder: tiles, output });
      await expectEqual(output, scene);
      const { profile } = await readWhole(output);
      expect(profile.palette?.slice(0, 3)).toEqual([[1, 2, 3, 255], [4, 5, 6, 255], [7, 8, 9, 255]]);
      expect(profile.classNames).toEqual(['Sand', 'Water & ice', 'Road']);
      expect(profile.bandNames).toEqual(['class']);
      expect(readFileSync(`${output}.aux.xml`, 'utf8')).toContain('<Category>Water &amp; ice</Category>');
      // Class ids are never averaged.
      const overview = structureOf(output);
      checkCogLayout(overview);
      expect(overview.directories).toHaveLength(2);
      expect(result.overviews).toBe(1);
    }
  });

  it('keeps scale, offset, units and metadata', async () => {
    const scene = join(root, 'fixtures/convert/described.tif');
    const before = await readWhole(scene);
    for (const byNames of [false, true]) {
      const tiles = fresh('described');
      expect(await tile({ scene, folder: tiles, patchSize: 32, overlap: 4 })).toMatchObject({ lossless: true, warnings: [] });
      if (byNames) rmSync(join(tiles, 'tiles.json'));
      const output = fresh('mosaic.tif');
      await mosaic({ folder: tiles, output });
      const { profile } = await readWhole(output);
      expect(before.profile.scaling).toBeDefined();
      for (const key of ['scaling', 'units', 'nodata', 'bandNames'] as const) expect(profile[key]).toEqual(before.profile[key]);
      if (!byNames) expect(profile.metadata).toEqual(before.profile.metadata);
    }
  });

  it('says what does not come back, and is not lossless then', async () => {
    const data = samplesOf('uint8', 40 * 30 * 3);
    const single = await writeScene({ width: 40, height: 30, bands: 3, data });
    const vrt = fresh('nodata.vrt');
    const band = (number: number, value: number): string => `<VRTRasterBand dataType="Byte" band="${number}"><NoDataValue>${value}</NoDataValue><SimpleSource><SourceFilename relativeToVRT="0">${single}</SourceFilename><SourceBand>${number}</SourceBand></SimpleSource></VRTRasterBand>`;
    const gcps = '<GCPList Projection="EPSG:4326"><GCP Id="1" Pixel="0" Line="0" X="55" Y="25"/><GCP Id="2" Pixel="40" Line="0" X="56" Y="25"/><GCP Id="3" Pixel="0" Line="30" X="55" Y="24"/></GCPList>';
    writeFileSync(vrt, `<VRTDataset rasterXSize="40" rasterYSize="30">${gcps}${band(1, 0)}${band(2, 255)}${band(3, 7)}</VRTDataset>`);
    const tiles = fresh('lost');
    const words = 'the tiles do not carry nodata values that differ from band to band (0, 255, 7); the scene\'s 3 ground control points';
    expect(await tile({ scene: vrt, folder: tiles, patchSize: 16, overlap: 4 })).toMatchObject({ lossless: false, warnings: expect.arrayContaining([words]) as string[] });
    const output = fresh('mosaic.tif');
    expect(await mosaic({ folder: tiles, output })).toMatchObject({ lossless: false, warnings: expect.arrayContaining([words]) as string[] });
    const { profile, raster } = await readWhole(output);
    expect([profile.nodata, profile.bandNodata, raster.data]).toEqual([undefined, undefined, data]);
    // One band, and bands that agree, have one value.
    const second = fresh('second');
    await tile({ scene: vrt, folder: second, bands: [1], patchSize: 16, overlap: 4 });
    expect((JSON.parse(readFileSync(join(second, 'tiles.json'), 'utf8')) as { scene: { nodata: number } }).scene.nodata).toBe(255);

    const masked = fresh('masked');
    expect(await tile({ scene: join(root, 'fixtures/convert/masked.tif'), folder: masked, patchSize: 32, overlap: 4 }))
      .toMatchObject({ lossless: false, warnings: ['the tiles do not carry the scene\'s mask'] });
  });

  it('is close through JPEG, and says that it is not equal', async () => {
    const data = new Uint8Array(300 * 200 * 3).map((_, i) => (i % 900) / 5);
    const scene = await writeScene({ width: 300, height: 200, bands: 3, data });
    const tiles = fresh('jpg');
    await tile({ scene, folder: tiles, patchSize: 128, overlap: 16, format: 'jpg', quality: 95 });
    const output = fresh('mosaic.tif');
    const result = await mosaic({ folder: tiles, output });
    expect(result.lossless).toBe(false);
    expect(result.warnings.join()).toContain('JPEG');
    const { raster } = await readWhole(output);
    expect(Array.from(raster.data).reduce((sum, value, i) => sum + Math.abs(value - data[i]!), 0) / data.length).toBeLessThan(4);
  });

  it('takes chosen bands in their order', async () => {
    const scene = await writeScene({ width: 40, height: 30, bands: 4, data: samplesOf('uint16', 4800) }, { ...PLACE, bandNames: ['blue', 'green', 'red', 'nir'] });
    const tiles = fresh('bands');
    await tile({ scene, folder: tiles, patchSize: 32, overlap: 8, bands: [2, 1, 0] });
    const output = fresh('mosaic.tif');
    await mosaic({ folder: tiles, output });
    const [a, b] = [await readWhole(output), await readWhole(scene)];
    expect(a.profile.bandNames).toEqual(['red', 'green', 'blue']);
    for (let i = 0; i < 1200; i++) for (let band = 0; band < 3; band++) expect(a.raster.data[i * 3 + band]).toBe(b.raster.data[i * 4 + 2 - band]);
  });

  it('cuts scenes smaller than a patch to one tile of their size', async () => {
    const scene = await writeScene({ width: 5, height: 3, bands: 1, data: samplesOf('uint8', 15) });
    const tiles = fresh('small');
    expect(await tile({ scene, folder: tiles })).toMatchObject({ tiles: 1, tileWidth: 5, tileHeight: 3 });
    const output = fresh('mosaic.tif');
    await mosaic({ folder: tiles, output });
    await expectEqual(output, scene);
  });
});

describe('tile', () => {
  it('georeferences every tile, in the file or beside it', async () => {
    const scene = await writeScene({ width: 100, height: 80, bands: 1, data: samplesOf('uint8', 8000) });
    const tif = fresh('place');
    await tile({ scene, folder: tif, patchSize: 64, overlap: 16 });
    const { profile } = await readWhole(join(tif, 'r0001_c0001_y0016_x0036.tif'));
    expect(profile.transform).toEqual([330000.25 + 36 * 0.3, 0.3, 0, 2785000.75 - 16 * 0.3, 0, -0.3]);
    expect(profile.crs?.epsg).toBe(32640);
    const png = fresh('place');
    await tile({ scene, folder: png, patchSize: 64, overlap: 16, format: 'png' });
    expect(readFileSync(join(png, 'r0001_c0001_y0016_x0036.pgw'), 'utf8').trim().split('\n').map(Number))
      .toEqual([0.3, 0, 0, -0.3, 330000.25 + 36.5 * 0.3, 2785000.75 - 16.5 * 0.3].map((value) => expect.closeTo(value, 6) as number));
    expect(readFileSync(join(png, 'r0001_c0001_y0016_x0036.prj'), 'utf8')).toContain('AUTHORITY["EPSG","32640"]');
  });

  it('plans without writing', async () => {
    const scene = await writeScene({ width: 100, height: 80, bands: 1, data: samplesOf('uint8', 8000) });
    const tiles = fresh('dry');
    const plan = await tile({ scene, folder: tiles, patchSize: 64, overlap: 16, dryRun: true });
    expect(plan).toMatchObject({ dryRun: true, tiles: 4, rawBytes: 4 * 64 * 64, written: 0 });
    expect(plan.memory.peakBytes).toBeGreaterThan(50e6);
    expect(existsSync(tiles)).toBe(false);
  });

  it('skips what is there and whole, makes again what is missing, and refuses to replace what was changed', async () => {
    const scene = await writeScene({ width: 200, height: 150, bands: 3, data: samplesOf('uint8', 90_000) });
    const tiles = fresh('again');
    expect(await tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).toMatchObject({ tiles: 12, written: 12, kept: 0 });
    expect(await tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).toMatchObject({ written: 0, kept: 12 });
    const names = readdirSync(tiles).filter((name) => name.endsWith('.tif'));
    const before = names.map((name) => readFileSync(join(tiles, name)));
    const edited = Buffer.from(before[3]!).fill(1, before[3]!.length - 20);
    writeFileSync(join(tiles, names[3]!), edited);
    truncateSync(join(tiles, names[5]!), 100);
    rmSync(join(tiles, names[7]!));
    await expect(tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).rejects.toMatchObject({
      exitCode: 2, message: expect.stringContaining(`${names[3]!} and 1 more are not as written`) as string,
    });
    expect(readFileSync(join(tiles, names[3]!)).equals(edited)).toBe(true);
    expect([statSync(join(tiles, names[5]!)).size, existsSync(join(tiles, names[7]!))]).toEqual([100, false]);
    for (const i of [3, 5]) rmSync(join(tiles, names[i]!));
    expect(await tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).toMatchObject({ written: 3, kept: 9 });
    writeFileSync(join(tiles, names[3]!), edited);
    expect(await tile({ scene, folder: tiles, patchSize: 64, overlap: 16, overwrite: true })).toMatchObject({ written: 12 });
    names.forEach((name, i) => expect(readFileSync(join(tiles, name)).equals(before[i]!)).toBe(true));
  });

  it('refuses tiles of another run, and replaces them when told to', async () => {
    const scene = await writeScene({ width: 200, height: 150, bands: 3, data: samplesOf('uint8', 90_000) });
    const other = await writeScene({ width: 200, height: 150, bands: 3, data: samplesOf('uint8', 90_000, 2) });
    const tiles = fresh('other');
    await tile({ scene, folder: tiles, patchSize: 64, overlap: 16 });
    await expect(tile({ scene, folder: tiles, patchSize: 50, overlap: 16 })).rejects.toThrow(/patch size \[64,64\], now \[50,50\]/);
    await expect(tile({ scene: other, folder: tiles, patchSize: 64, overlap: 16 })).rejects.toThrow('another scene');
    await expect(tile({ scene, folder: tiles, patchSize: 64, overlap: 16, format: 'png' })).rejects.toThrow(InvalidOptionError);
    writeFileSync(join(tiles, 'notes.txt'), 'mine');
    const replaced = await tile({ scene: other, folder: tiles, patchSize: 100, overlap: 0, overwrite: true });
    expect(readdirSync(tiles).sort()).toHaveLength(replaced.tiles + 2);
    expect(readFileSync(join(tiles, 'notes.txt'), 'utf8')).toBe('mine');
    rmSync(join(tiles, 'tiles.json'));
    await expect(tile({ scene, folder: tiles })).rejects.toThrow(`holds ${replaced.tiles} tiles of an unknown run`);
  });

  it('refuses a folder with other things in it, and takes away what a kill after the last name leaves', async () => {
    const scene = await writeScene({ width: 90, height: 70, bands: 1, data: samplesOf('uint8', 6300) });
    const tiles = fresh('shared');
    mkdirSync(tiles);
    writeFileSync(join(tiles, 'notes.txt'), 'mine');
    await expect(tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).rejects.toThrow('holds other files, such as notes.txt');
    expect(readdirSync(tiles)).toEqual(['notes.txt']);
    const done = await tile({ scene, folder: tiles, patchSize: 64, overlap: 16, overwrite: true });
    mkdirSync(join(tiles, 'tiles.partial'));
    writeFileSync(join(tiles, 'tiles.partial', 'journal.jsonl'), '');
    expect(await tile({ scene, folder: tiles, patchSize: 64, overlap: 16 })).toMatchObject({ tiles: done.tiles, written: 0 });
    expect(readdirSync(tiles)).not.toContain('tiles.partial');
  });

  it('refuses wrong options with the name of the option', async () => {
    const scene = await writeScene({ width: 20, height: 20, bands: 4, data: samplesOf('uint16', 1600) });
    const tiles = fresh('wrong');
    const cases: readonly [Parameters<typeof tile>[0], string][] = [
      [{ scene, folder: tiles, patchSize: 64, overlap: 64 }, '--overlap: expected less than the patch size 64, got 64'],
      [{ scene, folder: tiles, patchSize: 0 }, '--patch-size'],
      [{ scene, folder: tiles, bands: [4] }, '--bands: the scene has bands 1 to 4, got 5'],
      [{ scene, folder: tiles, format: 'jpg' }, 'jpg holds uint8, the scene has uint16'],
      [{ scene, folder: tiles, format: 'jpg', quality: 0 }, '--quality'],
    ];
    for (const [options, message] of cases) await expect(tile(options)).rejects.toThrow(message);
    expect(existsSync(tiles)).toBe(false);
    await expect(tile({ scene: join(folder, 'absent.tif'), folder: tiles })).rejects.toThrow(InvalidFileError);
    writeFileSync(join(folder, 'file'), '');
    await expect(tile({ scene, folder: join(folder, 'file') })).rejects.toThrow(OutputError);
  });

  it.skipIf(process.getuid?.() === 0)('refuses a folder that cannot be written', async () => {
    const scene = await writeScene({ width: 20, height: 20, bands: 1, data: samplesOf('uint8', 400) });
    const tiles = fresh('locked');
    mkdirSync(tiles);
    chmodSync(tiles, 0o500);
    await expect(tile({ scene, folder: tiles })).rejects.toThrow('the output folder is not writable');
  });

  it('leaves no folder behind where the scene cannot be read to its end', async () => {
    const picture = join(folder, 'cut-off.png');
    const whole = readFileSync(join(root, 'fixtures/scene/rgb.png'));
    writeFileSync(picture, whole.subarray(0, Math.floor(whole.length / 2)));
    const tiles = fresh('cut-off');
    await expect(tile({ scene: picture, folder: tiles, patchSize: 16, overlap: 0 })).rejects.toThrow(InvalidFileError);
    expect(existsSync(tiles)).toBe(false);
  });

  it('leaves a list of tiles that appears while it works', async () => {
    const scene = await writeScene({ width: 100, height: 300, bands: 1, data: samplesOf('uint8', 30_000) });
    const tiles = fresh('appears');
    const list = join(tiles, 'tiles.json');
    await expect(tile({ scene, folder: tiles, patchSize: 96 }, { onProgress: () => writeFileSync(list, '{"theirs": 1}') })).rejects.toThrow('exists, and did not when the run began');
    expect(readFileSync(list, 'utf8')).toBe('{"theirs": 1}');
    rmSync(list);
    expect(await tile({ scene, folder: tiles, patchSize: 96 })).toMatchObject({ written: 0 });
    expect(existsSync(list)).toBe(true);
  });

  it('goes on after an interruption with the same files', async () => {
    const scene = await writeScene({ width: 400, height: 3000, bands: 3, data: samplesOf('uint8', 3_600_000) });
    const whole = fresh('whole');
    await tile({ scene, folder: whole, patchSize: 96, overlap: 16 });
    const stopped = fresh('stopped');
    const controller = new AbortController();
    const run = tile({ scene, folder: stopped, patchSize: 96, overlap: 16 }, {
      signal: controller.signal, onProgress: ({ done }) => { if (done === 3) controller.abort(); },
    });
    await expect(run).rejects.toThrow(Interrupted);
    expect(existsSync(join(stopped, 'tiles.json'))).toBe(false);
    const result = await tile({ scene, folder: stopped, patchSize: 96, overlap: 16 });
    expect(result.kept).toBeGreaterThanOrEqual(15);
    expect(result.written).toBeGreaterThan(0);
    expect(readdirSync(stopped).sort()).toEqual(readdirSync(whole).sort());
    for (const name of readdirSync(whole)) expect(readFileSync(join(stopped, name)).equals(readFileSync(join(whole, name)))).toBe(true);
  });
});

describe('mosaic', () => {
  async function tiled(options: Partial<Parameters<typeof tile>[0]> = {}, nodata?: number): Promise<{ scene: string; tiles: string }> {
    const scene = await writeScene({ width: 300, height: 260, bands: 2, data: samplesOf('int16', 156_000) }, { ...PLACE, nodata });
    const tiles = fresh('tiles');
    await tile({ scene, folder: tiles, patchSize: 64, overlap: 16, ...options });
    return { scene, tiles };
  }

  it.each([[undefined, 0], [-9999, -9999]] as const)('fills missing tiles (nodata %s) where no neighbour has the pixels, and names them', async (nodata, fill) => {
    const { scene, tiles } = await tiled({}, nodata);
    const gone = ['r0000_c0000_y0000_x0000.tif', 'r0002_c0003_y0096_x0144.tif', 'r0002_c0004_y0096_x0192.tif', 'r0003_c0003_y0144_x0144.tif'];
    for (const name of gone) rmSync(join(tiles, name));
    const { data } = (await readWhole(scene)).raster;
    // A pixel is known if any tile that is left covers it.
    const known = new Uint8Array(300 * 260);
    for (const name of readdirSync(tiles)) {
      const match = /_y(\d+)_x(\d+)\.tif$/.exec(name);
      if (match === null) continue;
      for (let y = Number(match[1]); y < Number(match[1]) + 64; y++) known.fill(1, y * 300 + Number(match[2]), y * 300 + Number(match[2]) + 64);
    }
    const expected = Array.from(data, (value, i) => (known[i >> 1] === 1 ? value : fill));
    for (const byNames of [false, true]) {
      if (byNames) rmSync(join(tiles, 'tiles.json'));
      const output = fresh('mosaic.tif');
      const result = await mosaic({ folder: tiles, output });
      expect([...result.missing].sort()).toEqual(gone);
      expect(result).toMatchObject({ fill, lossless: false });
      expect(result.warnings.join()).toContain('4 tiles are missing');
      expect(Array.from((await readWhole(output)).raster.data)).toEqual(expected);
    }
  });

  it('knows of whole rows and columns that are missing', async () => {
    const { scene, tiles } = await tiled({ overlap: 0 }, 7);
    for (const name of readdirSync(tiles)) if (/^r0001|_c0002/.test(name)) rmSync(join(tiles, name));
    const expected = (await readWhole(scene)).raster;
    for (const byNames of [false, true]) {
      if (byNames) rmSync(join(tiles, 'tiles.json'));
      const output = fresh('mosaic.tif');
      const result = await mosaic({ folder: tiles, output });
      expect(result.missing.length).toBe(byNames ? 2 : 9);
      const { data } = (await readWhole(output)).raster;
      for (let y = 0; y < 260; y += 7) {
        for (let x = 0; x < 300; x += 7) {
          const hole = (y >= 64 && y < 128) || (x >= 128 && x < 192);
          expect(data[(y * 300 + x) * 2]).toBe(hole ? 7 : expected.data[(y * 300 + x) * 2]);
        }
      }
    }
  });

  it('refuses a list whose transform has pixels without extent', async () => {
    const { tiles } = await tiled();
    const list = join(tiles, 'tiles.json');
    const json = JSON.parse(readFileSync(list, 'utf8')) as { scene: { transform: number[] } };
    json.scene.transform[1] = 0;
    writeFileSync(list, JSON.stringify(json));
    await expect(mosaic({ folder: tiles, output: fresh('flat.tif') })).rejects.toThrow(/tiles\.json: the scene's transform is not what it should be/);
  });

  it('refuses tiles of another grid, size, type or band count by name', async () => {
    const { tiles } = await tiled();
    const name = 'r0001_c0001_y0048_x0048.tif';
    const path = join(tiles, name);
    const good = readFileSync(path);
    const place = (await readWhole(path)).profile;
    const write = async (raster: { readonly width?: number; readonly bands?: number; readonly dtype?: 'int16' | 'uint8' }, options: TiffOptions = {}): Promise<void> => {
      const { width = 64, bands = 2, dtype = 'int16' } = raster;
      rmSync(path, { force: true });
      await writeTiff(path, { data: allocate(dtype, width * 64 * bands), width, height: 64, bands, layout: 'pixel' }, { transform: place.transform, crs: place.crs, ...options });
    };
    const cases: readonly [() => Promise<void>, string][] = [
      [() => write({ width: 60 }), 'expected 64 × 64 pixels as the grid says, found 60 × 64'],
      [() => write({ bands: 3 }), 'expected 2 bands, found 3'],
      [() => write({ dtype: 'uint8' }), 'expected samples of int16, found uint8'],
      [() => write({}, { transform: [330000.25, 0.3, 0, 2785000.75, 0, -0.3] }), 'it belongs to another grid'],
      [() => { writeFileSync(path, good.subarray(0, 300)); return Promise.resolve(); }, name],
    ];
    for (const [spoil, message] of cases) {
      await spoil();
      const output = fresh('refused.tif');
      await expect(mosaic({ folder: tiles, output })).rejects.toThrow(message);
      await expect(mosaic({ folder: tiles, output })).rejects.toThrow(name);
      expect(existsSync(output)).toBe(false);
    }
    writeFileSync(path, good);
    renameSync(path, join(tiles, 'r0001_c0001_y0048_x0050.tif'));
    rmSync(join(tiles, 'tiles.json'));
    await expect(mosaic({ folder: tiles, output: fresh('m.tif') })).rejects.toThrow(/r000\d_c0001_y\d+_x\d+\.tif: it belongs to another grid: column 1 is at x/);
  });

  it('refuses folders without tiles, and outputs that exist', async () => {
    const empty = fresh('empty');
    mkdirSync(empty);
    await expect(mosaic({ folder: empty, output: fresh('m.tif') })).rejects.toThrow('expected tiles.json or tiles named like');
    await expect(mosaic({ folder: join(folder, 'nowhere'), output: fresh('m.tif') })).rejects.toThrow('there is no such folder');
    const { tiles } = await tiled();
    const output = fresh('exists.tif');
    writeFileSync(output, 'old');
    await expect(mosaic({ folder: tiles, output })).rejects.toThrow('exists');
    const tileFile = join(tiles, readdirSync(tiles).find((name) => /^r0+_c0+_/.test(name))!);
    await expect(mosaic({ folder: tiles, output: tileFile, overwrite: true })).rejects.toThrow('is one of the tiles');
    await expect(mosaic({ folder: tiles, output: join(tiles, 'tiles.json'), overwrite: true })).rejects.toThrow('is the list of the tiles');
    expect(readFileSync(output, 'utf8')).toBe('old');
    await mosaic({ folder: tiles, output, overwrite: true });
    checkCogLayout(structureOf(output));
    const dry = fresh('dry.tif');
    expect(await mosaic({ folder: tiles, output: dry, dryRun: true })).toMatchObject({ dryRun: true, width: 300, height: 260, rawBytes: 300 * 260 * 4 });
    expect(existsSync(dry)).toBe(false);
  });

  it('goes on after an interruption at any strip with the same bytes, also beside gaps', async () => {
    const { tiles } = await tiled({ overlap: 40 }, 7);
    rmSync(join(tiles, 'r0003_c0002_y0072_x0048.tif'));
    const whole = fresh('whole.tif');
    const { strips } = await mosaic({ folder: tiles, output: whole });
    const stopped = fresh('stopped.tif');
    let resumes = 0;
    for (;;) {
      const controller = new AbortController();
      let steps = 0;
      try {
        const result = await mosaic({ folder: tiles, output: stopped }, { signal: controller.signal, onProgress: () => { if (++steps === 2) controller.abort(); } });
        expect(result.resumedAt).toBeGreaterThan(0);
        break;
      } catch (error) {
        expect(error).toBeInstanceOf(Interrupted);
        expect(existsSync(stopped)).toBe(false);
        resumes++;
      }
    }
    expect(resumes).toBeGreaterThanOrEqual(Math.floor(strips / 2) - 1);
    expect(readFileSync(stopped).equals(readFileSync(whole))).toBe(true);
    expect(existsSync(`${stopped}.partial`)).toBe(false);
  });

  it('goes on where its file stands under its final name already, and leaves another file there', async () => {
    const { tiles } = await tiled();
    const whole = fresh('whole.tif');
    await mosaic({ folder: tiles, output: whole });
    const output = `${fresh('renamed')}.tif`;
    const command = ['mosaic', tiles, output];
    expect(await runCommand(folder, command, { call: 'rm', path: `${output}.partial`, when: 'before' })).toBe('killed');
    expect([existsSync(output), existsSync(`${output}.partial`)]).toEqual([true, true]);
    await mosaic({ folder: tiles, output });
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
    expect(existsSync(`${output}.partial`)).toBe(false);
    rmSync(output);
    await expect(mosaic({ folder: tiles, output }, { onProgress: () => writeFileSync(output, 'theirs') })).rejects.toThrow('exists, and did not when the run began');
    await expect(mosaic({ folder: tiles, output })).rejects.toThrow(`${output} exists`);
    expect(readFileSync(output, 'utf8')).toBe('theirs');
    rmSync(output);
    await mosaic({ folder: tiles, output });
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
  });

  it('starts anew where tiles have changed since it was stopped', async () => {
    const { tiles } = await tiled();
    const output = fresh('changed.tif');
    const controller = new AbortController();
    await expect(mosaic({ folder: tiles, output }, { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toThrow(Interrupted);
    const one = join(tiles, 'r0000_c0000_y0000_x0000.tif');
    cpSync(one, `${one}.copy`);
    renameSync(`${one}.copy`, one);
    await expect(mosaic({ folder: tiles, output })).rejects.toThrow('holds an unfinished run with another tiles');
    await mosaic({ folder: tiles, output, overwrite: true });
    checkCogLayout(structureOf(output));
  });
});

describe('the commands', () => {
  const cli = join(root, 'dist/cli/main.js');

  function run(...args: string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [cli, ...args]);
      let [out, err] = ['', ''];
      child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
      child.stderr.on('data', (data: Buffer) => { err += data.toString(); });
      child.on('close', (code) => resolve({ code, out, err }));
    });
  }

  it('print a result, and end with the right code and one line when something is wrong', async () => {
    const scene = await writeScene({ width: 200, height: 150, bands: 3, data: samplesOf('uint8', 90_000) });
    const tiles = fresh('cli');
    const cut = await run('tile', scene, tiles, '--patch-size', '64', '--overlap', '16', '--json');
    expect(cut.code).toBe(0);
    expect(JSON.parse(cut.out)).toMatchObject({ tiles: 12, written: 12 });
    const output = fresh('cli.tif');
    expect((await run('mosaic', tiles, output)).out).toContain('200 × 150 × 3 uint8');
    await expectEqual(output, scene);
    const wrong = await run('tile', scene, fresh('x'), '--patch-size', '64', '--overlap', '64');
    expect([wrong.code, wrong.err]).toEqual([2, 'tilewright: --overlap: expected less than the patch size 64, got 64\n']);
    expect((await run('tile', scene, fresh('x'), '--format', 'gif')).code).toBe(2);
    expect((await run('tile', join(folder, 'none.tif'), fresh('x'))).code).toBe(3);
    expect((await run('mosaic', tiles, output)).code).toBe(2);
    expect((await run('mosaic', folder, fresh('x.tif'))).code).toBe(3);
    expect((await run('mosaic', tiles, join(output, 'x.tif'))).code).toBe(4);
  });

  it('go on after kill -9', async () => {
    const path = join(folder, 'kill.tif');
    const rows = samplesOf('uint8', 3000 * 2600 * 3);
    const writer = await createCog({ width: 3000, height: 2600, bands: 3, dtype: 'uint8', scratch: join(folder, 'kill'), ...PLACE });
    await writer.write(rows, 2600);
    await writer.finish(path);
    await writer.abort();
    const tiles = fresh('killed');
    await killWhen(['tile', path, tiles], () => bytesIn(tiles) > 12e6);
    expect(existsSync(join(tiles, 'tiles.json'))).toBe(false);
    const cut = await run('tile', path, tiles, '--json');
    expect((JSON.parse(cut.out) as { kept: number }).kept).toBeGreaterThan(0);
    const whole = fresh('whole.tif');
    await mosaic({ folder: tiles, output: whole });
    await expectEqual(whole, path);
    const output = fresh('killed.tif');
    await killWhen(['mosaic', tiles, output], () => bytesIn(`${output}.partial`) > 14e6);
    expect(existsSync(output)).toBe(false);
    const joined = await run('mosaic', tiles, output, '--json');
    expect((JSON.parse(joined.out) as { resumedAt: number }).resumedAt).toBeGreaterThan(0);
    expect(statSync(output).size).toBe(statSync(whole).size);
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
  });

  /** Of the files in a folder, in it and in its folders. */
  function bytesIn(place: string): number {
    return existsSync(place) ? readdirSync(place, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => sum + (statSync(join(place, name), { throwIfNoEntry: false })?.size ?? 0), 0) : 0;
  }

  function killWhen(args: readonly string[], reached: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [cli, ...args], { stdio: 'ignore' });
      const watch = setInterval(() => { if (reached()) child.kill('SIGKILL'); }, 5);
      child.on('close', () => { clearInterval(watch); resolve(); });
    });
  }
});
