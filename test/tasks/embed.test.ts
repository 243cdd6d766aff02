import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../src/card/index.js';
import { openIndex, readManifest } from '../../src/index-store/index.js';
import type { IndexEntry } from '../../src/index-store/index.js';
import { loadModel } from '../../src/predict/index.js';
import { classify } from '../../src/tasks/classify.js';
import { embed } from '../../src/tasks/embed.js';
import type { EmbedOptions, EmbedResult } from '../../src/tasks/embed.js';
import { indexBuild } from '../../src/tasks/index-build.js';
import { indexInfo } from '../../src/tasks/index-info.js';
import { indexMerge } from '../../src/tasks/index-merge.js';
import { indexRemove } from '../../src/tasks/index-remove.js';
import { search } from '../../src/tasks/search.js';
import { tile } from '../../src/tasks/tile.js';
import { root, scratch } from '../places.js';
import { bandMeans, erase, meansOf, patches, writeScene } from './chip-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const model = bandMeans(folder);

type Run = Omit<EmbedOptions, 'model' | 'index' | 'inputs'> & Partial<EmbedOptions> & { readonly input?: string };

async function run({ input, ...options }: Run): Promise<EmbedResult> {
  return await embed({ model, index: fresh('index'), inputs: input === undefined ? [] : [input], ...options }) as EmbedResult;
}

async function read(index: string): Promise<{ lines: IndexEntry[]; rows: number[][] }> {
  const opened = await openIndex(index);
  expect(opened.notes).toEqual([]);
  const numbers = Array.from({ length: opened.count }, (_, row) => row);
  const lines = await opened.entries(numbers);
  const rows: number[][] = [];
  for (const row of numbers) rows.push([...await opened.vector(row)]);
  await opened.close();
  return { lines, rows };
}

describe('embed', () => {
  it('gives every chip of a scene its vector, its place and an id with the scene\'s name', async () => {
    const pixels = patches(200, 130);
    const scene = await writeScene(fresh('town.tif'), pixels);
    const result = await run({ input: scene, patchSize: 64, overlap: 16 });
    const { lines, rows } = await read(result.index);
    expect(result).toMatchObject({ added: 12, count: 12, nodata: 0, dimensions: 3, layer: 'scores', sources: [{ name: basename(scene, '.tif'), added: 12, nodata: 0 }] });
    lines.forEach(({ window, id, scene: path, scale, gsd, footprint }, i) => {
      expect(window).toMatchObject({ x: [0, 48, 96, 136][i % 4], y: [0, 48, 66][Math.floor(i / 4)], width: 64 });
      expect(id).toBe(`${basename(scene, '.tif')}_r000${Math.floor(i / 4)}_c000${i % 4}`);
      expect(path).toBe(scene);
      expect(scale).toBe(1);
      expect(gsd).toBeCloseTo(2, 2);
      expect(footprint).toHaveLength(5);
      meansOf(pixels, window.x, window.y, 64).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(1e-5));
    });
  });

  it('takes another picture of a file that holds several; ids and pictures are that one\'s', async () => {
    const [first, second] = [patches(128, 64), { ...patches(128, 64), data: patches(128, 64).data.map((value) => 255 - value) }];
    const file = fresh('pages.tif');
    await sharp(Buffer.concat([first.data, second.data]), { raw: { width: 128, height: 128, channels: 3, pageHeight: 64 } }).tiff({ compression: 'none' }).toFile(file);
    const result = await run({ input: file, patchSize: 64, page: 1 });
    const { lines, rows } = await read(result.index);
    expect(lines.map(({ id }) => id)).toEqual([0, 1].map((column) => `${basename(file, '.tif')}_p2_r0000_c000${column}`));
    lines.forEach(({ window }, i) => meansOf(second, window.x, window.y, 64).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(1e-5)));
    expect((await readManifest(result.index)).sources[0]).toMatchObject({ page: 1 });
    const sheet = fresh('sheet.png');
    expect((await search({ index: result.index, id: lines[0]!.id, k: 1, sheet })).warnings).toEqual([]);
    // The query's picture stands on the sheet: no pixel of the first page has its colours there.
    const { data } = await sharp(sheet).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const has = (pixels: typeof first): boolean => {
      const [r, g, b] = pixels.data.subarray((32 * 128 + 32) * 3, (32 * 128 + 32) * 3 + 3);
      for (let i = 0; i < data.length; i += 3) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
      return false;
    };
    expect([has(second), has(first)]).toEqual([true, false]);
    // With the first page in the same index, whose name begins the other's ids as well, each still has its own picture.
    const both = (await run({ input: file, patchSize: 64 })).index;
    await run({ input: file, patchSize: 64, page: 1, index: both, append: true });
    for (const [id, own, other] of [[lines[0]!.id, second, first], [lines[0]!.id.replace('_p2', ''), first, second]] as const) {
      const picture = fresh('own.png');
      await search({ index: both, id, k: 1, sheet: picture });
      const colors = await sharp(picture).removeAlpha().raw().toBuffer();
      const at = (pixels: typeof first): string => pixels.data.subarray((32 * 128 + 32) * 3, (32 * 128 + 32) * 3 + 3).join();
      const shown = new Set(Array.from({ length: colors.length / 3 }, (_, i) => colors.subarray(i * 3, i * 3 + 3).join()));
      expect([shown.has(at(own)), shown.has(at(other))]).toEqual([true, false]);
    }
    const tags = fresh('tags');
    await classify({ input: file, model, output: tags, patchSize: 64, page: 1 });
    const table = (await readFile(join(tags, 'chips.csv'), 'utf8')).trim().split('\r\n').slice(1);
    expect(table.map((line) => line.split(',')[0])).toEqual(lines.map(({ id }) => id));
    await expect(run({ input: file, patchSize: 64, page: 2 })).rejects.toThrow(/page/);
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
    await expect(search({ index: empty.index, id: 'x' })).rejects.toThrow('empty');
    expect(await indexInfo({ index: empty.index })).toMatchObject({ count: 0, bounds: null });
  });

  it('takes several scenes, folders and lists of tiles at once, and adds to an index only where it is asked to', async () => {
    const first = await writeScene(fresh('first.tif'), patches(128, 64, 1));
    const second = await writeScene(fresh('second.tif'), patches(64, 192, 4));
    const { index, warnings } = await run({ inputs: [first, second], patchSize: 64 });
    expect(warnings).toEqual([]);
    expect((await readManifest(index)).sources.map(({ name, count }) => [name, count])).toEqual([[basename(first, '.tif'), 2], [basename(second, '.tif'), 3]]);
    const chips = await chipFolder(3);
    const before = await digests(index);
    await expect(run({ input: chips, index })).rejects.toMatchObject({ option: '--index', advice: expect.stringContaining('--append') as unknown });
    expect(await digests(index)).toEqual(before);
    expect(await run({ input: chips, index, append: true })).toMatchObject({ added: 3, count: 8 });
    const again = await run({ inputs: [second, first], index, patchSize: 64 });
    expect(again).toMatchObject({ added: 0, count: 8 });
    expect(again.warnings.join()).toContain('in the index already');
    await expect(run({ input: first, index, patchSize: 32, append: true })).rejects.toThrow('has other entries of the name');
    const tiles = fresh('tiles');
    const whole = await writeScene(fresh('third.tif'), patches(100, 60, 2));
    await tile({ scene: whole, folder: tiles, patchSize: 40, overlap: 0, format: 'png' });
    expect(await run({ inputs: [join(tiles, 'tiles.json'), chips], index, append: true })).toMatchObject({ added: 6, count: 14 });
    const { lines } = await read(index);
    expect(lines[5]!.id).toBe(`${basename(chips)}/chip_1`);
    expect(lines[8]!.id.startsWith(`${basename(whole, '.tif')}/`)).toBe(true);
    expect(lines[8]!.lon).toBeCloseTo(15, 2);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(14);
    await expect(run({ inputs: [first, first] })).rejects.toThrow('two inputs are called');
    await expect(run({ inputs: [] })).rejects.toThrow('got none');
  });

  it('embeds at several scales: averages over larger ground, brought to the size of the model', async () => {
    const pixels = patches(300, 260);
    const scene = await writeScene(fresh('wide.tif'), pixels);
    const { index, added } = await run({ input: scene, patchSize: 64, scales: [1, 2, 4] });
    const { lines, rows } = await read(index);
    // 5 × 5 chips, then 3 × 3 of 128 pixels (150 and 130 wide), then 2 × 2 of 256 (75 and 65).
    expect(added).toBe(25 + 9 + 4);
    expect(lines.filter(({ scale }) => scale === 2)).toHaveLength(9);
    lines.forEach(({ window, scale, gsd, id }, i) => {
      expect(window.width).toBe(64 * scale);
      expect(gsd! / scale).toBeCloseTo(2, 2);
      expect(id.includes(`_x${scale}_`)).toBe(scale !== 1);
      // Means of four bytes are rounded half up: an eighth too high on average, for every time that pixels are halved.
      meansOf(pixels, window.x, window.y, window.width).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(scale === 1 ? 1e-5 : 0.3 / 255));
    });
    const small = await writeScene(fresh('small.tif'), patches(100, 100));
    const some = await run({ input: small, patchSize: 64, scales: [1, 4] });
    expect(some.warnings.join()).toContain('smaller than one chip at scale 4');
    await expect(run({ input: small, patchSize: 64, scales: [4] })).rejects.toThrow('--scales');
    await expect(run({ input: small, scales: [0] })).rejects.toThrow('--scales');
    await expect(run({ input: await chipFolder(1), scales: [2] })).rejects.toThrow('--scales');
  });

  it('sees a scene at other metres per pixel where it is told to', async () => {
    const pixels = patches(256, 128);
    const { index } = await run({ input: await writeScene(fresh('fine.tif'), pixels), patchSize: 32, gsd: 4 });
    const { lines, rows } = await read(index);
    expect(lines).toHaveLength(4 * 2);
    lines.forEach(({ window, gsd }, i) => {
      expect(gsd).toBeCloseTo(4, 1);
      [64 * (i % 4), 64 * Math.floor(i / 4), 64, 64].forEach((edge, e) => expect(Math.abs([window.x, window.y, window.width, window.height][e]! - edge)).toBeLessThanOrEqual(1));
      meansOf(pixels, window.x, window.y, 64).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(1 / 255));
    });
  });

  it('takes any tensor of the graph; another layer cannot be added', async () => {
    const pixels = patches(64, 64);
    const scene = await writeScene(fresh('scene.tif'), pixels);
    // 'scaled' is a map of three channels in the middle of the graph: pooled, it is what the model's own features are.
    const { index } = await run({ input: scene, patchSize: 32, layer: 'scaled' });
    const manifest = await readManifest(index);
    expect(manifest).toMatchObject({ dimensions: 3, model: { layer: 'scaled', name: 'band-means' } });
    const { lines, rows } = await read(index);
    lines.forEach(({ window }, i) => meansOf(pixels, window.x, window.y, 32).forEach((mean, b) => expect(Math.abs(rows[i]![b]! - mean)).toBeLessThan(1e-5)));
    const next = await writeScene(fresh('next.tif'), pixels);
    await expect(run({ input: next, index, patchSize: 32, append: true })).rejects.toMatchObject({ option: '--layer', message: expect.stringContaining('was made of layer scaled') as unknown });
    await expect(run({ input: scene, layer: 'nothing' })).rejects.toMatchObject({ name: 'ModelError', message: expect.stringContaining('no node of its graph gives nothing') as unknown });
  });

  it('keeps the tags of a table for folders of chips', async () => {
    const chips = await chipFolder(3);
    const tags = fresh('tags.csv');
    await writeFile(tags, 'image_name,tags\nchip_1,road water\nchip_3.png,\n');
    const result = await run({ input: chips, tags });
    expect(result.warnings.join()).toContain('1 of 3 chips');
    expect((await read(result.index)).lines.map((line) => line.tags)).toEqual([['road', 'water'], undefined, []]);
    expect((await indexInfo({ index: result.index })).tags).toEqual({ road: 1, water: 1 });
    await expect(run({ input: await writeScene(fresh('scene.tif'), patches(64, 64)), tags })).rejects.toThrow('--tags');
  });

  it('refuses an index of another model, a folder with other files, and a model without features', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const { index } = await run({ input: scene, patchSize: 32 });
    const other = bandMeans(folder, { name: 'other', factor: 1 / 100 });
    const before = await digests(index);
    await expect(run({ input: await writeScene(fresh('next.tif'), patches(64, 64)), index, model: other, patchSize: 32, append: true })).rejects.toThrow('was made with band-means');
    expect(await digests(index)).toEqual(before);
    const foreign = fresh('foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'thesis.txt'), 'x');
    await expect(run({ input: scene, index: foreign })).rejects.toThrow('thesis.txt');
    const plain = bandMeans(folder, { name: 'plain', card: { output: { dim_order: 'bc', activation: 'none', classes: [{ value: 0, name: 'a', color_hint: '#000000' }, { value: 1, name: 'b', color_hint: '#000000' }, { value: 2, name: 'c', color_hint: '#000000' }] } } });
    await expect(run({ input: scene, model: plain })).rejects.toMatchObject({ message: expect.stringContaining('gives no features') as unknown, advice: expect.stringContaining('--layer') as unknown });
    const anew = await run({ input: scene, index, model: other, patchSize: 64, overwrite: true });
    expect(anew).toMatchObject({ added: 1, count: 1, model: 'other' });
    expect((await readdir(join(index, 'parts')))).toHaveLength(1);
  });

  it('goes on with an index when the model\'s card says more, or the model gets an 8-bit form; older indexes, too', async () => {
    const own = fresh('own');
    const place = bandMeans(own, { name: 'm' });
    const pixels = patches(64, 64);
    const scenes = await Promise.all(['one', 'two', 'three', 'four'].map((name) => writeScene(fresh(`${name}.tif`), pixels)));
    const picture = fresh('picture.png');
    await sharp(pixels.data, { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(picture);
    const { index } = await run({ input: scenes[0]!, model: place, patchSize: 64 });
    const path = join(place, 'card.json');
    const card = JSON.parse(await readFile(path, 'utf8')) as ModelCard;
    // As an index of before: over the file's SHA-256 and the whole card; without digest and form.
    const older = fresh('older');
    await cp(index, older, { recursive: true });
    const manifest = await readManifest(older);
    const { digest, precision, ...rest } = manifest.model;
    const file = createHash('sha256').update(await readFile(join(place, 'model.onnx')));
    expect([digest, precision]).toEqual([file.copy().digest('hex'), 'float32']);
    const fingerprint = createHash('sha256').update(file.digest()).update(JSON.stringify((await loadModel(place)).card)).digest('hex');
    await writeFile(join(older, 'index.json'), JSON.stringify({ ...manifest, model: { ...rest, fingerprint } }));

    await copyFile(join(bandMeans(own, { name: 'wrong', factor: 1 / 100 }), 'model.onnx'), join(place, 'model.int8.onnx'));
    const int8 = { file: 'model.int8.onnx', metric: 'f2', value: 0.9, float32: 0.9, on: 'none', speedup: 2 };
    const more: ModelCard = { ...card, description: 'd', limits: ['cities'], scores: [{ metric: 'f2', value: 0.9, on: 'none' }], output: { ...card.output, classes: card.output.classes.map((one) => ({ ...one, color_hint: '#123456' })) }, int8 };
    await writeFile(path, JSON.stringify(more));
    expect(await run({ input: scenes[1]!, model: place, patchSize: 64 })).toMatchObject({ precision: 'int8' });
    for (const [i, one] of [index, older].entries()) {
      expect(await run({ input: scenes[1 + i]!, index: one, model: place, patchSize: 64, append: true })).toMatchObject({ count: 2, precision: 'float32' });
      const { rows } = await read(one);
      expect(rows[1]).toEqual(rows[0]);
      expect((await search({ index: one, image: picture, model: place, k: 1 })).results[0]!.distance).toBeLessThan(1e-5);
    }
    expect(await indexMerge({ indexes: [index, older], output: fresh('both') })).toMatchObject({ count: 3 });
    await expect(run({ input: scenes[3]!, index, model: place, patchSize: 64, append: true, precision: 'int8' })).rejects.toThrow('the index has vectors of the float32 form, this is the 8-bit form (int8)');
    await writeFile(path, JSON.stringify({ ...more, input: { ...card.input, value_scaling: { scale: 0.5 } } }));
    for (const one of [index, older]) {
      await expect(run({ input: scenes[3]!, index: one, model: place, patchSize: 64, append: true })).rejects.toThrow('the card has another input.value_scaling than then');
      await expect(search({ index: one, image: picture, model: place, k: 1 })).rejects.toThrow('the card has another input.value_scaling than then');
    }
    await copyFile(join(place, 'model.int8.onnx'), join(place, 'model.onnx'));
    await writeFile(path, JSON.stringify(card));
    await expect(search({ index, image: picture, model: place, k: 1 })).rejects.toThrow('the ONNX file is another one');
  });

  it('refuses an index of the first format, and replaces it when told to', async () => {
    const scene = await writeScene(fresh('scene.tif'), patches(64, 64));
    const old = fresh('old');
    await mkdir(old);
    await writeFile(join(old, 'index.json'), '{"format":"tilewright-index/1","model":{"fingerprint":"x"},"dimensions":3,"count":0,"entriesBytes":0,"sources":[]}');
    for (const name of ['vectors.f32', 'entries.jsonl']) await writeFile(join(old, name), '');
    await expect(run({ input: scene, index: old, patchSize: 32, append: true })).rejects.toMatchObject({ name: 'InvalidFileError', advice: expect.stringContaining('--overwrite') as unknown });
    expect(await run({ input: scene, index: old, patchSize: 32, overwrite: true })).toMatchObject({ count: 4 });
    expect((await readdir(old)).sort()).toEqual(['cache', 'index.json', 'parts']);
  });

  it('goes on after kill -9 in any scene, with the bytes of an uninterrupted run, and an index that was there stays as it was', async () => {
    const base = await writeScene(fresh('base.tif'), patches(64, 64, 3));
    const pixels = patches(100, 320);
    erase(pixels, 0, 96, 100, 40);
    const scenes = [await writeScene(fresh('long.tif'), pixels), await writeScene(fresh('wide.tif'), patches(260, 130, 7))];
    const more = { inputs: scenes, patchSize: 32, scales: [1, 2], append: true };
    const whole = await run({ input: base, patchSize: 32 });
    await run({ ...more, index: whole.index });
    const killed = await run({ input: base, patchSize: 32 });
    const before = await digests(killed.index);
    for (const after of [2, 12, 17]) expect(await killAfter(after, { ...more, model, index: killed.index })).toBe('SIGKILL');
    expect(await digests(killed.index)).toEqual(before);
    await expect(run({ ...more, index: killed.index, patchSize: 64 })).rejects.toMatchObject({ option: '--index', message: expect.stringContaining('patch size of') as unknown, advice: expect.not.stringContaining('--overwrite') as unknown });
    expect(await run({ ...more, index: killed.index })).toMatchObject({ resumedStrips: 17 });
    expect(await digests(killed.index)).toEqual(await digests(whole.index));
    expect(existsSync(`${killed.index}.partial`)).toBe(false);
  });

  it('leaves the index as it was, or whole, when it is killed while it adds', async () => {
    const base = await writeScene(fresh('base.tif'), patches(64, 64, 3));
    const scene = await writeScene(fresh('next.tif'), patches(640, 640, 5));
    const { index } = await run({ input: base, patchSize: 32 });
    const seen = new Set<number>();
    for (let wait = 0; wait < 60 && !seen.has(404); wait += 4) {
      await killWhileAdding(wait, { inputs: [scene], model, index, patchSize: 32, append: true });
      const opened = await openIndex(index);
      expect([4, 404]).toContain(opened.count);
      expect((await opened.entry(opened.count - 1)).id).toContain(opened.count === 4 ? 'base' : 'next');
      seen.add(opened.count);
      await opened.close();
    }
    expect(await run({ input: scene, index, patchSize: 32, append: true })).toMatchObject({ count: 404 });
    expect(existsSync(`${index}.partial`)).toBe(false);
    await indexBuild({ index });
    await read(index);
  });

  it.skipIf(process.platform === 'win32')('leaves the index as it was when the disk takes no more, whenever that is, and goes on when it does', async () => {
    const base = await writeScene(fresh('base.tif'), patches(64, 64, 3));
    const scene = await writeScene(fresh('next.tif'), patches(640, 640, 5));
    const { index } = await run({ input: base, patchSize: 32 });
    const before = await digests(index);
    // A limit on the size of files fails a write like a full disk does; smaller limits fail earlier ones.
    for (const blocks of [0, 4, 16, 40]) {
      const args = [join(root, 'dist/cli/main.js'), 'embed', scene, '--model', model, '--index', index, '--patch-size', '32', '--append'];
      const child = spawn('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      let text = '';
      child.stderr.on('data', (part: Buffer) => { text += part.toString(); });
      const code = await new Promise((resolve) => { child.once('close', resolve); });
      const last = text.split('\n').filter((line) => line.startsWith('tilewright:'));
      expect({ blocks, code, lines: last.length, text }).toMatchObject({ code: 4, lines: 1 });
      expect(await digests(index)).toEqual(before);
    }
    const whole = await run({ input: scene, index, patchSize: 32, append: true });
    expect(whole.count).toBe(404);
    expect(whole.resumedStrips).toBeGreaterThan(0);
    await read(index);
  });

  it('refuses to add while another process does', async () => {
    const { index } = await run({ input: await writeScene(fresh('base.tif'), patches(64, 64, 3)), patchSize: 32 });
    const scenes = await Promise.all([1, 2].map(async (i) => writeScene(fresh(`more${i}.tif`), patches(640, 320, i))));
    const both = await Promise.allSettled(scenes.map((input) => run({ input, index, patchSize: 32, append: true })));
    const refused = both.filter((one) => one.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as Error).message).join()).toContain('at work on this output');
    expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect((await read(index)).lines).toHaveLength(4 + 200);
  });
});

describe('index', () => {
  const two = async (): Promise<{ a: string; b: string; scenes: string[] }> => {
    const scenes = [await writeScene(fresh('alpha.tif'), patches(64, 64, 1)), await writeScene(fresh('beta.tif'), patches(96, 64, 2))];
    return { a: (await run({ input: scenes[0]!, patchSize: 32 })).index, b: (await run({ input: scenes[1]!, patchSize: 32 })).index, scenes };
  };

  it('info tells model, layer, scenes, place and size', async () => {
    const { b, scenes } = await two();
    const info = await indexInfo({ index: b, check: true });
    expect(info).toMatchObject({ count: 6, dimensions: 3, model: { name: 'band-means', layer: 'scores' }, sources: [{ name: basename(scenes[1]!, '.tif'), count: 6, patchSize: 32 }], warnings: [] });
    // pyproj: easting 500,000 and northing 4,000,000 in EPSG:32633 is 15°, 36.1447°
    expect(info.bounds!.every((degree, i) => Math.abs(degree - [15, 36.144, 15.002, 36.145][i]!) < 0.001)).toBe(true);
    expect(info.partBytes).toBe((await stat(join(b, info.parts[0]!.file))).size);
  });

  it('merge joins, takes the same scene once, and refuses what does not fit', async () => {
    const { a, b, scenes } = await two();
    await run({ input: scenes[0]!, index: b, patchSize: 32, append: true });
    const output = fresh('joined');
    const merged = await indexMerge({ indexes: [a, b], output });
    expect(merged).toMatchObject({ count: 10, sources: 2 });
    expect(merged.warnings.join()).toContain('taken once');
    const direct = await run({ inputs: scenes, patchSize: 32 });
    expect(await read(output)).toEqual(await read(direct.index));
    await expect(indexMerge({ indexes: [a], output })).rejects.toThrow('is there');
    await expect(indexMerge({ indexes: [a, output], output, overwrite: true })).rejects.toThrow('is one of the indexes');
    const other = await run({ input: scenes[0]!, patchSize: 64 });
    await expect(indexMerge({ indexes: [a, other.index], output: fresh('no') })).rejects.toThrow('different entries of the name');
    // A copy of the file on another machine has another time, and another place.
    const copy = join(fresh('elsewhere'), basename(scenes[0]!));
    await mkdir(dirname(copy));
    await copyFile(scenes[0]!, copy);
    await utimes(copy, 1e9, 1e9);
    const elsewhere = await run({ input: copy, patchSize: 32 });
    const both = await indexMerge({ indexes: [a, elsewhere.index], output: fresh('both') });
    expect(both).toMatchObject({ count: 4, sources: 1 });
    expect(both.warnings.join()).toContain('taken once');
    await rename(await writeScene(fresh('other.tif'), patches(64, 64, 5)), copy);
    const changed = await run({ input: copy, patchSize: 32 });
    expect(changed.added).toBe(4);
    await expect(indexMerge({ indexes: [a, changed.index], output: fresh('no') })).rejects.toThrow('different entries of the name');
    const layer = await run({ input: scenes[1]!, patchSize: 32, layer: 'scaled' });
    await expect(indexMerge({ indexes: [a, layer.index], output: fresh('no') })).rejects.toThrow('--layer');
    const part = join(b, (await readManifest(b)).parts[0]!.file);
    await truncate(part, 50);
    const bad = fresh('bad');
    await expect(indexMerge({ indexes: [a, b], output: bad })).rejects.toThrow('is truncated');
    expect(existsSync(bad)).toBe(false);
    expect(existsSync(`${bad}.partial`)).toBe(false);
  });

  it('remove takes a scene out; it can be embedded again', async () => {
    const { scenes } = await two();
    const { index } = await run({ inputs: scenes, patchSize: 32 });
    const name = basename(scenes[0]!, '.tif');
    expect(await indexRemove({ index, scene: name })).toMatchObject({ removed: 4, count: 6 });
    expect((await read(index)).lines.every(({ source }) => source !== name)).toBe(true);
    await expect(indexRemove({ index, scene: name })).rejects.toThrow(`has no scene ${name}`);
    expect(await run({ input: scenes[0]!, index, patchSize: 32, append: true })).toMatchObject({ added: 4, count: 10 });
    for (const scene of scenes) await indexRemove({ index, scene: basename(scene, '.tif') });
    await expect(search({ index, id: 'any' })).rejects.toMatchObject({ name: 'InvalidFileError', message: expect.stringContaining('the index is empty') as unknown, advice: expect.stringContaining('--append') as unknown });
    expect(await run({ input: scenes[0]!, index, patchSize: 32, append: true })).toMatchObject({ added: 4, count: 4 });
  });

  it('build makes what follows from the parts anew, from parts that are whole', async () => {
    const { a } = await two();
    const before = await readFile(join(a, 'cache/vectors.f32'));
    await writeFile(join(a, 'cache/vectors.f32'), Buffer.alloc(before.length, 1));
    expect(await indexBuild({ index: a })).toMatchObject({ count: 4 });
    expect(await readFile(join(a, 'cache/vectors.f32'))).toEqual(before);
    const part = join(a, (await readManifest(a)).parts[0]!.file);
    const bytes = await readFile(part);
    bytes[100]! ^= 255;
    await copyFile(part, `${part}.bak`);
    await writeFile(part, bytes);
    await expect(indexBuild({ index: a })).rejects.toThrow('checksum');
    await expect(indexInfo({ index: a, check: true })).rejects.toThrow('checksum');
    expect((await indexBuild({ index: a, skipBad: true })).count).toBe(0);
    await expect(search({ index: a, id: 'x', skipBad: true })).rejects.toThrow(/nothing is left of the index \(left out: parts\/.*checksum/);
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

/** Digests of all files of an index. */
async function digests(index: string): Promise<Record<string, string>> {
  const files = (await readdir(index, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  const found: Record<string, string> = {};
  for (const file of files) found[file.slice(index.length)] = createHash('sha256').update(await readFile(file)).digest('hex');
  return found;
}

function script(options: EmbedOptions, onProgress: string): string {
  return `
    import { embed } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/tasks/embed.js')).href)};
    await embed(${JSON.stringify(options)}, { onProgress: ({ done, total }) => { ${onProgress} } });`;
}

async function killAfter(after: number, options: EmbedOptions): Promise<NodeJS.Signals | null> {
  return runScript(script(options, `if (done === ${after}) process.kill(process.pid, 'SIGKILL');`));
}

/** Kills it some milliseconds after the last strip. */
async function killWhileAdding(wait: number, options: EmbedOptions): Promise<NodeJS.Signals | null> {
  return runScript(script(options, `if (done === total) setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${wait});`));
}

async function runScript(text: string): Promise<NodeJS.Signals | null> {
  const path = fresh('killed.mjs');
  await writeFile(path, text);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [path], { stdio: 'inherit' });
      child.on('error', reject);
      child.on('exit', (_code, signal) => resolve(signal));
    });
  } finally {
    await rm(path);
  }
}
