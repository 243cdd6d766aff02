import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { openScene } from '../../src/scene/index.js';
import { classify } from '../../src/tasks/classify.js';
import type { ClassifyResult } from '../../src/tasks/classify.js';
import { hasShared, root, scratch, shared } from '../places.js';
import { runCommand } from './killed-command.js';
import type { Moment } from './killed-command.js';
import { TAGS, bandMeans, erase, meansOf, patches, writeScene } from './chip-models.js';
import { readCsv } from '../chips/read-csv.js';
import { readFlatGeobuf, readGeoJson, readGeoParquet } from '../vector/read-features.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const model = bandMeans(folder);

const SCENE_FILES = ['chips.csv', 'chips.geojson', 'map.png', 'probabilities.tif', 'summary.json'];

async function run(input: string, options: Partial<Parameters<typeof classify>[0]> = {}): Promise<ClassifyResult> {
  return await classify({ input, model, output: fresh('out'), ...options }) as ClassifyResult;
}

describe('classify a scene', () => {
  it('gives every chip the probabilities that the model has for its window, also the shifted last ones', async () => {
    const pixels = patches(250, 170);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { patchSize: 64, overlap: 16 });
    const [header, ...records] = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    expect(header).toEqual(['chip', 'x', 'y', 'width', 'height', 'lon', 'lat', 'tags', ...TAGS]);
    const windows = [0, 48, 96, 106].flatMap((y) => [0, 48, 96, 144, 186].map((x) => [x, y]));
    expect(records.map((record) => [Number(record[1]), Number(record[2])])).toEqual(windows);
    for (const record of records) {
      const means = meansOf(pixels, Number(record[1]), Number(record[2]), 64);
      means.forEach((mean, i) => expect(Math.abs(Number(record[8 + i]) - mean)).toBeLessThan(1e-5));
      const present = TAGS.map((tag) => tag.replaceAll(' ', '_')).filter((_, i) => means[i]! >= 0.4);
      expect(record[7]).toBe(present.join(' '));
    }
    expect(result).toMatchObject({ chips: 20, predicted: 20, nodata: 0, strips: 4, resumedStrips: 0, files: expect.arrayContaining(SCENE_FILES) as unknown });
    expect(readdirSync(result.output).sort()).toEqual(SCENE_FILES);
    expect(existsSync(`${result.output}.partial`)).toBe(false);
  });

  it('writes footprints in WGS 84 and the centre of every chip', async () => {
    const result = await run(await writeScene(fresh('scene.tif'), patches(128, 64)), { patchSize: 64 });
    const json = JSON.parse(await readFile(join(result.output, 'chips.geojson'), 'utf8')) as GeoJson;
    expect(json.features).toHaveLength(2);
    const ring = json.features[1]!.geometry!.coordinates[0]!;
    expect(ring).toHaveLength(5);
    expect(ring[0]).toEqual(ring[4]);
    // pyproj 3.7: EPSG:32633 to 4326 of (500128, 4000000), (500256, 4000000), (500256, 3999872), (500128, 3999872)
    const expected = [[15.0014228, 36.1447181], [15.0028456, 36.1447181], [15.0028456, 36.1435641], [15.0014228, 36.1435641]] as const;
    for (const [lon, lat] of expected) expect(ring.some(([x, y]) => Math.abs(x! - lon) < 2e-7 && Math.abs(y! - lat) < 2e-7), `${lon} ${lat} in ${JSON.stringify(ring)}`).toBe(true);
    const [, , second] = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    expect(Number(second![5])).toBeCloseTo(15.0021342, 6);
    expect(Number(second![6])).toBeCloseTo(36.1441411, 6);
  });

  it('writes the table of chips in the formats that are asked for', async () => {
    const pixels = patches(250, 170);
    erase(pixels, 0, 0, 64, 64);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { patchSize: 64, overlap: 16, tables: ['geojson', 'parquet', 'fgb'] });
    expect(readdirSync(result.output).sort()).toEqual(['chips.fgb', 'chips.geojson', 'chips.parquet', 'map.png', 'probabilities.tif', 'summary.json']);
    expect(result.files).toEqual(['chips.geojson', 'chips.parquet', 'chips.fgb', 'probabilities.tif', 'map.png', 'summary.json']);
    const { features } = await readGeoJson(join(result.output, 'chips.geojson'));
    expect(features).toHaveLength(20);
    const parquet = await readGeoParquet(join(result.output, 'chips.parquet'));
    expect(parquet.geo.columns.geometry.crs).toMatchObject({ id: { authority: 'EPSG', code: 4326 } });
    const flat = await readFlatGeobuf(join(result.output, 'chips.fgb'));
    expect(flat.header?.crs).toMatchObject({ org: 'EPSG', code: 4326 });
    const byChip = new Map(flat.features.map((feature) => [feature.properties['chip'], feature]));
    features.forEach((feature, i) => {
      expect(parquet.features[i]!.properties).toEqual(feature.properties);
      const known = Object.fromEntries(Object.entries(feature.properties).filter(([, value]) => value !== null));
      const found = byChip.get(feature.properties['chip'])!;
      expect(found.properties).toEqual(known);
      for (const { geometry } of [parquet.features[i]!, found]) expect(geometry).toEqual(feature.geometry);
    });
  });

  it('refuses unknown tables, and FlatGeobuf without coordinates', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    for (const tables of [[], ['csv', 'csv'], ['shp']]) await expect(run(scene, { tables: tables as never })).rejects.toThrow('--tables: expected some of csv, geojson, parquet, fgb');
    const chips = fresh('chips');
    await mkdir(chips);
    const { width, height, data } = patches(64, 64);
    await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(join(chips, 'a.png'));
    await expect(run(chips, { tables: ['fgb'] })).rejects.toMatchObject({ code: 'INVALID_OPTION', advice: 'take csv or parquet' });
    const result = await run(chips, { tables: ['parquet'] });
    expect((await readGeoParquet(join(result.output, 'chips.parquet'))).features).toMatchObject([{ geometry: null, properties: { chip: 'a', width: 64 } }]);
  });

  it('writes one pixel per chip with the stride as pixel size, and the chip in its centre', async () => {
    const pixels = patches(160, 112);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { patchSize: 64, overlap: 16 });
    const scene = await openScene(join(result.output, 'probabilities.tif'));
    const { profile } = scene;
    expect(profile).toMatchObject({ width: 3, height: 2, bands: 3, dtype: 'float32', nodata: Number.NaN, bandNames: [...TAGS] });
    // chip (0, 0) has its centre at pixel 32, 32: easting 500,064, northing 3,999,936; pixels are 48 × 2 m.
    expect(profile.transform).toEqual([500_064 - 48, 96, 0, 3_999_936 + 48, 0, -96]);
    expect(profile.crs?.epsg).toBe(32633);
    const raster = await scene.read({ x: 1, y: 1, width: 1, height: 1 });
    meansOf(pixels, 48, 48, 64).forEach((mean, i) => expect(raster.data[i]).toBeCloseTo(mean, 5));
    await scene.close();
  });

  it('does not predict chips without data, and says which they are', async () => {
    const pixels = patches(128, 128);
    erase(pixels, 0, 0, 64, 64);
    erase(pixels, 64, 64, 63, 64);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { patchSize: 64 });
    expect(result).toMatchObject({ chips: 4, predicted: 3, nodata: 1 });
    const records = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    expect(records[1]!.slice(7)).toEqual(['', '', '', '']);
    expect(records[4]![8]).not.toBe('');
    const json = JSON.parse(await readFile(join(result.output, 'chips.geojson'), 'utf8')) as GeoJson;
    expect(json.features[0]!.properties).toMatchObject({ tags: null, p_red: null });
    const scene = await openScene(join(result.output, 'probabilities.tif'));
    expect((await scene.read({ x: 0, y: 0, width: 1, height: 1 })).data[0]).toBeNaN();
    await scene.close();
  });

  it('counts tags at the threshold that is asked for', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(128, 128));
    const all = await run(scene, { patchSize: 64, threshold: 0 });
    expect(all.tags.map(({ chips, share, threshold }) => ({ chips, share, threshold }))).toEqual(TAGS.map(() => ({ chips: 4, share: 1, threshold: 0 })));
    const none = await run(scene, { patchSize: 64, threshold: 1 });
    expect(none.tags.every(({ chips }) => chips === 0)).toBe(true);
  });

  it('gives exactly one tag with models of one class per chip', async () => {
    const single = bandMeans(folder, { name: 'single', card: {
      task: 'classification', output: { dim_order: 'bc', activation: 'none', classes: TAGS.map((name, value) => ({ value, name, color_hint: '#aa0000' })) },
    } });
    await expect(run(await writeScene(fresh('scene.tif'), patches(40, 40)), { model: single, patchSize: 40, threshold: 0.5 })).rejects.toThrow('--threshold');
    const pixels = patches(120, 80);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { model: single, patchSize: 40 });
    const records = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8')).slice(1);
    for (const record of records) {
      const means = meansOf(pixels, Number(record[1]), Number(record[2]), 40);
      expect(record[7]).toBe(TAGS[means.indexOf(Math.max(...means))]!.replaceAll(' ', '_'));
    }
  });

  it('reduces chips that are larger than the model\'s input, and fills up scenes that are smaller', async () => {
    const small = bandMeans(folder, { name: 'small', size: 16, card: {
      input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, 16, 16], data_type: 'float32', window: 64 },
    } });
    const pixels = patches(128, 64);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { model: small });
    expect(result).toMatchObject({ patchSize: 64, chips: 2 });
    const records = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    meansOf(pixels, 64, 0, 64).forEach((mean, i) => expect(Math.abs(Number(records[2]![8 + i]) - mean)).toBeLessThan(3e-3));
    const tiny = await run(await writeScene(fresh('tiny.tif'), patches(20, 10)), { model: small });
    expect(tiny).toMatchObject({ chips: 1, predicted: 1 });
    expect(tiny.warnings.join()).toContain('reflection');
  });

  it('colours every chip in its rarest tag', async () => {
    const pixels = { width: 256, height: 128, data: new Uint8Array(256 * 128 * 3).fill(200) };
    // the right chip has no green and no blue to speak of
    for (let y = 0; y < 128; y++) for (let x = 128; x < 256; x++) pixels.data.set([200, 20, 20], (y * 256 + x) * 3);
    const result = await run(await writeScene(fresh('scene.tif'), pixels), { patchSize: 128 });
    const { data, info } = await sharp(join(result.output, 'map.png')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number): number[] => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
    // The map is 640 × 320 from (32, 94). Green and blue are on one chip each, red on both: the left chip is green.
    const [left, right] = [at(32 + 160, 94 + 160), at(32 + 480, 94 + 160)];
    expect(left[1]!).toBeGreaterThan(left[0]! + 80);
    expect(right[0]!).toBeGreaterThan(right[1]! + 80);
  });

  it('says what it would do, and writes nothing', async () => {
    const output = fresh('out');
    const plan = await classify({ input: await writeScene(fresh('scene.tif'), patches(250, 170)), model, output, patchSize: 64, dryRun: true });
    expect(plan).toMatchObject({ chips: 12, strips: 3, patchSize: 64, overlap: 0 });
    expect(plan.memory.peakBytes).toBeGreaterThan(50e6);
    expect(plan.secondsPerChip).toBeGreaterThan(0);
    expect(existsSync(output) || existsSync(`${output}.partial`)).toBe(false);
  });
});

describe('classify a folder of chips', () => {
  it('writes the tables and a submission, in the order of the names', async () => {
    const chips = fresh('chips');
    await mkdir(chips);
    const pixels = [patches(40, 40, 1), patches(40, 40, 2), patches(64, 64, 3)];
    for (const [i, name] of ['train_10.png', 'train_2.png', 'b.tif'].entries()) {
      const { data, width, height } = pixels[i]!;
      if (name.endsWith('tif')) await writeScene(join(chips, name), pixels[i]!);
      else await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(join(chips, name));
    }
    await rm(join(chips, 'b.tif.scratch'), { recursive: true, force: true });
    await writeFile(join(chips, 'readme.txt'), 'not a chip');
    const result = await run(chips);
    expect(readdirSync(result.output).sort()).toEqual(['chips.csv', 'chips.geojson', 'submission.csv', 'summary.json']);
    const records = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8')).slice(1);
    expect(records.map(([id]) => id)).toEqual(['b', 'train_2', 'train_10']);
    records.forEach((record, k) => {
      const source = pixels[[2, 1, 0][k]!]!;
      meansOf(source, 0, 0, source.width).forEach((mean, i) => expect(Math.abs(Number(record[8 + i]) - mean)).toBeLessThan(1e-5));
      expect(record[5] === '').toBe(k > 0);
    });
    const submission = readCsv(await readFile(join(result.output, 'submission.csv'), 'utf8'));
    expect(submission[0]).toEqual(['image_name', 'tags']);
    expect(submission.slice(1)).toEqual(records.map((record) => [record[0], record[7]]));
  });

  it.skipIf(!hasShared('planet/DECODE_REFERENCE.json'))('reads the competition\'s CMYK chips with their right colours', async () => {
    const reference = JSON.parse(await readFile(join(shared, 'planet/DECODE_REFERENCE.json'), 'utf8')) as Record<string, { right_rgb_mean: number[] }>;
    const chips = fresh('planet');
    await mkdir(chips);
    const names = Object.keys(reference).filter((name) => /^train\/.*\.jpg$/.test(name));
    for (const name of names) await copyFile(join(shared, 'planet', name), join(chips, name.slice(6)));
    const result = await run(chips);
    const records = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8')).slice(1);
    expect(records).toHaveLength(names.length);
    for (const record of records) {
      reference[`train/${record[0]}.jpg`]!.right_rgb_mean.forEach((mean, i) => expect(Math.abs(Number(record[8 + i]) * 255 - mean)).toBeLessThan(0.05));
    }
  });

  it('refuses chips of different sample types, by name', async () => {
    const wide = bandMeans(folder, { name: 'wide', card: { input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32', scene_data_types: ['uint8', 'uint16'] } } });
    const chips = fresh('mixed');
    await mkdir(chips);
    const pixels = { create: { width: 16, height: 16, channels: 3 as const, background: 'red' } };
    await sharp(pixels).png().toFile(join(chips, 'a.png'));
    await sharp(pixels).toColourspace('rgb16').png().toFile(join(chips, 'b.png'));
    await expect(run(chips, { model: wide })).rejects.toMatchObject({ name: 'InvalidFileError', message: expect.stringMatching(/b\.png: expected uint8 .* found uint16/) as unknown });
  });

  it('takes the files of another kind of run away when it replaces one', async () => {
    const chips = fresh('chips');
    await mkdir(chips);
    await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } }).png().toFile(join(chips, 'a.png'));
    const { output } = await run(chips);
    await writeFile(join(output, 'notes.txt'), 'mine');
    await run(await writeScene(fresh('scene.tif'), patches(32, 32)), { output, patchSize: 32, overwrite: true });
    expect(readdirSync(output).sort()).toEqual([...SCENE_FILES, 'notes.txt'].sort());
  });

  it('follows links to chips', async () => {
    const [there, chips] = [fresh('there'), fresh('links')];
    await mkdir(there);
    await mkdir(chips);
    await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } }).png().toFile(join(there, 'a.png'));
    await symlink(join(there, 'a.png'), join(chips, 'b.png'));
    await symlink(join(there, 'nothing.png'), join(chips, 'c.png'));
    const records = readCsv(await readFile(join((await run(chips)).output, 'chips.csv'), 'utf8')).slice(1);
    expect(records.map(([id]) => id)).toEqual(['b']);
  });

  it('refuses folders without chips, options for scenes, and its own folder as output', async () => {
    const empty = fresh('empty');
    await mkdir(empty);
    await expect(run(empty)).rejects.toThrow('holds no chips');
    await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toFile(join(empty, 'a.png'));
    await expect(run(empty, { patchSize: 8 })).rejects.toThrow('--patch-size');
    await expect(run(empty, { output: empty })).rejects.toThrow('-o');
    await writeFile(join(empty, 'broken.png'), 'no picture');
    const output = fresh('out');
    await expect(run(empty, { output })).rejects.toThrow('broken.png');
    expect(existsSync(output)).toBe(false);
  });

  it('tells of files that are pieces of one scene, and of chips much larger than the model\'s, once each', async () => {
    const large = bandMeans(folder, { name: 'of-32', size: 32, card: { input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, 32, 32], data_type: 'float32', window: 32 } } });
    const chips = fresh('pieces');
    await mkdir(chips);
    await writeScene(join(chips, 'west.tif'), patches(64, 64));
    await writeScene(join(chips, 'east.tif'), patches(64, 64), { x: 500_128 });
    const notesOf = async (options = {}): Promise<string[]> => (await run(chips, options)).warnings.filter((note) => !note.includes('scratch'));
    expect(await notesOf({ model: large })).toEqual([
      expect.stringMatching(/the 2 files of .*pieces lie on one grid, and each is taken as one chip; .* tilewright convert .*pieces scene\.tif/),
      expect.stringMatching(/chips of 64 × 64 pixels are much larger than those that of-32 was trained on \(32 × 32\)/),
    ]);
    // Far from each other, or of one place: no scene.
    await writeScene(join(chips, 'east.tif'), patches(64, 64), { x: 500_000 });
    expect(await notesOf()).toEqual([]);
    await writeScene(join(chips, 'east.tif'), patches(64, 64), { x: 501_000 });
    expect(await notesOf()).toEqual([]);
  });

  it('stretches 16-bit chips all alike, and says what to do without', async () => {
    const chips = fresh('chips16');
    await mkdir(chips);
    for (const [i, value] of [1000, 3000].entries()) {
      const writer = await createCog({ width: 32, height: 32, bands: 4, dtype: 'uint16', scratch: join(chips, 'scratch') });
      await writer.write(Uint16Array.from({ length: 32 * 32 * 4 }, () => value), 32);
      await writer.finish(join(chips, `${i}.tif`));
      await writer.abort();
    }
    await expect(run(chips)).rejects.toMatchObject({ code: 'MODEL', advice: expect.stringMatching(/--stretch percentile:2,98 or minmax.*3 bands \(red, green, blue\) of 4.*--bands 1,2,3/) as string });
    const result = await run(chips, { bands: [1, 2, 3], stretch: { kind: 'percentile', low: 0, high: 100 } });
    const [, dark, bright] = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    expect(dark!.slice(-3).map(Number)).toEqual([0, 0, 0]);
    expect(bright!.slice(-3).map(Number)).toEqual([1, 1, 1]);
    expect(result.stretch).toMatchObject({ kind: 'percentile', dtype: 'uint8', bands: [1, 2, 3, 4].map((band) => ({ band, factor: 255 / 2000, offset: -127.5 })) });
  });

  it('takes the bands that have the names of the card, where each has one, and says so', async () => {
    const scene = fresh('named.tif');
    const writer = await createCog({ width: 32, height: 32, bands: 4, dtype: 'uint8', scratch: `${scene}.scratch`, bandNames: ['nir', 'Blue', 'Green', 'Red'] });
    await writer.write(Uint8Array.from({ length: 32 * 32 * 4 }, (_, i) => [255, 51, 102, 204][i % 4]!), 32);
    await writer.finish(scene);
    await writer.abort();
    const result = await run(scene, { patchSize: 32 });
    expect(result.warnings).toContain('bands 4, 3, 2 were taken by their names (red, green, blue)');
    const [, chip] = readCsv(await readFile(join(result.output, 'chips.csv'), 'utf8'));
    [0.8, 0.4, 0.2].forEach((mean, i) => expect(Number(chip!.at(-3 + i))).toBeCloseTo(mean, 5));
  });
});

describe('bad input', () => {
  it('is refused before anything is written', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const output = fresh('out');
    const other = bandMeans(folder, { name: 'embeds-only', card: { task: 'embedding', output: { dim_order: 'bc', activation: 'none', classes: [], features: { name: 'scores', dimensions: 3 } } } });
    for (const [options, message] of [
      [{ overlap: 32, patchSize: 32 }, '--overlap'],
      [{ bands: [1, 2] }, '--bands'],
      [{ bands: [1, 2, 9] }, '--bands'],
      [{ model: join(folder, 'nothing') }, 'nothing'],
      [{ model: other }, 'use: tilewright embed'],
    ] as const) await expect(run(scene, { output, ...options }), message).rejects.toThrow(expect.objectContaining({ name: expect.stringMatching(/Error$/) as unknown }) as Error);
    await expect(run(join(folder, 'missing.tif'), { output })).rejects.toThrow('no such file or folder');
    expect(existsSync(output) || existsSync(`${output}.partial`)).toBe(false);
  });

  it('does not replace results without being told to', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const first = await run(scene, { patchSize: 32 });
    await expect(run(scene, { patchSize: 64, output: first.output })).rejects.toThrow('exists');
    const second = await run(scene, { patchSize: 64, output: first.output, overwrite: true });
    expect(second.chips).toBe(1);
    expect(readCsv(await readFile(join(first.output, 'chips.csv'), 'utf8'))).toHaveLength(2);
  });
});

describe('a run that is killed', () => {
  const strips = 12;
  for (const overwrite of [false, true]) {
    it(`goes on, and ends with the bytes of an uninterrupted one${overwrite ? ', also with --overwrite' : ''}`, async () => {
      const pixels = patches(200, 32 * strips);
      erase(pixels, 0, 64, 200, 64);
      const scene = await writeScene(fresh('scene.tif'), pixels);
      const whole = await run(scene, { patchSize: 32, output: fresh('whole') });
      const output = fresh('killed');
      for (const after of overwrite ? [7] : [3, 7]) expect(await killAfter(after, { input: scene, model, output, patchSize: 32, overwrite })).toBe('SIGKILL');
      expect(existsSync(output)).toBe(false);
      await expect(run(scene, { patchSize: 40, output })).rejects.toThrow('another patch size');
      const resumed = await run(scene, { patchSize: 32, output, overwrite });
      expect(resumed.resumedStrips).toBe(7);
      for (const file of SCENE_FILES) expect(await digest(join(output, file)), file).toBe(await digest(join(whole.output, file)));
    });
  }

  it('goes on in a folder of chips, too', async () => {
    const chips = fresh('many');
    await mkdir(chips);
    await Promise.all(Array.from({ length: 150 }, (_, i) => sharp({ create: { width: 8, height: 8, channels: 3, background: { r: i, g: 255 - i, b: 7 } } }).png().toFile(join(chips, `chip_${i}.png`))));
    const whole = await run(chips, { output: fresh('whole') });
    const output = fresh('killed');
    expect(await killAfter(128, { input: chips, model, output })).toBe('SIGKILL');
    expect((await run(chips, { output })).resumedStrips).toBe(2);
    for (const file of ['chips.csv', 'chips.geojson', 'submission.csv', 'summary.json']) expect(await digest(join(output, file)), file).toBe(await digest(join(whole.output, file)));
    const records = readCsv(await readFile(join(output, 'chips.csv'), 'utf8'));
    expect(records.slice(1).map((record) => Math.round(Number(record[8]) * 255))).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });

  it('goes on where it gave its files their names', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const whole = await run(scene, { patchSize: 32 });
    const output = fresh('out');
    for (const moment of [{ call: 'link', path: 'chips.geojson', when: 'before' }, { call: 'link', path: 'map.png', when: 'after' }] satisfies Moment[]) {
      expect(await runCommand(folder, ['classify', scene, '-m', model, '-o', output, '--patch-size', '32'], moment)).toBe('killed');
      expect(existsSync(join(output, 'chips.csv'))).toBe(true);
      expect(existsSync(join(output, 'summary.json'))).toBe(false);
    }
    expect((await run(scene, { patchSize: 32, output })).resumedStrips).toBe(2);
    for (const file of SCENE_FILES) expect(await digest(join(output, file)), file).toBe(await digest(join(whole.output, file)));
  });

  it('leaves files that appear in its folder while it works, and writes none beside them', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 320));
    const output = fresh('out');
    const meanwhile = { onProgress: ({ done }: { readonly done: number }) => { if (done === 4) { mkdirSync(output); writeFileSync(join(output, 'submission.csv'), 'theirs'); } } };
    await expect(classify({ input: scene, model, output, patchSize: 32 }, meanwhile)).rejects.toThrow('submission.csv exists, and did not when the run began');
    expect(readdirSync(output)).toEqual(['submission.csv']);
    rmSync(output, { recursive: true });
    const result = await run(scene, { patchSize: 32, output });
    expect(result.resumedStrips).toBe(result.strips);
    expect(readdirSync(output).sort()).toEqual(SCENE_FILES);
  });

  it('makes no folder in a dry run, not even the one above', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const above = fresh('above');
    await classify({ input: scene, model, output: join(above, 'out'), patchSize: 32, dryRun: true });
    expect(existsSync(above)).toBe(false);
  });

  it('stops within a second when it is told to, and keeps what is finished', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 320));
    const output = fresh('out');
    const controller = new AbortController();
    const promise = classify({ input: scene, model, output, patchSize: 32 }, { signal: controller.signal, onProgress: ({ done }) => { if (done === 4) controller.abort(); } });
    await expect(promise).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect((await run(scene, { patchSize: 32, output })).resumedStrips).toBeGreaterThanOrEqual(4);
  });
});

interface GeoJson {
  readonly features: readonly { readonly geometry: { readonly coordinates: readonly (readonly (readonly number[])[])[] } | null; readonly properties: Record<string, unknown> }[];
}

/** Runs classify in a process that is killed with signal 9 as soon as it reports strip `after`. */
async function killAfter(after: number, options: Parameters<typeof classify>[0]): Promise<NodeJS.Signals | null> {
  const script = fresh('killed.mjs');
  await writeFile(script, `
    import { classify } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/tasks/classify.js')).href)};
    await classify(${JSON.stringify(options)}, { onProgress: ({ done }) => { if (done === ${after}) process.kill(process.pid, 'SIGKILL'); } });`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (_code, signal) => resolve(signal));
  });
}

async function digest(path: string): Promise<string> {
  return createHash('sha256').update(await readFile(path)).digest('hex');
}
