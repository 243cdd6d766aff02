import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/tasks/classify.js';
import { embed } from '../../src/tasks/embed.js';
import type { EmbedOptions, EmbedResult } from '../../src/tasks/embed.js';
import { search } from '../../src/tasks/search.js';
import { tile } from '../../src/tasks/tile.js';
import { root, scratch } from '../places.js';
import { bandMeans, erase, meansOf, patches, writeScene } from './chip-models.js';
import type { Pixels } from './chip-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const model = bandMeans(folder);
const FILES = ['vectors.f32', 'entries.jsonl', 'index.json'];

async function run(options: Omit<EmbedOptions, 'model' | 'index'> & Partial<EmbedOptions>): Promise<EmbedResult> {
  return await embed({ model, index: fresh('index'), ...options }) as EmbedResult;
}

interface Line { readonly id: string; readonly scene: string; readonly window: { readonly x: number; readonly y: number; readonly width: number }; readonly lon?: number; readonly lat?: number }

async function read(index: string, length = 3): Promise<{ lines: Line[]; rows: number[][] }> {
  const lines = (await readFile(join(index, 'entries.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Line);
  const bytes = await readFile(join(index, 'vectors.f32'));
  const vectors = new Float32Array(new Uint8Array(bytes).buffer);
  return { lines, rows: lines.map((_, i) => [...vectors.subarray(i * length, (i + 1) * length)]) };
}

describe('embed', () => {
  it('gives every chip of a scene its vector, its place and an id with the scene\'s name', async () => {
    const pixels = patches(200, 130);
    const scene = await writeScene(fresh('town.tif'), pixels);
    const result = await run({ input: scene, patchSize: 64, overlap: 16 });
    const { lines, rows } = await read(result.index);
    expect(result).toMatchObject({ added: 12, count: 12, nodata: 0, dimensions: 3, source: basename(scene, '.tif') });
    lines.forEach(({ window, id, scene: path }, i) => {
      expect(window).toMatchObject({ x: [0, 48, 96, 136][i % 4], y: [0, 48, 66][Math.floor(i / 4)], width: 64 });
      expect(id).toBe(`${basename(scene, '.tif')}_r000${Math.floor(i / 4)}_c000${i % 4}`);
      expect(path).toBe(scene);
      meansOf(pixels, window.x, window.y, 64).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(1e-5));
    });
  });

  it('leaves chips without data out', async () => {
    const pixels = patches(128, 64);
    erase(pixels, 0, 0, 64, 64);
    const result = await run({ input: await writeScene(fresh('scene.tif'), pixels), patchSize: 64 });
    expect(result).toMatchObject({ added: 1, nodata: 1 });
    expect((await read(result.index)).lines[0]!.window.x).toBe(64);
    erase(pixels, 64, 0, 64, 64);
    const empty = await run({ input: await writeScene(fresh('scene.tif'), pixels), patchSize: 64 });
    expect(empty).toMatchObject({ added: 0, count: 0, nodata: 2 });
    await expect(search({ index: empty.index, id: 'x' })).rejects.toThrow('the index is empty');
  });

  it('adds scenes, folders and tiles to one index, each once', async () => {
    const first = await writeScene(fresh('first.tif'), patches(128, 64, 1));
    const { index } = await run({ input: first, patchSize: 64 });
    const chips = await chipFolder(3);
    expect(await run({ input: chips, index })).toMatchObject({ added: 3, count: 5 });
    const again = await run({ input: first, index, patchSize: 64 });
    expect(again).toMatchObject({ added: 0, count: 5 });
    expect(again.warnings.join()).toContain('in the index already');
    await expect(run({ input: first, index, patchSize: 32 })).rejects.toThrow('has other entries of the name');
    const tiles = fresh('tiles');
    const whole = await writeScene(fresh('second.tif'), patches(100, 60, 2));
    await tile({ scene: whole, folder: tiles, patchSize: 40, overlap: 0, format: 'png' });
    expect(await run({ input: join(tiles, 'tiles.json'), index })).toMatchObject({ added: 6, count: 11 });
    const { lines } = await read(index);
    expect(lines[2]!.id).toBe(`${basename(chips)}/chip_1`);
    expect(lines[5]!.id.startsWith(`${basename(whole, '.tif')}/`)).toBe(true);
    expect(lines[5]!.lon).toBeCloseTo(15, 2);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(11);
  });

  it('refuses an index of another model, a folder with other files, and a model without features', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const { index } = await run({ input: scene, patchSize: 32 });
    const other = bandMeans(folder, { name: 'other', factor: 1 / 100 });
    const before = await digests(index);
    await expect(run({ input: await writeScene(fresh('next.tif'), patches(64, 64)), index, model: other, patchSize: 32 })).rejects.toThrow('was made with band-means');
    expect(await digests(index)).toEqual(before);
    const foreign = fresh('foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'thesis.txt'), 'x');
    await expect(run({ input: scene, index: foreign })).rejects.toThrow('thesis.txt');
    const plain = bandMeans(folder, { name: 'plain', card: { output: { dim_order: 'bc', activation: 'none', classes: [{ value: 0, name: 'a', color_hint: '#000000' }, { value: 1, name: 'b', color_hint: '#000000' }, { value: 2, name: 'c', color_hint: '#000000' }] } } });
    await expect(run({ input: scene, model: plain })).rejects.toThrow('gives no features');
    const anew = await run({ input: scene, index, model: other, patchSize: 64, overwrite: true });
    expect(anew).toMatchObject({ added: 1, count: 1, model: 'other' });
  });

  it('goes on after kill -9, with the bytes of an uninterrupted run, and an index that was there stays as it was', async () => {
    const base = await writeScene(fresh('base.tif'), patches(64, 64, 3));
    const pixels = patches(100, 320);
    erase(pixels, 0, 96, 100, 40);
    const scene = await writeScene(fresh('long.tif'), pixels);
    const whole = await run({ input: base, patchSize: 32 });
    await run({ input: scene, index: whole.index, patchSize: 32 });
    const killed = await run({ input: base, patchSize: 32 });
    const before = await digests(killed.index);
    for (const after of [2, 6]) expect(await killAfter(after, { input: scene, model, index: killed.index, patchSize: 32 })).toBe('SIGKILL');
    expect(await digests(killed.index)).toEqual(before);
    expect(await run({ input: scene, index: killed.index, patchSize: 32 })).toMatchObject({ resumedStrips: 6 });
    expect(await digests(killed.index)).toEqual(await digests(whole.index));
    expect(existsSync(`${killed.index}.partial`)).toBe(false);
  });
});

describe('search', () => {
  const setup = async (): Promise<{ index: string; scene: string; pixels: Pixels }> => {
    const pixels = patches(256, 128);
    const scene = await writeScene(fresh('scene.tif'), pixels);
    return { index: (await run({ input: scene, patchSize: 64 })).index, scene, pixels };
  };

  it('orders the entries by their distance to the one that is searched for, itself first', async () => {
    const { index, scene } = await setup();
    const name = basename(scene, '.tif');
    const id = `${name}_r0001_c0002`;
    const { lines, rows } = await read(index);
    const own = rows[lines.findIndex((line) => line.id === id)]!;
    for (const metric of ['l2', 'cosine'] as const) {
      const distance = (row: readonly number[]): number => (metric === 'l2' ? Math.hypot(...row.map((v, i) => v - own[i]!))
        : 1 - row.reduce((sum, v, i) => sum + v * own[i]!, 0) / Math.hypot(...row) / Math.hypot(...own));
      const expected = lines.map((line, i) => ({ id: line.id, distance: distance(rows[i]!) })).sort((a, b) => a.distance - b.distance);
      const found = await search({ index, id, k: 5, metric });
      expect(found.results.map((hit) => hit.id)).toEqual(expected.slice(0, 5).map((one) => one.id));
      found.results.forEach((hit, i) => expect(Math.abs(hit.distance - expected[i]!.distance)).toBeLessThan(1e-9));
      expect(found.results[0]).toMatchObject({ rank: 1, id, distance: expect.closeTo(0, 9) as unknown, scene, window: { x: 128, y: 64, width: 64, height: 64 } });
    }
    expect((await search({ index, id, k: 100 })).results).toHaveLength(8);
  });

  it('finds the chip at a place', async () => {
    const { index, scene } = await setup();
    // pyproj: easting 500,000 + 2 × 200, northing 4,000,000 − 2 × 30 in EPSG:32633: the chip in row 0, column 3
    const found = await search({ index, at: [15.0044462, 36.1441772], k: 1 });
    expect(found.results[0]!.id).toBe(`${basename(scene, '.tif')}_r0000_c0003`);
    expect(found.query).toMatchObject({ kind: 'at', window: { x: 192, y: 0 } });
    await expect(search({ index, at: [16, 36.1] })).rejects.toThrow('lies outside every scene');
    await expect(search({ index, at: [15, 136] })).rejects.toThrow('--at');
    const chips = await run({ input: await chipFolder(2) });
    await expect(search({ index: chips.index, at: [15, 36] })).rejects.toThrow('no scene of');
  });

  it('finds georeferenced chip files by place, and says so where a scene has no data', async () => {
    const chips = fresh('chips');
    await mkdir(chips);
    await writeScene(join(chips, 'a.tif'), patches(64, 64));
    await rm(join(chips, 'a.tif.scratch'), { recursive: true, force: true });
    const files = await run({ input: chips });
    expect((await search({ index: files.index, at: [15.0005, 36.1444] })).results[0]!.id).toBe(`${basename(chips)}/a`);
    await expect(search({ index: files.index, at: [15.005, 36.1444] })).rejects.toThrow('outside');
    const pixels = patches(128, 64);
    erase(pixels, 0, 0, 64, 64);
    const holed = await run({ input: await writeScene(fresh('holed.tif'), pixels), patchSize: 64 });
    await expect(search({ index: holed.index, at: [15.0005, 36.1444] })).rejects.toThrow('without data');
  });

  it('embeds a picture with the index\'s model, and finds its own chip first', async () => {
    const { index, scene, pixels } = await setup();
    const picture = fresh('query.png');
    await sharp(pixels.data, { raw: { width: 256, height: 128, channels: 3 } }).extract({ left: 64, top: 64, width: 64, height: 64 }).png().toFile(picture);
    const found = await search({ index, image: picture, k: 2 });
    expect(found.results[0]!.id).toBe(`${basename(scene, '.tif')}_r0001_c0001`);
    expect(found.results[0]!.distance).toBeLessThan(1e-6);
    const wide = fresh('wide.png');
    await sharp(pixels.data, { raw: { width: 256, height: 128, channels: 3 } }).png().toFile(wide);
    expect((await search({ index, image: wide })).warnings.join()).toContain('middle 128 × 128');
    const grey = fresh('grey.png');
    await sharp({ create: { width: 64, height: 64, channels: 3, background: 'grey' } }).toColourspace('b-w').png().toFile(grey);
    await expect(search({ index, image: grey })).rejects.toThrow('--bands');
    await expect(search({ index, image: fresh('none.png') })).rejects.toThrow('no such file');
    await expect(search({ index, image: picture, model: bandMeans(folder, { name: 'third', factor: 2 }) })).rejects.toThrow('is not the model');
  });

  it('takes exactly one kind of query, and k from 1', async () => {
    const { index } = await setup();
    await expect(search({ index })).rejects.toThrow('got none');
    await expect(search({ index, id: 'a', at: [0, 0] })).rejects.toThrow('got several');
    await expect(search({ index, id: 'nobody' })).rejects.toThrow('no entry');
    await expect(search({ index, id: 'a', k: 0 })).rejects.toThrow('-k');
    await expect(search({ index: folder, id: 'a' })).rejects.toThrow('found no index.json');
  });

  it('draws the query and the results from their scenes, and says where a scene is gone', async () => {
    const pixels = { width: 128, height: 64, data: new Uint8Array(128 * 64 * 3) };
    for (let i = 0; i < 128 * 64; i++) pixels.data.set(i % 128 < 64 ? [250, 10, 10] : [10, 10, 250], i * 3);
    const scene = await writeScene(fresh('two.tif'), pixels);
    const { index } = await run({ input: scene, patchSize: 64 });
    const sheet = fresh('sheet.png');
    const id = `${basename(scene, '.tif')}_r0000_c0001`;
    expect(await search({ index, id, sheet })).toMatchObject({ sheet, warnings: [] });
    const { data, info } = await sharp(sheet).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const count = ([r, g, b]: readonly number[]): number => { let n = 0; for (let i = 0; i < info.width * info.height; i++) if (data[i * 3] === r && data[i * 3 + 1] === g && data[i * 3 + 2] === b) n++; return n; };
    expect(count([10, 10, 250])).toBeGreaterThan(2 * count([250, 10, 10]) * 0.9);
    expect(count([250, 10, 10])).toBeGreaterThan(200 * 200);
    await expect(search({ index, id, sheet })).rejects.toThrow('exists');
    await rm(scene);
    const gone = await search({ index, id, sheet, overwrite: true });
    expect(gone.warnings.join()).toContain('no pictures of');
    expect(gone.results).toHaveLength(2);
  });
});

describe('classify and embed', () => {
  it('name the same chips alike', async () => {
    const scene = await writeScene(fresh('same.tif'), patches(128, 64));
    const output = fresh('out');
    await classify({ input: scene, model, output, patchSize: 64 });
    const { lines } = await read((await run({ input: scene, patchSize: 64 })).index);
    const table = await readFile(join(output, 'chips.csv'), 'utf8');
    expect(table.split('\r\n').slice(1, 3).map((line) => line.split(',')[0])).toEqual(lines.map(({ id }) => id));
  });
});

async function chipFolder(count: number): Promise<string> {
  const chips = fresh('chips');
  await mkdir(chips);
  for (let i = 1; i <= count; i++) {
    const { data, width, height } = patches(40, 40, i);
    await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(join(chips, `chip_${i}.png`));
  }
  return chips;
}

async function digests(index: string): Promise<string[]> {
  // index.json names the folder of the scene, not its own: two indexes of the same scenes are equal.
  return Promise.all(FILES.map(async (file) => createHash('sha256').update(await readFile(join(index, file))).digest('hex')));
}

async function killAfter(after: number, options: EmbedOptions): Promise<NodeJS.Signals | null> {
  const script = fresh('killed.mjs');
  await writeFile(script, `
    import { embed } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/tasks/embed.js')).href)};
    await embed(${JSON.stringify(options)}, { onProgress: ({ done }) => { if (done === ${after}) process.kill(process.pid, 'SIGKILL'); } });`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (_code, signal) => resolve(signal));
  });
}
