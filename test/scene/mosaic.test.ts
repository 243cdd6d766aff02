import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg, windowTransform } from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import { bytesOf } from '../../src/raster/index.js';
import type { TypedArray, Window } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { tile } from '../../src/tasks/tile.js';
import { scratch } from '../places.js';
import { readAll } from './read.js';

const work = scratch();
const TRANSFORM: Transform = [500000, 2, 0, 4600000, 0, -2];
const SIZE = { width: 610, height: 430 };
const BANDS = 3;

/** A scene without two pixels alike in their neighbourhood. */
const pixels = Uint8Array.from({ length: SIZE.width * SIZE.height * BANDS }, (_, i) => {
  const pixel = Math.floor(i / BANDS);
  return ((pixel % SIZE.width) * 31 + Math.floor(pixel / SIZE.width) * 57 + (i % BANDS) * 101) % 251 + 1;
});

function cut(window: Window): Uint8Array {
  const out = new Uint8Array(window.width * window.height * BANDS);
  for (let y = 0; y < window.height; y++) {
    const from = ((window.y + y) * SIZE.width + window.x) * BANDS;
    out.set(pixels.subarray(from, from + window.width * BANDS), y * window.width * BANDS);
  }
  return out;
}

/** Vitest takes seconds to compare a hundred thousand numbers. */
function same(a: TypedArray, b: TypedArray): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

interface Written { readonly nodata?: number; readonly epsg?: number; readonly transform?: Transform; readonly bands?: number; readonly scaling?: readonly { readonly scale: number; readonly offset: number }[]; readonly units?: readonly string[] }

async function write(path: string, data: TypedArray, window: Window, options: Written = {}): Promise<void> {
  const writer = await createCog({
    width: window.width, height: window.height, bands: options.bands ?? BANDS, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 64, overviews: 'none',
    crs: crsFromEpsg(options.epsg ?? 32633)!, transform: options.transform ?? windowTransform(TRANSFORM, window),
    ...(options.nodata === undefined ? {} : { nodata: options.nodata }),
    ...(options.scaling === undefined ? {} : { scaling: options.scaling }),
    ...(options.units === undefined ? {} : { units: options.units }),
  });
  await writer.write(data, window.height);
  await writer.finish(path);
  await writer.abort();
}

/** Cuts the scene along these lines into a folder, leaving out the pieces whose number is in `without`. */
async function writeGrid(name: string, columns: readonly number[], rows: readonly number[], without: readonly number[] = [], options: Written = {}): Promise<string> {
  const folder = join(work, name);
  mkdirSync(folder);
  let number = 0;
  for (let row = 0; row + 1 < rows.length; row++) {
    for (let column = 0; column + 1 < columns.length; column++, number++) {
      if (without.includes(number)) continue;
      const window = { x: columns[column]!, y: rows[row]!, width: columns[column + 1]! - columns[column]!, height: rows[row + 1]! - rows[row]! };
      await write(join(folder, `t${number}.tif`), cut(window), window, options);
    }
  }
  return folder;
}

let whole = '';
let grid = '';

beforeAll(async () => {
  whole = join(work, 'whole.tif');
  await write(whole, pixels, { x: 0, y: 0, ...SIZE });
  grid = await writeGrid('grid', [0, 100, 230, 400, 500, 610], [0, 90, 200, 300, 430]);
});

async function failure(source: string | readonly string[]): Promise<string> {
  const error: unknown = await openScene(source).then((scene) => scene.close(), (reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

describe('a folder of tiles of one grid', () => {
  it('is the scene that they were cut from', async () => {
    const scene = await openScene(grid);
    const { profile } = scene;
    expect([profile.width, profile.height, profile.bands, profile.dtype, profile.maskSource, profile.crs?.epsg]).toEqual([610, 430, 3, 'uint8', 'none', 32633]);
    expect(profile.transform).toEqual(TRANSFORM);
    expect(same((await readAll(scene)).data, pixels)).toBe(true);
    const window = { x: 90, y: 80, width: 330, height: 140 };
    expect(same((await scene.read(window)).data, cut(window))).toBe(true);
    await scene.close();
  });

  it('decodes every block once while patches of strips are read', async () => {
    const scene = await openScene(grid);
    const windows = [0, 100, 174].flatMap((y) => [0, 120, 240, 354].map((x) => ({ x, y, width: 256, height: 256 })));
    await Promise.all(windows.map(async (window) => expect(same((await scene.read(window)).data, cut(window))).toBe(true)));
    const blocks = [100, 130, 170, 100, 110].reduce((sum, width) => sum + Math.ceil(width / 64), 0) * [90, 110, 100, 130].reduce((sum, height) => sum + Math.ceil(height / 64), 0);
    expect(scene.decodedBlocks()).toBeLessThanOrEqual(blocks);
    await scene.close();
  });

  it('holds few files open, and no more blocks than it was told', async () => {
    const many = await writeGrid('many', Array.from({ length: 13 }, (_, i) => i * 50), Array.from({ length: 9 }, (_, i) => i * 50));
    const openFiles = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);
    const before = openFiles();
    const scene = await openScene(many, { cacheBytes: 100_000 });
    let most = 0;
    for (let y = 0; y + 20 <= 400; y += 20) {
      const window = { x: 0, y, width: 600, height: 20 };
      expect(same((await scene.read(window)).data, cut(window))).toBe(true);
      most = Math.max(most, openFiles());
      expect(scene.heldBytes()).toBeLessThanOrEqual(200_000);
    }
    expect(most - before).toBeLessThan(70);
    await scene.close();
    expect(openFiles()).toBeLessThanOrEqual(before + 2);
  });

  it('has nodata where no file is', async () => {
    const folder = await writeGrid('gaps', [0, 200, 400, 610], [0, 200, 430], [1, 3]);
    const scene = await openScene(folder);
    expect(scene.profile.maskSource).toBe('internal');
    expect(scene.profile.notes.join()).toMatch(/lies in no file/);
    const { data, mask } = await readAll(scene);
    for (let y = 0; y < SIZE.height; y += 7) {
      for (let x = 0; x < SIZE.width; x += 7) {
        const pixel = y * SIZE.width + x;
        const isGap = (y < 200 && x >= 200 && x < 400) || (y >= 200 && x < 200);
        expect([mask![pixel], data[pixel * BANDS]]).toEqual(isGap ? [0, 0] : [255, pixels[pixel * BANDS]]);
      }
    }
    await scene.close();
    const withValue = await openScene(await writeGrid('gaps_nodata', [0, 200, 400, 610], [0, 200, 430], [1, 3], { nodata: 255 }));
    expect([withValue.profile.maskSource, withValue.profile.nodata]).toEqual(['nodata', 255]);
    expect((await withValue.read({ x: 250, y: 50, width: 1, height: 1 })).data).toEqual(Uint8Array.of(255, 255, 255));
    await withValue.close();
  });

  it('lets later files cover earlier ones, but not with their missing pixels', async () => {
    const folder = join(work, 'overlap');
    mkdirSync(folder);
    const window = { x: 0, y: 0, width: 80, height: 60 };
    const filled = (value: number): Uint8Array => new Uint8Array(80 * 60 * BANDS).fill(value);
    const holed = filled(9);
    holed.fill(0, 0, 40 * BANDS);
    await write(join(folder, 'a2.tif'), filled(2), window, { nodata: 0 });
    await write(join(folder, 'a10.tif'), holed, { ...window, x: 20 }, { nodata: 0 });
    const scene = await openScene(folder);
    const { data, width } = { ...await readAll(scene), width: scene.profile.width };
    const at = (x: number, y: number): number => data[(y * width + x) * BANDS]!;
    expect([width, at(10, 0), at(30, 0), at(70, 0), at(30, 1), at(90, 1), at(10, 1)]).toEqual([100, 2, 2, 9, 9, 9, 2]);
    await scene.close();
    const other = await openScene([join(folder, 'a10.tif'), join(folder, 'a2.tif')]);
    expect((await other.read({ x: 30, y: 1, width: 1, height: 1 })).data[0]).toBe(2);
    await other.close();
  });

  it.each<readonly [string, Written, RegExp]>([
    ['another coordinate system', { epsg: 32634 }, /odd\.tif: expected the coordinate system EPSG:32633 as in .*t0\.tif, found EPSG:32634/],
    ['another pixel size', { transform: [500000, 2.1, 0, 4600000, 0, -2.1] }, /odd\.tif: expected pixels of 2 × -2 .* found 2\.1 × -2\.1/],
    ['an origin between the pixels', { transform: [500000.7, 2, 0, 4600000, 0, -2] }, /odd\.tif: its corner lies between the pixels/],
    ['another nodata value', { nodata: 7 }, /odd\.tif: expected nodata none as in .*found 7/],
    ['another scale', { scaling: [{ scale: 0.1, offset: 0 }, { scale: 0.1, offset: 0 }, { scale: 0.1, offset: 0 }] }, /odd\.tif: expected values of sample × 1 \+ 0 as in .*found sample × 0\.1 \+ 0/],
    ['another offset in one band', { scaling: [{ scale: 1, offset: 0 }, { scale: 1, offset: 5 }, { scale: 1, offset: 0 }] }, /found sample × 1 \+ 0; sample × 1 \+ 5; sample × 1 \+ 0/],
    ['other units', { units: ['m', 'm', 'm'] }, /odd\.tif: expected values of sample × 1 \+ 0 as in .*found sample × 1 \+ 0 m/],
    ['another number of bands', { bands: 1 }, /odd\.tif: expected bands: 3 as in .*found 1/],
  ])('is refused where a file has %s, by its name', async (name, options, message) => {
    const folder = join(work, name.replaceAll(' ', '_'));
    mkdirSync(folder);
    copyFileSync(join(grid, 't0.tif'), join(folder, 'a_t0.tif'));
    await write(join(folder, 'odd.tif'), new Uint8Array(20 * 20 * (options.bands ?? BANDS)), { x: 0, y: 0, width: 20, height: 20 }, options);
    expect(await failure(folder)).toMatch(message);
  });

  it('is refused where the bands of a file have other nodata, and keeps what all of them say of their values', async () => {
    const folder = join(work, 'described');
    mkdirSync(folder);
    const described = { scaling: [1, 2, 3].map((scale) => ({ scale, offset: 0.5 })), units: ['m', 'K', ''] };
    const nodata = (values: readonly number[]): string => `<PAMDataset>${values.map((value, i) => `<PAMRasterBand band="${i + 1}"><NoDataValue>${value}</NoDataValue></PAMRasterBand>`).join('')}</PAMDataset>`;
    // The second file's first row is missing, by the value of each band; a single such value is none.
    const filled = (value: number): Uint8Array => new Uint8Array(20 * 20 * BANDS).fill(value);
    const holed = filled(9);
    for (let x = 0; x < 20; x++) holed.set([1, 2, 3], x * BANDS);
    holed.set([1, 9, 9], 20 * BANDS);
    await write(join(folder, 'a.tif'), filled(8), { x: 0, y: 0, width: 20, height: 20 }, described);
    await write(join(folder, 'b.tif'), holed, { x: 10, y: 0, width: 20, height: 20 }, described);
    for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.tif.aux.xml`), nodata([1, 2, 3]));
    const scene = await openScene(folder);
    expect(scene.profile).toMatchObject({ width: 30, bandNodata: [1, 2, 3], ...described });
    const raster = await readAll(scene);
    const at = (x: number, y: number): readonly number[] => [...raster.data.subarray((y * 30 + x) * BANDS, (y * 30 + x + 1) * BANDS), raster.mask![y * 30 + x]!];
    expect([at(0, 0), at(15, 0), at(25, 0), at(10, 1), at(25, 1)]).toEqual([[8, 8, 8, 255], [8, 8, 8, 255], [1, 2, 3, 0], [1, 9, 9, 255], [9, 9, 9, 255]]);
    await scene.close();
    writeFileSync(join(folder, 'b.tif.aux.xml'), nodata([1, 2, 4]));
    expect(await failure(folder)).toMatch(/b\.tif: expected nodata by band: 1, 2, 3 as in .*a\.tif, found 1, 2, 4/);
  });

  it('is refused where it is empty, or a file is damaged', async () => {
    mkdirSync(join(work, 'empty'));
    expect(await failure(join(work, 'empty'))).toMatch(/holds no GeoTIFF/);
    mkdirSync(join(work, 'damaged'));
    copyFileSync(join(grid, 't0.tif'), join(work, 'damaged', 'a.tif'));
    writeFileSync(join(work, 'damaged', 'b.tif'), 'nothing');
    expect(await failure(join(work, 'damaged'))).toMatch(/damaged.b\.tif: expected a GeoTIFF/);
    expect(await failure([join(grid, 't0.tif'), join(grid, 'nowhere.tif')])).toMatch(/nowhere\.tif: no such file/);
  });

  it('changes its fingerprint with its files, and notices a change while it is read', async () => {
    const folder = join(work, 'moving');
    mkdirSync(folder);
    // More files than are open at once, so that the first is opened again.
    for (let i = 0; i < 60; i++) await write(join(folder, `t${i}.tif`), new Uint8Array(4 * 4 * BANDS).fill(i), { x: i * 4, y: 0, width: 4, height: 4 });
    const first = await openScene(folder, { cacheBytes: 0 });
    utimesSync(join(folder, 't0.tif'), 5, 5);
    await expect(readAll(first)).rejects.toThrow(/t0\.tif: it changed while the mosaic was read/);
    const second = await openScene(folder);
    expect(second.profile.fingerprint).not.toBe(first.profile.fingerprint);
    expect((await second.read({ x: 40, y: 0, width: 8, height: 1 })).data.filter((_, i) => i % BANDS === 0)).toEqual(Uint8Array.of(10, 10, 10, 10, 11, 11, 11, 11));
    await Promise.all([first.close(), second.close()]);
  });
});

describe('the folder that tile wrote', () => {
  it.each(['tif', 'png'] as const)('is the scene again, as a folder and as its list (%s)', async (format) => {
    const folder = join(work, `tiles_${format}`);
    await tile({ scene: whole, folder, patchSize: 128, overlap: 20, format });
    for (const path of [folder, join(folder, 'tiles.json')]) {
      const scene = await openScene(path);
      expect([scene.profile.width, scene.profile.height, scene.profile.maskSource, scene.profile.crs?.epsg, scene.profile.transform]).toEqual([610, 430, 'none', 32633, TRANSFORM]);
      expect(same((await readAll(scene)).data, pixels)).toBe(true);
      await scene.close();
    }
  });

  it('is refused with a tile missing, a list that leads elsewhere, or without pictures', async () => {
    const folder = join(work, 'tiles_less');
    await tile({ scene: whole, folder, patchSize: 256, overlap: 0 });
    const list = join(folder, 'tiles.json');
    const name = readdirSync(folder).find((file) => file.endsWith('.tif'))!;
    rmSync(join(folder, name));
    expect(await failure(folder)).toContain(`its tile ${name} is not there`);
    writeFileSync(list, '{"format": "tilewright-tiles", "version": 1, "tileFormat": "tif", "scene": {"width": 9, "height": 9, "bands": 1, "dtype": "uint8"}, "tiles": [{"file": "../whole.tif", "window": {"x": 0, "y": 0, "width": 9, "height": 9}}]}');
    expect(await failure(list)).toMatch(/no plain name/);
    const npy = join(work, 'tiles_npy');
    await tile({ scene: whole, folder: npy, patchSize: 256, overlap: 0, format: 'npy' });
    expect(await failure(npy)).toMatch(/found npy/);
  });
});
