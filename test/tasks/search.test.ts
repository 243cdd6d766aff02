import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openIndex } from '../../src/index-store/index.js';
import type { IndexEntry } from '../../src/index-store/index.js';
import { embed } from '../../src/tasks/embed.js';
import type { EmbedOptions, EmbedResult } from '../../src/tasks/embed.js';
import { search } from '../../src/tasks/search.js';
import { scratch } from '../places.js';
import { bandMeans, erase, patches, writeScene } from './chip-models.js';
import type { Pixels } from './chip-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const model = bandMeans(folder);

async function run({ input, ...options }: Omit<EmbedOptions, 'model' | 'index' | 'inputs'> & Partial<EmbedOptions> & { readonly input: string }): Promise<EmbedResult> {
  return await embed({ model, index: fresh('index'), inputs: [input], ...options }) as EmbedResult;
}

async function read(folder: string): Promise<{ lines: IndexEntry[]; rows: number[][] }> {
  const index = await openIndex(folder);
  const numbers = Array.from({ length: index.count }, (_, row) => row);
  const lines = await index.entries(numbers);
  const rows: number[][] = [];
  for (const row of numbers) rows.push([...await index.vector(row)]);
  await index.close();
  return { lines, rows };
}

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
    await expect(search({ index, at: [36.1441772, 15.0044462] })).rejects.toMatchObject({ message: expect.stringContaining('lies outside every scene') as unknown, advice: 'the longitude comes first: 15.0044462,36.1441772 lies in a scene' });
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

  it('enlarges a picture as the chips of a folder were that are smaller than the model\'s input', async () => {
    const chips = fresh('small-chips');
    await mkdir(chips);
    const pixels = patches(64, 64);
    for (const [i, left] of [0, 16, 32, 48].entries()) await sharp(pixels.data, { raw: { width: 64, height: 64, channels: 3 } }).extract({ left, top: 0, width: 16, height: 16 }).png().toFile(join(chips, `c${i}.png`));
    const fixed = bandMeans(folder, { name: 'fixed', size: 32 });
    const { index } = await run({ input: chips, model: fixed });
    const found = await search({ index, image: join(chips, 'c2.png'), k: 1 });
    expect(found.results[0]).toMatchObject({ id: `${basename(chips)}/c2`, distance: expect.closeTo(0, 6) as number });
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

async function chipFolder(count: number): Promise<string> {
  const chips = fresh('chips');
  await mkdir(chips);
  for (let i = 1; i <= count; i++) {
    const { data, width, height } = patches(40, 40, i);
    await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(join(chips, `chip_${i}.png`));
  }
  return chips;
}
