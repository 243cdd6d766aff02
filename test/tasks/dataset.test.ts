import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { IGNORE } from '../../src/samples/index.js';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { datasetSplit } from '../../src/tasks/dataset-split.js';
import { openChips, openMaps } from '../../src/tasks/dataset/open.js';
import { hasShared, root, scratch, shared } from '../places.js';

const folder = scratch();
const cacheFolder = join(folder, 'cache');
let places = 0;
const place = (): string => { const path = join(folder, `p${places++}`); mkdirSync(path, { recursive: true }); return path; };

type Rgb = readonly [number, number, number];
const plain = async ([r, g, b]: Rgb, width = 8, height = 8): Promise<Buffer> => sharp({ create: { width, height, channels: 3, background: { r, g, b } } }).png().toBuffer();
const rows = async (lines: readonly (readonly Rgb[])[]): Promise<Buffer> => sharp(Buffer.from(lines.flat(2)), { raw: { width: lines[0]!.length, height: lines.length, channels: 3 } }).png().toBuffer();
const put = (base: string, name: string, bytes: Uint8Array | string): void => { mkdirSync(join(base, name, '..'), { recursive: true }); writeFileSync(join(base, name), bytes); };

async function cog(path: string, options: { width: number; height: number; bands: number; dtype: 'uint8' | 'uint16'; data: Uint8Array | Uint16Array; transform?: readonly number[]; epsg?: number; classNames?: readonly string[] }): Promise<void> {
  const writer = await createCog({
    width: options.width, height: options.height, bands: options.bands, dtype: options.dtype, scratch: `${path}.scratch`,
    ...(options.transform === undefined ? {} : { transform: options.transform as unknown as readonly [number, number, number, number, number, number], crs: crsFromEpsg(options.epsg ?? 32640)! }),
    ...(options.classNames === undefined ? {} : { classNames: options.classNames }),
  });
  await writer.write(options.data, options.height);
  await writer.finish(path);
  await writer.abort();
}

describe('chips', () => {
  it('in a folder per class, inside train, validate and test, also in an archive', async () => {
    const base = place();
    const files = { 'set/train/clear/a.png': await plain([10, 0, 0]), 'set/train/haze/b.png': await plain([20, 0, 0]), 'set/validate/clear/c.png': await plain([30, 0, 0]), 'set/test/haze/d.png': await plain([40, 0, 0]), 'set/readme.txt': new Uint8Array(3) };
    for (const [name, bytes] of Object.entries(files)) put(base, name, bytes);
    writeFileSync(join(base, '..', 'classes.zip'), zipSync(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, new Uint8Array(bytes)]))));
    for (const data of [base, join(base, '..', 'classes.zip')]) {
      const { samples, found } = await openChips({ data, size: 4, cacheFolder });
      expect(found.by).toBe('folder per class');
      expect([samples.tags, samples.exclusive, samples.count]).toEqual([['clear', 'haze'], true, 4]);
      const at = (name: string): number => Array.from({ length: 4 }, (_, i) => samples.nameOf(i)).findIndex((one) => one.endsWith(name));
      expect(Array.from(samples.parts!.validation)).toEqual([at('c')]);
      expect(Array.from(samples.parts!.test)).toEqual([at('d')]);
      const pixels = new Uint8Array(48 + 5);
      samples.read(at('b'), pixels, 5);
      expect([pixels[4], pixels[5], pixels[6]]).toEqual([0, 20, 0]);
      expect(Array.from(samples.targets.subarray(at('d') * 2, at('d') * 2 + 2))).toEqual([0, 1]);
      await samples.close();
    }
  });

  it('of several tables are those of the chosen one', async () => {
    const base = place();
    put(base, 'first.csv', 'image_name,tags\nx,a\n');
    put(base, 'second.csv', 'image_name,tags\nx,b c\n');
    put(base, 'chips/x.png', await plain([50, 0, 0]));
    await expect(openChips({ data: base, size: 4, cacheFolder })).rejects.toMatchObject({ message: expect.stringContaining('found first.csv, second.csv') as string, advice: 'give one of these files, or --set table=first.csv' });
    const { samples } = await openChips({ data: base, set: ['table=second.csv'], size: 4, cacheFolder });
    expect(samples.tags).toEqual(['b', 'c']);
    await samples.close();
  });

  it('are decoded once: a second opening reads the cache, and a changed file is decoded again', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\nx,a\n');
    put(base, 'chips/x.png', await plain([50, 0, 0]));
    const open = async (): Promise<number> => { const { samples } = await openChips({ data: base, size: 4, cacheFolder }); const out = new Uint8Array(48); samples.read(0, out, 0); await samples.close(); return out[0]!; };
    const mtime = new Date(1.7e12);
    utimesSync(join(base, 'chips/x.png'), mtime, mtime);
    expect(await open()).toBe(50);
    const file = join(base, 'chips/x.png');
    const { size } = statSync(file);
    const other = await plain([60, 0, 0]);
    expect(other.length).toBe(size);
    writeFileSync(file, other);
    utimesSync(file, mtime, mtime);
    expect(await open()).toBe(50); // as far as one can tell from outside it is the same file: nothing was decoded
    utimesSync(file, new Date(), new Date());
    expect(await open()).toBe(60);
  });

  it('reports everything that is wrong together, with counts and names', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\ngood,a b\nlost,a\ngood,b\nbad,zebra\nthree,cells,here\n');
    put(base, 'chips/good.png', await plain([1, 2, 3]));
    put(base, 'chips/bad.png', 'no picture');
    put(base, 'chips/extra.png', await plain([1, 2, 3]));
    put(base, 'dataset.yaml', 'table: tags.csv\npictures: chips\nclass_names: [a, b, c]\n');
    const error: unknown = await openChips({ data: base, size: 4, cacheFolder }).catch((caught: unknown) => caught);
    const { message } = error as Error;
    for (const part of ['1 × name twice in the table (line 4 repeats good)', '1 × unknown tag (zebra in line 5)', '1 × line without two cells (line 6 has 3)', '1 × row without a picture (lost)', '1 × picture that cannot be decoded (bad.png: ']) expect(message).toContain(part);
    const info = await datasetInfo({ data: base });
    expect(info.problems.filter(({ fault }) => fault).reduce((sum, { count }) => sum + count, 0)).toBe(5);
    expect(info.problems).toContainEqual({ kind: 'picture without a row, left out', count: 1, examples: ['extra'], fault: false });
    expect(info.problems).toContainEqual({ kind: 'class without a sample', count: 1, examples: ['c'], fault: false });
  });

  it('have rows with exchanged cells told as such, and remarks on foreign files and names under several spellings', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\nx,Water\ny.png,water road\nhaze,z.png\n');
    for (const name of ['x', 'y', 'z']) put(base, `chips/${name}.png`, await plain([9, 9, 9]));
    put(base, 'chips/notes.txt', 'mine');
    put(base, 'chips/more.txt', 'mine');
    put(base, 'chips/.hidden', '');
    await expect(openChips({ data: base, size: 4, cacheFolder })).rejects.toThrow('1 × row with name and tags exchanged (haze,z.png)');
    put(base, 'tags.csv', 'image_name,tags\nx,Water\ny.png,water road\nz,haze\n');
    const { samples, remarks } = await openChips({ data: base, size: 4, cacheFolder });
    await samples.close();
    expect(remarks).toEqual([
      { kind: 'file that is no picture, left out', count: 2, examples: ['more.txt', 'notes.txt'], fault: false },
      { kind: 'class under several spellings, taken as different ones', count: 1, examples: ['Water and water'], fault: false },
    ]);
  });

  it('with a tag that is spelt nearly as a much more frequent one are remarked on', async () => {
    const base = place();
    const rows = Array.from({ length: 41 }, (_, i) => `c${i},${i === 40 ? 'primry' : i % 2 === 0 ? 'primary' : 'water'}`);
    put(base, 'tags.csv', `image_name,tags\n${rows.join('\n')}\n`);
    for (let i = 0; i < rows.length; i++) put(base, `chips/c${i}.png`, await plain([i, i, 0]));
    expect((await datasetInfo({ data: base })).problems).toEqual([{ kind: 'class that is spelt nearly as a much more frequent one, taken as another', count: 1, examples: ['primry (1) and primary (20)'], fault: false }]);
    put(base, 'tags.csv', `image_name,tags\n${rows.join('\n').replace('primry', 'urban')}\n`);
    expect((await datasetInfo({ data: base })).problems).toEqual([]);
    const split = await datasetSplit({ data: base, output: join(place(), 'split.json'), validation: 0.4, test: 0.4, seed: 2 });
    const urban = split.classes.find(({ name }) => name === 'urban')!;
    expect([urban.train, split.notes.some((note) => note === 'a class has nothing in the training part, only in others: urban')]).toEqual([0, true]);
  });

  it('smaller than the network\'s input are enlarged, and told', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\nx,a\ny,b\n');
    put(base, 'chips/x.png', await plain([1, 0, 0], 8, 8));
    put(base, 'chips/y.png', await plain([2, 0, 0], 32, 32));
    const { samples, remarks } = await openChips({ data: base, size: 16, cacheFolder });
    await samples.close();
    expect(remarks).toEqual([{ kind: "chip smaller than the network's input of 16 pixels, enlarged to it (network.size)", count: 1, examples: ['x.png: 8 × 8'], fault: false }]);
  });

  it('with the same pixels and other labels are told, in one part or several, by info, split and the check before training', async () => {
    const base = place();
    const files = { 'train/clear/a.png': [10, 0, 0], 'train/haze/b.png': [10, 0, 0], 'train/haze/c.png': [20, 0, 0], 'validate/haze/d.png': [30, 0, 0], 'test/clear/e.png': [20, 0, 0] } as const;
    for (const [name, color] of Object.entries(files)) put(base, name, await plain(color));
    const info = await datasetInfo({ data: base });
    const { kind, examples } = info.problems.find(({ count }) => count === 2)!;
    expect([kind, examples.length, info.problems.some(({ fault }) => fault)]).toEqual(['sample with the pixels of another one and other labels', 2, false]);
    expect(examples[0]).toMatch(/a.* \(clear\) and .*b.* \(haze\)$/);
    const split = await datasetSplit({ data: base, output: join(place(), 'split.json') });
    expect(split.notes.join()).toMatch(/2 samples have the pixels of another one and other labels: .*a and .*b; /);
    const tagged = place();
    put(tagged, 'tags.csv', 'image_name,tags\nx,water\ny,water\nz,road water\n');
    for (const name of ['x', 'y', 'z']) put(tagged, `chips/${name}.png`, await plain([9, 9, 9]));
    expect((await datasetInfo({ data: tagged })).problems).toContainEqual({ kind, count: 1, examples: ['x (water) and z (road, water)'], fault: false });
    const maps = place();
    put(maps, 'classes.json', '{"classes": [{"name": "dark", "color": [0, 0, 0]}, {"name": "bright", "color": [255, 255, 255]}]}');
    for (const [name, mask] of [['p', 0], ['q', 255], ['r', 0]] as const) {
      put(maps, `images/${name}.png`, await plain([9, 9, 9]));
      put(maps, `masks/${name}.png`, await plain([mask, mask, mask]));
    }
    expect((await datasetInfo({ data: maps })).problems).toContainEqual({ kind, count: 1, examples: ['p and q'], fault: false });
  });

  it('that are damaged in an archive are among the faults, by name', async () => {
    const base = place();
    const noise = await sharp(Buffer.from(Array.from({ length: 48 * 48 * 3 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) % 4)), { raw: { width: 48, height: 48, channels: 3 } }).png({ compressionLevel: 0 }).toBuffer();
    const whole = Buffer.from(zipSync({ 'a/good.png': new Uint8Array(noise), 'b/bad.png': new Uint8Array(noise), 'b/bomb.png': new Uint8Array(noise) }));
    // A block of the reserved kind 3 (RFC 1951), and a member that unpacks to more than the directory says.
    const local = whole.indexOf('b/bad.png');
    whole.fill(0xff, local + 9, local + 60);
    const inDirectory = whole.lastIndexOf('b/bomb.png') - 46;
    expect(whole.readUInt32LE(inDirectory)).toBe(0x02014b50);
    whole.writeUInt32LE(100, inDirectory + 24);
    const file = join(base, 'data.zip');
    writeFileSync(file, whole);
    await expect(openChips({ data: file, size: 4, cacheFolder })).rejects.toThrow(/2 × picture that cannot be decoded \(b\/bad\.png: .*damaged data, b\/bomb\.png: .*damaged data\)/);
  });

  it('of more than 8 bits need a range, then have three of their bands as bytes', async () => {
    const base = place();
    mkdirSync(join(base, 'tif'));
    put(base, 'tags.csv', 'image_name,tags\nx,a\n');
    await cog(join(base, 'tif/x.tif'), { width: 8, height: 8, bands: 4, dtype: 'uint16', data: Uint16Array.from({ length: 256 }, (_, i) => [1000, 2000, 3000, 9000][i % 4]!) });
    await expect(openChips({ data: base, size: 8, cacheFolder })).rejects.toThrow('expected 8-bit samples, found uint16');
    const { samples } = await openChips({ data: base, set: ['bands=[3,2,1]', 'range=[0,4000]'], size: 8, cacheFolder });
    const pixels = new Uint8Array(192);
    samples.read(0, pixels, 0);
    expect(Array.from(pixels.subarray(0, 3))).toEqual([191, 128, 64]);
    await samples.close();
  });

  it.skipIf(!hasShared('planet/tif'))('of the 16-bit kind of the Amazon chips agree with the JPEG of the same place', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\ntrain_1,a\n');
    put(base, 'tif/train_1.tif', readFileSync(join(shared, 'planet/tif/train_1.tif')));
    const { samples } = await openChips({ data: base, set: ['bands=[3,2,1]', 'range=[0,10000]'], size: 256, cacheFolder });
    const tif = new Uint8Array(256 * 256 * 3);
    samples.read(0, tif, 0);
    await samples.close();
    put(base, 'jpg/train_1.jpg', readFileSync(join(shared, 'planet/train/train_1.jpg')));
    const other = await openChips({ data: base, set: ['pictures=jpg'], size: 256, cacheFolder });
    const jpg = new Uint8Array(256 * 256 * 3);
    other.samples.read(0, jpg, 0);
    await other.samples.close();
    for (let band = 0; band < 3; band++) {
      const [a, b] = [tif, jpg].map((pixels) => Array.from({ length: 256 * 256 }, (_, i) => pixels[i * 3 + band]!));
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      const [ma, mb] = [mean(a!), mean(b!)];
      const sum = (f: (i: number) => number): number => a!.reduce((total, _, i) => total + f(i), 0);
      const r = sum((i) => (a![i]! - ma) * (b![i]! - mb)) / Math.sqrt(sum((i) => (a![i]! - ma) ** 2) * sum((i) => (b![i]! - mb) ** 2));
      expect(r).toBeGreaterThan(0.9); // 0.988, 0.992 and 0.965 by NumPy on all bits
    }
  });
});

describe('pictures with masks', () => {
  it('are told apart by name, with a legend as CSV, thresholded where masks have colours between', async () => {
    const base = place();
    put(base, 'class_dict.csv', 'name,r,g,b\nurban,0,255,255\nforest,0,255,0\n');
    put(base, 'train/7_sat.jpg', await sharp(await plain([9, 9, 9], 2, 1)).jpeg().toBuffer());
    put(base, 'train/7_mask.png', await rows([[[3, 250, 240], [0, 200, 90]]]));
    const set = ['threshold=128'];
    const { samples, found } = await openMaps({ data: base, set, cacheFolder });
    expect(found.description).toMatchObject({ images: '*_sat.jpg', masks: '*_mask.png', classes: 'class_dict.csv' });
    expect(samples.pictures).toEqual([{ name: '7', group: 'train', width: 2, height: 1 }]);
    expect(Array.from(samples.read(0).mask)).toEqual([0, 1]);
    await samples.close();
    await expect(openMaps({ data: base, cacheFolder })).rejects.toThrow('2 × colour of no class (train/7_mask.png: #03faf0 in 1 pixel, train/7_mask.png: #00c85a in 1 pixel)');
    const ignored = await openMaps({ data: base, set: ['unknown_colors=ignore'], cacheFolder });
    expect(Array.from(ignored.samples.read(0).mask)).toEqual([IGNORE, IGNORE]);
    expect(ignored.remarks.find(({ kind }) => kind === 'pixel of a colour of no class, ignored')?.count).toBe(2);
    await ignored.samples.close();
  });

  it.skipIf(!hasShared('dubai/classes.json'))('of a real tile have both kinds of mask, no unknown colour, and red and blue put right; a legend elsewhere needs no threshold', async () => {
    const data = join(shared, 'dubai/tile2');
    const set = ['classes=../classes.json', 'leave_out=[Unlabeled]'];
    const { samples: stored } = await openMaps({ data, set, reduce: 4, cacheFolder });
    const { samples: right } = await openMaps({ data, set: [...set, 'swap_red_blue=true', 'frame=4'], reduce: 4, cacheFolder });
    expect([stored.count, ...stored.classes]).toEqual([9, 'Building', 'Land', 'Road', 'Vegetation', 'Water']);
    const [first, turned] = [stored.read(0), right.read(0)];
    expect([turned.pixels[0], turned.pixels[2]]).toEqual([first.pixels[2], first.pixels[0]]);
    for (let index = 0; index < stored.count; index++) expect(stored.read(index).mask.every((id) => id < 5 || id === IGNORE)).toBe(true);
    expect(first.mask.some((id) => id < 5)).toBe(true);
    expect([turned.mask[0], turned.width, turned.height]).toEqual([IGNORE, 127, 136]);
    await stored.close();
    await right.close();
  });

  it('of two classes need no legend', async () => {
    const base = place();
    put(base, 'images/a.png', await plain([9, 9, 9], 2, 1));
    put(base, 'masks/a.png', await rows([[[30, 30, 30], [200, 200, 200]]]));
    const { samples } = await openMaps({ data: base, set: ['class_names=[other,road]'], cacheFolder });
    expect([samples.classes, Array.from(samples.read(0).mask)]).toEqual([['other', 'road'], [0, 1]]);
    await samples.close();
  });

  it('of different sizes, unreadable or without a partner are reported together', async () => {
    const base = place();
    put(base, 'classes.json', JSON.stringify({ classes: [{ name: 'A', color: [1, 1, 1] }] }));
    for (const name of ['a', 'b', 'c']) put(base, `images/${name}.png`, await plain([1, 1, 1], 4, 4));
    put(base, 'masks/a.png', await plain([1, 1, 1], 4, 5));
    put(base, 'masks/b.png', 'nothing');
    await expect(openMaps({ data: base, cacheFolder })).rejects.toThrow(/1 × picture without a mask \(images\/c\.png\); 1 × mask of another size \(images\/a\.png: picture 4×4, mask 4×5\); 1 × file that cannot be decoded \(masks\/b\.png: .+\)/);
  });

  it('are brought to one size without mixing classes', async () => {
    const base = place();
    put(base, 'classes.json', JSON.stringify({ classes: [{ name: 'A', color: [0, 0, 0] }, { name: 'B', color: [100, 100, 100] }, { name: 'C', color: [200, 200, 200] }] }));
    put(base, 'images/a.png', await plain([7, 8, 9], 12, 6));
    put(base, 'masks/a.png', await rows(Array.from({ length: 6 }, () => Array.from({ length: 12 }, (_, x): Rgb => (x < 6 ? [0, 0, 0] : [200, 200, 200])))));
    const { samples } = await openMaps({ data: base, resize: [4, 4], cacheFolder });
    expect(Array.from(samples.read(0).mask)).toEqual([0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2]);
    expect(Array.from(samples.read(0).pixels.subarray(0, 3))).toEqual([7, 8, 9]);
    expect(samples.counts).toEqual([[8, 0, 8]]);
    await samples.close();
  });
});

describe('scenes', () => {
  const themes = async (): Promise<{ base: string; grey: Uint16Array; pixels: Uint8Array }> => {
    const base = place();
    mkdirSync(join(base, '3band'));
    put(base, 'key-theme.txt', 'Buildings\t100\nRoads Tracks And Paths\t2000\nWater\t65000\n');
    const grey = Uint16Array.from({ length: 30 * 20 }, (_, i) => [100, 2000, 65000][(Math.floor((i % 30) / 4) + Math.floor(i / 90)) % 3]!);
    const pixels = Uint8Array.from({ length: 30 * 20 * 3 }, (_, i) => (i * 7) % 256);
    await cog(join(base, '3band/SU1.tif'), { width: 30, height: 20, bands: 3, dtype: 'uint8', data: pixels });
    put(base, 'theme/SU1-theme.png', await sharp(grey, { raw: { width: 30, height: 20, channels: 1 } }).toColourspace('grey16').png().toBuffer());
    return { base, grey, pixels };
  };

  it('with 16-bit themes and a key give patches with the theme of their middle pixel, by step, limit and area', async () => {
    const { base, grey, pixels } = await themes();
    const { samples, found } = await openChips({ data: base, set: ['chip=6', 'stride=3'], size: 6, cacheFolder });
    expect(found.description).toMatchObject({ key: 'key-theme.txt', truth: 'centre', scenes: [{ scene: '3band/SU1.tif', themes: 'theme/SU1-theme.png', name: 'SU1' }] });
    expect([samples.tags, samples.exclusive, samples.count]).toEqual([['Buildings', 'Roads Tracks And Paths', 'Water'], true, 9 * 5]);
    const buffer = new Uint8Array(108);
    let index = 0;
    for (let y = 0; y + 6 <= 20; y += 3) {
      for (let x = 0; x + 6 <= 30; x += 3, index++) {
        expect(samples.nameOf(index)).toBe(`SU1_x${x}_y${y}`);
        expect(Array.from(samples.targets.subarray(index * 3, index * 3 + 3)).indexOf(1)).toBe([100, 2000, 65000].indexOf(grey[(y + 3) * 30 + x + 3]!));
        samples.read(index, buffer, 0);
        expect(Array.from(buffer.subarray(18, 21))).toEqual(Array.from(pixels.subarray(((y + 1) * 30 + x) * 3, ((y + 1) * 30 + x) * 3 + 3)));
      }
    }
    await samples.close();
    const some = await openChips({ data: base, set: ['chip=6', 'stride=1', 'limit=10', 'seed=3'], size: 6, cacheFolder });
    expect(some.samples.count).toBe(10);
    expect(new Set(Array.from({ length: 10 }, (_, i) => some.samples.nameOf(i))).size).toBe(10);
    await some.samples.close();
    const area = await openChips({ data: base, set: ['chip=6', 'scenes=[{scene: 3band/SU1.tif, themes: theme/SU1-theme.png, area: [6, 3, 12, 9]}]'], size: 6, cacheFolder });
    expect(area.samples.count).toBe(2);
    area.samples.read(0, buffer, 0);
    expect(Array.from(buffer.subarray(0, 3))).toEqual(Array.from(pixels.subarray((3 * 30 + 6) * 3, (3 * 30 + 6) * 3 + 3)));
    await area.samples.close();
  });

  it('with grey levels that no line of the key has are faults, with counts', async () => {
    const { base } = await themes();
    writeFileSync(join(base, 'key-theme.txt'), 'Buildings\t100\nWater\t65000\n');
    await expect(openChips({ data: base, set: ['chip=6'], size: 6, cacheFolder })).rejects.toThrow(/× pixel of no class \(.*value 2000/);
  });

  it('with polygons have the classes that rasterio gives their pixels', async () => {
    const golden = JSON.parse(readFileSync(join(root, 'fixtures/dataset/polygons.json'), 'utf8')) as { width: number; height: number; transform: number[]; mask: number[] };
    const base = place();
    await cog(join(base, 'scene.tif'), { width: 60, height: 40, bands: 3, dtype: 'uint8', data: new Uint8Array(60 * 40 * 3).fill(9), transform: golden.transform });
    put(base, 'truth.geojson', readFileSync(join(root, 'fixtures/dataset/polygons.geojson')));
    put(base, 'dataset.yaml', 'scenes: [{scene: scene.tif, polygons: truth.geojson}]\n');
    const { samples } = await openMaps({ data: base, cacheFolder });
    expect(samples.classes).toEqual(['road', 'water']);
    expect(Array.from(samples.read(0).mask)).toEqual(golden.mask);
    await samples.close();
    await expect(openMaps({ data: base, set: ['scenes=[{scene: scene.tif, polygons: truth.geojson, property: kind}]'], cacheFolder })).rejects.toMatchObject({ advice: 'name it with property: it has class' });
  });

  it('with polygons whose positions have latitude first, or that lie elsewhere, are refused with the features that do', async () => {
    const base = place();
    const transform = [331000, 2, 0, 2790000, 0, -2];
    await cog(join(base, 'scene.tif'), { width: 60, height: 40, bands: 3, dtype: 'uint8', data: new Uint8Array(60 * 40 * 3).fill(9), transform });
    // The upper left corner by rasterio.warp.transform, EPSG:32640 to EPSG:4326.
    const [west, north] = [55.322434, 25.216725];
    const square = (size: number): [number, number][] => [[west, north - size], [west + size, north - size], [west + size, north], [west, north], [west, north - size]];
    const collection = (rings: readonly (readonly (readonly number[])[])[]): string => JSON.stringify({ type: 'FeatureCollection', features: rings.map((ring, i) => ({ type: 'Feature', properties: { class: i % 2 === 0 ? 'a' : 'b' }, geometry: { type: 'Polygon', coordinates: [ring] } })) });
    const turned = (ring: [number, number][]): number[][] => ring.map(([lon, lat]) => [lat, lon]);
    put(base, 'dataset.yaml', 'scenes: [{scene: scene.tif, polygons: truth.geojson}]\n');
    put(base, 'truth.geojson', collection([square(0.0002), turned(square(0.0003)), square(0.0004), turned(square(0.0001))]));
    await expect(openMaps({ data: base, cacheFolder })).rejects.toThrow(/expected longitude before latitude in every position \(RFC 7946\), found 2 of 4 polygons that lie on .*scene\.tif only with the two exchanged \(feature 2, 4\), exchange the two numbers/);
    put(base, 'truth.geojson', collection([square(0.0002).map(([lon, lat]) => [lon + 1, lat])]));
    await expect(openMaps({ data: base, cacheFolder })).rejects.toThrow(/found none of 1 that touches it/);
    put(base, 'truth.geojson', collection([square(0.0002), square(0.0003).map(([lon, lat]) => [lon + 1, lat])]));
    const { samples } = await openMaps({ data: base, cacheFolder });
    expect(samples.counts[0]![0]).toBeGreaterThan(0);
    await samples.close();
    put(base, 'dataset.yaml', 'scenes: [{scene: scene.tif, polygons: nowhere.geojson}, {scene: gone.tif, polygons: truth.geojson}]\n');
    await expect(openMaps({ data: base, cacheFolder })).rejects.toThrow('2 × file that is not there (nowhere.geojson, gone.tif)');
  });

  it('with a truth raster take names from it; a part of a picture is the same as the whole', async () => {
    const base = place();
    const ids = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i * 13) % 3);
    await cog(join(base, 's.tif'), { width: 40, height: 30, bands: 3, dtype: 'uint8', data: Uint8Array.from({ length: 3600 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 11) % 256), transform: [331000, 2, 0, 2790000, 0, -2] });
    await cog(join(base, 't.tif'), { width: 40, height: 30, bands: 1, dtype: 'uint8', data: ids, classNames: ['x', 'y', 'z'] });
    put(base, 'dataset.yaml', 'scenes: [{scene: s.tif, truth: t.tif}]\nleave_out: [z]\n');
    const { samples } = await openMaps({ data: base, cacheFolder });
    expect(samples.classes).toEqual(['x', 'y']);
    const whole = samples.read(0);
    expect(Array.from(whole.mask)).toEqual(Array.from(ids, (id) => (id === 2 ? IGNORE : id)));
    const part = samples.readWindow(0, { x: 5, y: 7, width: 3, height: 2 });
    expect(Array.from(part.mask)).toEqual([...whole.mask.subarray(7 * 40 + 5, 7 * 40 + 8), ...whole.mask.subarray(8 * 40 + 5, 8 * 40 + 8)]);
    expect(Array.from(part.pixels.subarray(9))).toEqual(Array.from(whole.pixels.subarray((8 * 40 + 5) * 3, (8 * 40 + 8) * 3)));
    await samples.close();
    const output = join(base, 'split.json');
    const split = await datasetSplit({ data: base, set: ['chip=4', 'stride=2', 'truth=share'], by: 'block', block: 24, validation: 0.25, test: 0.25, output });
    expect(split.left).toBeGreaterThan(0);
    expect(split.leaks).toEqual([]);
    expect(split.notes[0]).toMatch(/blocks of 24 m/);
    const random = await datasetSplit({ data: base, set: ['chip=4', 'stride=2'], by: 'random', output: join(base, 'random.json') });
    expect(random.leaks.filter(({ by, acrossParts }) => by === 'place' && acrossParts).length).toBeGreaterThan(0);
  });
});

describe('splits by block', () => {
  it('share no ground where pictures lie on both sides of a half degree of latitude', async () => {
    const base = place();
    const [columns, rowsOfPictures, edge, step] = [7, 11, 64, 1e-5];
    const corners = new Map<string, readonly [west: number, north: number]>();
    mkdirSync(join(base, 'tif'));
    for (let row = 0; row < rowsOfPictures; row++) {
      for (let column = 0; column < columns; column++) {
        const name = `r${row}c${column}`;
        // Each picture overlaps its neighbours by half; 25.5° N runs through the middle of the grid.
        const corner = [55 + column * (edge / 2) * step, 25.5 + (rowsOfPictures / 2 - row) * (edge / 2) * step] as const;
        corners.set(name, corner);
        await cog(join(base, `tif/${name}.tif`), { width: edge, height: edge, bands: 3, dtype: 'uint8', epsg: 4326, transform: [corner[0], step, 0, corner[1], 0, -step], data: Uint8Array.from({ length: edge * edge * 3 }, (_, i) => (Math.imul(i + 1 + 20000 * corners.size, 2654435761) >>> 13) % 256) });
      }
    }
    put(base, 'tags.csv', `image_name,tags\n${[...corners.keys()].map((name) => `${name},a`).join('\n')}\n`);
    for (const seed of [1, 2, 3]) {
      const output = join(base, `split-${seed}.json`);
      const result = await datasetSplit({ data: base, by: 'block', block: 100, validation: 0.2, test: 0.2, seed, output });
      const parts = (['train', 'validation', 'test'] as const).map((part) => (JSON.parse(readFileSync(output, 'utf8')) as Record<'train' | 'validation' | 'test', string[]>)[part].map((name) => corners.get(name.replace(/^.*\//, ''))!));
      expect(parts.map((part) => part.length)).toEqual([result.train, result.validation, result.test]);
      const touching = (a: readonly [number, number], b: readonly [number, number]): boolean => Math.abs(a[0] - b[0]) < (edge - 0.5) * step && Math.abs(a[1] - b[1]) < (edge - 0.5) * step;
      for (const [i, part] of parts.entries()) for (const other of parts.slice(i + 1)) expect(part.filter((a) => other.some((b) => touching(a, b)))).toEqual([]);
      expect(result.leaks.filter(({ by }) => by === 'place')).toEqual([]);
    }
    const random = await datasetSplit({ data: base, by: 'random', validation: 0.2, test: 0.2, output: join(base, 'random.json') });
    expect(random.leaks.filter(({ by, acrossParts }) => by === 'place' && acrossParts).length).toBeGreaterThan(0);
  });
});

describe('the command', () => {
  const run = promisify(execFile);
  const cli = join(root, 'dist/cli/main.js');
  const options = { env: { ...process.env, TILEWRIGHT_CACHE: cacheFolder } };

  it('draws, prints JSON, and ends with 3 where there are faults', async () => {
    const base = place();
    put(base, 'tags.csv', 'image_name,tags\na,x y\nb,y\n');
    put(base, 'chips/a.png', await plain([200, 10, 10]));
    put(base, 'chips/b.png', await plain([10, 200, 10]));
    const { stdout } = await run(process.execPath, [cli, 'dataset', 'info', base, '-o', join(base, 'look'), '--json'], options);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'chips', count: 2, tagsPerChip: 1.5, together: [[1, 1], [1, 2]], width: [8, 8] });
    for (const name of ['classes', 'together', 'samples']) expect((await sharp(join(base, 'look', `${name}.png`)).metadata()).width).toBeGreaterThan(200);
    put(base, 'tags.csv', 'image_name,tags\na,x y\nc,y\n');
    await expect(run(process.execPath, [cli, 'dataset', 'info', base], options)).rejects.toMatchObject({ code: 3, stdout: expect.stringContaining('fault  1 × row without a picture (c)') as string });
    await expect(run(process.execPath, [cli, 'dataset', 'info', base, '--set', 'tabel=x'], options)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean table?') as string });
    await expect(run(process.execPath, [cli, 'dataset', 'info', join(base, 'none')], options)).rejects.toMatchObject({ code: 3 });
  });
});
