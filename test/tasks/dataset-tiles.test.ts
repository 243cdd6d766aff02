import { copyFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { IGNORE } from '../../src/samples/index.js';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { openChips, openMaps } from '../../src/tasks/dataset/open.js';
import { tile } from '../../src/tasks/tile.js';
import { train } from '../../src/tasks/train.js';
import { root, scratch } from '../places.js';

const folder = scratch();
const cacheFolder = join(folder, 'cache');
/** No native engine, whether it is installed or not: the network is tiny. */
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');

const [WIDTH, HEIGHT] = [45, 38];
const COLOURS = [[200, 30, 30], [30, 200, 30], [30, 30, 200]] as const;
/** What lies where: blocks of 5 × 7 pixels of three classes, and pixels whose bands say their place. */
const idAt = (x: number, y: number): number => (Math.floor(x / 5) + 2 * Math.floor(y / 7)) % 3;
const pixelAt = (x: number, y: number): readonly number[] => [x * 5, y * 6, idAt(x, y) * 100];
const filled = (bands: number, at: (x: number, y: number) => readonly number[]): Uint8Array => Uint8Array.from({ length: WIDTH * HEIGHT * bands }, (_, i) => { const pixel = Math.floor(i / bands); return at(pixel % WIDTH, Math.floor(pixel / WIDTH))[i % bands]!; });

async function cog(name: string, bands: number, data: Uint8Array, classNames?: readonly string[]): Promise<string> {
  const path = join(folder, `${name}.tif`);
  const writer = await createCog({
    width: WIDTH, height: HEIGHT, bands, dtype: 'uint8', scratch: `${path}.scratch`, transform: [331000, 2, 0, 2790000, 0, -2], crs: crsFromEpsg(32640)!, ...(classNames === undefined ? {} : { classNames }),
  });
  await writer.write(data, HEIGHT);
  await writer.finish(path);
  await writer.abort();
  return path;
}

/** A scene, its truth as ids with names and as colours, each as the tiles that `tile` makes of it: the last ones are shifted, all overlap. */
beforeAll(async () => {
  const scene = await cog('scene', 3, filled(3, pixelAt));
  const ids = await cog('ids', 1, filled(1, (x, y) => [idAt(x, y)]), ['field', 'wood', 'water']);
  const colours = await cog('colours', 3, filled(3, (x, y) => COLOURS[idAt(x, y)]!));
  await tile({ scene, folder: join(folder, 'tiles'), patchSize: 16, overlap: 4 });
  await tile({ scene: ids, folder: join(folder, 'ids'), patchSize: 20, overlap: 3 });
  await tile({ scene: colours, folder: join(folder, 'colours'), patchSize: 16, overlap: 4, format: 'png' });
  expect(readdirSync(join(folder, 'tiles')).filter((name) => name.endsWith('.tif')).length).toBeGreaterThan(9);
  writeFileSync(join(folder, 'legend.csv'), `name,r,g,b\n${['field', 'wood', 'water'].map((name, id) => `${name},${COLOURS[id]!.join(',')}`).join('\n')}\n`);
});

describe('a tiled scene as a data set', () => {
  it('is what the settings say, though the folders of tiles look like a folder per class', async () => {
    const info = await datasetInfo({ data: folder, set: ['scenes=[{scene: tiles, truth: ids}]'] });
    const counts = [0, 1, 2].map((id) => filled(1, (x, y) => [idAt(x, y)]).filter((value) => value === id).length);
    expect([info.kind, info.by, info.classes.map(({ count }) => count)]).toEqual(['maps', 'the scenes that were said', counts]);
    expect(await datasetInfo({ data: folder, quick: true }).then(({ by }) => by)).toBe('folder per class');
  });

  it.each([
    ['as folders', '{scene: tiles, truth: ids}', []],
    ['as lists', '{scene: tiles/tiles.json, truth: ids/tiles.json}', []],
    ['with a truth in one file', '{scene: tiles, truth: ids.tif}', []],
    ['with masks of colours', '{scene: tiles/tiles.json, truth: colours/tiles.json}', ['classes=legend.csv']],
  ])('%s: every pixel and its class are there once, in their places', async (_, entry, set) => {
    const { samples, found } = await openMaps({ data: folder, set: [`scenes=[${entry}]`, ...set], cacheFolder });
    expect([samples.classes, samples.pictures.map(({ name }) => name)]).toEqual([['field', 'wood', 'water'], ['tiles']]);
    expect(found.description.scenes).toHaveLength(1);
    const { width, height, pixels, mask } = samples.read(0);
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    expect(Buffer.compare(pixels, filled(3, pixelAt))).toBe(0);
    expect(Buffer.compare(mask, filled(1, (x, y) => [idAt(x, y)]))).toBe(0);
    await samples.close();
  });

  it('leaves out the classes that are not wanted', async () => {
    const { samples } = await openMaps({ data: folder, set: ['scenes=[{scene: tiles, truth: ids}]', 'leave_out=[wood]'], cacheFolder });
    expect(samples.classes).toEqual(['field', 'water']);
    expect(Buffer.compare(samples.read(0).mask, filled(1, (x, y) => [[0, IGNORE, 1][idAt(x, y)]!]))).toBe(0);
    await samples.close();
  });

  it('gives chips that reach over the borders of tiles', async () => {
    const { samples } = await openChips({ data: folder, set: ['scenes=[{scene: tiles, truth: ids}]', 'chip=14', 'stride=8', 'truth=centre'], size: 14, cacheFolder });
    const buffer = new Uint8Array(14 * 14 * 3);
    for (let index = 0; index < samples.count; index++) {
      const [, x, y] = /_x(\d+)_y(\d+)$/.exec(samples.nameOf(index))!.map(Number) as [number, number, number];
      samples.read(index, buffer, 0);
      for (const [dx, dy] of [[0, 0], [13, 0], [6, 9], [13, 13]] as const) expect(Array.from(buffer.subarray((dy * 14 + dx) * 3, (dy * 14 + dx) * 3 + 3))).toEqual(pixelAt(x + dx, y + dy));
      expect(Array.from(samples.targets.subarray(index * 3, index * 3 + 3)).indexOf(1)).toBe(idAt(x + 7, y + 7));
    }
    expect(samples.count).toBe(4 * 4);
    await samples.close();
  });

  it('is decoded again when one of its tiles has changed', async () => {
    const base = join(folder, 'changing');
    mkdirSync(base);
    const make = async (blue: number): Promise<void> => {
      await tile({ scene: await cog(`state-${blue}`, 3, filled(3, (x, y) => [x, y, blue])), folder: join(base, `made-${blue}`), patchSize: 16, overlap: 4 });
    };
    await make(1);
    await make(2);
    renameSync(join(base, 'made-1'), join(base, 'tiles'));
    const blues = async (scene: string): Promise<Set<number>> => {
      const { samples } = await openMaps({ data: base, set: [`scenes=[{scene: ${scene}, truth: ../ids.tif}]`], cacheFolder });
      const { pixels } = samples.read(0);
      await samples.close();
      return new Set(pixels.filter((_, i) => i % 3 === 2));
    };
    for (const scene of ['tiles', 'tiles/tiles.json']) expect(await blues(scene)).toEqual(new Set([1]));
    copyFileSync(join(base, 'made-2/r0000_c0000_y0000_x0000.tif'), join(base, 'tiles/r0000_c0000_y0000_x0000.tif'));
    for (const scene of ['tiles', 'tiles/tiles.json']) expect(await blues(scene)).toEqual(new Set([1, 2]));
  });

  it('is trained on, and its model says so', async () => {
    writeFileSync(join(folder, 'dataset.yaml'), 'scenes: [{scene: tiles, truth: ids, name: west, area: [0, 0, 29, 38]}, {scene: tiles, truth: ids, name: east, area: [29, 0, 16, 38]}]\n');
    const set = ['split={validation: [east], test: null}', 'network.widths=[4]', 'training.patch=16', 'training.batch=2', 'training.steps=20', 'training.epochs=2', 'optimizer.lr=0.05', 'augment={turns: true}'];
    const { card } = await train({ recipe: join(root, 'models/recipes/segmenter.yaml'), data: folder, output: join(folder, 'model'), set });
    expect(card.output.classes.map(({ name }) => name)).toEqual(['field', 'wood', 'water']);
    // The blue band says the class.
    const accuracy = card.scores!.filter(({ metric }) => metric === 'pixel_accuracy').map(({ value }) => value);
    expect(accuracy[0]).toBeGreaterThan(0.65);
    expect(accuracy[1]).toBeLessThan(0.5);
  });
});
