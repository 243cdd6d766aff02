import { mkdir, readFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { openIndex } from '../../src/index-store/index.js';
import { openScene } from '../../src/scene/index.js';
import { embed } from '../../src/tasks/embed.js';
import { indexDuplicates } from '../../src/tasks/index-duplicates.js';
import { indexOutliers } from '../../src/tasks/index-outliers.js';
import { search, searchHits } from '../../src/tasks/search.js';
import { scratch } from '../places.js';
import { bandMeans, cells, writeScene } from './chip-models.js';
import type { Pixels } from './chip-models.js';

const folder = scratch();
const model = bandMeans(folder);
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const CELL = 32;
const [COLUMNS, ROWS] = [10, 6];

/** Reds in the left half, blues in the right, ever lighter downwards; two green ones. */
function colours(): Pixels {
  return cells({ columns: COLUMNS, rows: ROWS, cell: CELL }, (column, row) => {
    const light = 10 * row + column;
    if ((column === 2 && row === 1) || (column === 8 && row === 4)) return [light, 200, light];
    return column < 5 ? [200, light, light] : [light, light, 200];
  });
}

let index: string;
let scene: string;
let name: string;
const idAt = (column: number, row: number): string => `${name}_r${String(row).padStart(4, '0')}_c${String(column).padStart(4, '0')}`;

beforeAll(async () => {
  scene = await writeScene(fresh('town.tif'), colours());
  name = basename(scene, '.tif');
  index = fresh('index');
  await embed({ model, index, inputs: [scene], patchSize: CELL });
});

describe('search with examples', () => {
  it('ranks what is like them first, and what is unlike them last', async () => {
    const found = await search({ index, like: [idAt(0, 0), idAt(3, 5)], unlike: [idAt(9, 0)], k: 60 });
    expect(found).toMatchObject({ exact: true, query: { kind: 'like', like: [idAt(0, 0), idAt(3, 5)], unlike: [idAt(9, 0)] } });
    const reds = found.results.slice(0, 29).map(({ window }) => window.x / CELL);
    expect(reds.every((column) => column < 5)).toBe(true);
    const distances = found.results.map(({ distance }) => distance);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(distances.every((distance) => distance >= 0 && distance <= 1)).toBe(true);
    expect(distances[0]).toBeLessThan(0.5);
    expect(distances.at(-1)).toBeGreaterThan(0.5);
    const near = await search({ index, like: [idAt(0, 0), idAt(3, 5)], unlike: [idAt(9, 0)], k: 60, threshold: distances[4]! });
    expect(near.results.map(({ id }) => id)).toEqual(found.results.slice(0, 5).map(({ id }) => id));
  });

  it('takes ids, places and pictures, and says what it cannot find', async () => {
    const entry = await (async () => { const opened = await openIndex(index); const one = await opened.entry((await opened.rowOf(idAt(2, 1)))!); await opened.close(); return one; })();
    const picture = fresh('green.png');
    await sharp({ create: { width: CELL, height: CELL, channels: 3, background: { r: 48, g: 200, b: 48 } } }).png().toFile(picture);
    const found = await search({ index, like: [`${entry.lon!},${entry.lat!}`, picture], k: 2 });
    expect(found.results.map(({ id }) => id).sort()).toEqual([idAt(2, 1), idAt(8, 4)].sort());
    await expect(search({ index, like: ['nobody'] })).rejects.toThrow('is no entry of');
    await expect(search({ index, like: [idAt(0, 0)], unlike: ['nobody'] })).rejects.toMatchObject({ option: '--unlike' });
    await expect(search({ index, like: [`${entry.lat!},${entry.lon!}`] })).rejects.toMatchObject({ option: '--like', advice: expect.stringContaining('the longitude comes first') as unknown });
    await expect(search({ index, like: [idAt(0, 0)], unlike: [idAt(0, 0)] })).rejects.toThrow('is an example of both');
    await expect(search({ index, id: idAt(0, 0), unlike: [idAt(0, 1)] })).rejects.toThrow('--unlike');
    await expect(search({ index, like: [idAt(0, 0)], ann: true })).rejects.toThrow('--ann');
  });
});

describe('search with filters', () => {
  const areaOf = async (columns: readonly [number, number]): Promise<string> => {
    const opened = await openIndex(index);
    const entries = await opened.entries(Array.from({ length: opened.count }, (_, row) => row));
    await opened.close();
    const inside = entries.filter(({ window }) => window.x / CELL >= columns[0] && window.x / CELL <= columns[1]);
    const lons = inside.map(({ lon }) => lon!);
    const lats = inside.map(({ lat }) => lat!);
    const [w, e, s, n] = [Math.min(...lons) - 1e-5, Math.max(...lons) + 1e-5, Math.min(...lats) - 1e-5, Math.max(...lats) + 1e-5];
    const path = fresh('area.geojson');
    await writeFile(path, JSON.stringify({ type: 'Polygon', coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] }));
    return path;
  };

  it('keeps to an area, to scenes and to tags, and says what leaves nothing', async () => {
    const found = await search({ index, id: idAt(0, 0), k: 60, aoi: await areaOf([6, 9]) });
    expect(found.count).toBe(4 * ROWS);
    expect(found.results.map(({ window }) => window.x / CELL).every((column) => column >= 6)).toBe(true);
    const other = await writeScene(fresh('other.tif'), colours());
    const both = fresh('index');
    await embed({ model, index: both, inputs: [scene, other], patchSize: CELL });
    const one = await search({ index: both, id: idAt(0, 0), k: 120, scene: [basename(other, '.tif')] });
    expect(new Set(one.results.map((hit) => hit.scene))).toEqual(new Set([other]));
    expect(one.results).toHaveLength(60);
    await expect(search({ index: both, id: idAt(0, 0), scene: ['nowhere'] })).rejects.toThrow('has no scene nowhere');
    await expect(search({ index: both, id: idAt(0, 0), tag: ['pool'] })).rejects.toThrow('has the tag pool');
    const far = fresh('far.geojson');
    await writeFile(far, JSON.stringify({ type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }));
    await expect(search({ index, id: idAt(0, 0), aoi: far })).rejects.toThrow('has its centre in the polygons');
    const { coordinates } = JSON.parse(await readFile(await areaOf([6, 9]), 'utf8')) as { coordinates: [number, number][][] };
    await writeFile(far, JSON.stringify({ type: 'Polygon', coordinates: coordinates.map((ring) => ring.map(([lon, lat]) => [lat, lon])) }));
    await expect(search({ index, id: idAt(0, 0), aoi: far })).rejects.toMatchObject({ option: '--aoi', advice: expect.stringContaining(`with the two exchanged ${4 * ROWS} of its chips are inside`) as unknown });
  });

  it('keeps to chips that have all of the tags', async () => {
    const chips = fresh('chips');
    await mkdir(chips);
    for (let i = 0; i < 4; i++) await sharp({ create: { width: CELL, height: CELL, channels: 3, background: { r: 50 * i, g: 100, b: 0 } } }).png().toFile(join(chips, `c${i}.png`));
    const tags = fresh('tags.csv');
    await writeFile(tags, 'image_name,tags\nc0,road water\nc1,water\nc2,road\n');
    const tagged = fresh('index');
    await embed({ model, index: tagged, inputs: [chips], tags });
    const names = async (...tag: string[]): Promise<string[]> => (await search({ index: tagged, id: `${basename(chips)}/c3`, tag })).results.map(({ id }) => basename(id));
    expect(await names('water')).toEqual(['c1', 'c0']);
    expect(await names('road', 'water')).toEqual(['c0']);
    await expect(names('road', 'pool')).rejects.toThrow('has all the tags road, pool');
  });

  it('gives one hit per spot, and goes on until there are as many as wanted', async () => {
    const found = await search({ index, id: idAt(2, 2), k: 8, unique: 2 * CELL * 2.5 });
    expect(found.results).toHaveLength(8);
    for (const [i, a] of found.results.entries()) {
      for (const b of found.results.slice(i + 1)) expect(2 * Math.hypot(a.window.x - b.window.x, a.window.y - b.window.y)).toBeGreaterThan(2 * CELL * 2.5 * 0.98);
    }
    const all: string[] = [];
    for await (const hit of searchHits({ index, id: idAt(2, 2) })) all.push(hit.id);
    expect(all).toEqual((await search({ index, id: idAt(2, 2), k: 60 })).results.map(({ id }) => id));
  });

  it('leaves out what is farther than a distance', async () => {
    const all = await search({ index, id: idAt(1, 1), k: 20 });
    const few = await search({ index, id: idAt(1, 1), k: 20, threshold: all.results[6]!.distance });
    expect(few.results.length).toBeGreaterThanOrEqual(7);
    expect(few.results.every(({ distance }) => distance <= all.results[6]!.distance)).toBe(true);
  });
});

describe('outputs of search', () => {
  it('are tables in four formats with the same hits', async () => {
    const hits = await search({ index, id: idAt(1, 1), k: 4, output: fresh('hits.csv') });
    const csv = (await readFile(hits.output!, 'utf8')).trim().split('\r\n').map((line) => line.split(','));
    expect(csv[0]).toEqual(['rank', 'id', 'scene', 'x', 'y', 'width', 'height', 'lon', 'lat', 'distance']);
    expect(csv.slice(1).map((cells) => cells[1])).toEqual(hits.results.map(({ id }) => id));
    const geojson = fresh('hits.geojson');
    await search({ index, id: idAt(1, 1), k: 4, output: geojson });
    const { features } = JSON.parse(await readFile(geojson, 'utf8')) as { features: { properties: { id: string; rank: number }; geometry: { type: string } }[] };
    expect(features.map(({ properties }) => properties.id)).toEqual(hits.results.map(({ id }) => id));
    expect(features[0]!.geometry.type).toMatch(/Polygon/);
    const parquet = fresh('hits.parquet');
    await search({ index, id: idAt(1, 1), k: 4, output: parquet });
    const bytes = await readFile(parquet);
    const rows: Record<string, unknown>[] = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
    expect(rows.map((row) => row['id'] as string)).toEqual(hits.results.map(({ id }) => id));
    const fgb = fresh('hits.fgb');
    await search({ index, id: idAt(1, 1), k: 4, output: fgb });
    expect((await readFile(fgb)).subarray(0, 3).toString()).toBe('fgb');
    await expect(search({ index, id: idAt(1, 1), output: fresh('hits.xlsx') })).rejects.toThrow('.csv, .geojson, .fgb or .parquet');
    await expect(search({ index, id: idAt(1, 1), output: hits.output! })).rejects.toThrow('exists');
  });

  it('are maps with one pixel per chip, in the chip\'s place', async () => {
    const map = fresh('map.tif');
    await search({ index, id: idAt(3, 2), k: 1, map, metric: 'cosine' });
    const opened = await openScene(map);
    const source = await openScene(scene);
    expect(opened.profile).toMatchObject({ width: COLUMNS, height: ROWS, dtype: 'float32' });
    const [a, b] = [opened.profile.transform!, source.profile.transform!];
    a.forEach((value, i) => expect(value).toBeCloseTo([1, 2, 4, 5].includes(i) ? b[i]! * CELL : b[i]!, 6));
    const { data } = await opened.read({ x: 0, y: 0, width: COLUMNS, height: ROWS });
    const all = await search({ index, id: idAt(3, 2), k: 60, metric: 'cosine' });
    for (const { window, distance } of all.results) expect(data[(window.y / CELL) * COLUMNS + window.x / CELL]).toBeCloseTo(1 - distance, 5);
    await opened.close();
    await source.close();
  });
});

describe('approximate search', () => {
  it('makes its file, uses it, makes it again when the parts changed, and says so', async () => {
    const own = fresh('index');
    await embed({ model, index: own, inputs: [scene], patchSize: CELL });
    const first = await search({ index: own, id: idAt(1, 1), ann: true, verify: true, k: 5 });
    expect(first).toMatchObject({ exact: false, recall: 1 });
    expect(first.warnings.join()).toContain('was missing and was made');
    const second = await search({ index: own, id: idAt(1, 1), ann: true, k: 5 });
    expect(second.warnings).toEqual([]);
    expect(second.results).toEqual((await search({ index: own, id: idAt(1, 1), k: 5 })).results);
    const other = await writeScene(fresh('second.tif'), colours());
    await embed({ model, index: own, inputs: [other], patchSize: CELL, append: true });
    const third = await search({ index: own, id: idAt(1, 1), ann: true, k: 5 });
    expect(third.warnings.join()).toContain('was older than the parts and was made');
    expect(third.count).toBe(120);
    const file = join(own, 'cache/ann.usearch');
    await truncate(file, (await stat(file)).size - 8);
    await expect(search({ index: own, id: idAt(1, 1), ann: true })).rejects.toThrow('is damaged');
    await rm(file);
    expect((await search({ index: own, id: idAt(1, 1), ann: true })).warnings.join()).toContain('was missing');
  });
});

describe('a picture with a place', () => {
  it('is brought to the size of the index\'s pixels, and its middle is searched for', async () => {
    const { data, width, height } = colours();
    const half = fresh('half');
    await mkdir(half);
    const reduced = await sharp(data, { raw: { width, height, channels: 3 } }).resize(width / 2, height / 2, { kernel: 'nearest' }).raw().toBuffer();
    const picture = await writeScene(join(half, 'half.tif'), { data: new Uint8Array(reduced), width: width / 2, height: height / 2 }, { pixel: 4 });
    const found = await search({ index, image: picture, k: 1 });
    expect(found.warnings.join()).toContain('was brought from 4');
    expect(found.query.window.width).toBe(CELL / 2);
  });
});

describe('outputs of a search', () => {
  const bytes = async (path: string): Promise<string> => (await readFile(path)).toString('base64');

  it('never are what is read: scenes, the index, pictures, an area', async () => {
    const id = idAt(0, 0);
    const manifest = join(index, 'index.json');
    const picture = fresh('query.png');
    await sharp({ create: { width: CELL, height: CELL, channels: 3, background: '#c80000' } }).png().toFile(picture);
    const aoi = fresh('area.geojson');
    const chips = fresh('chips');
    await mkdir(chips);
    await sharp(picture).toFile(join(chips, 'one.png'));
    const folderIndex = fresh('index');
    await embed({ model, index: folderIndex, inputs: [chips] });
    await writeFile(aoi, JSON.stringify({ type: 'Polygon', coordinates: [[[14, 35], [16, 35], [16, 37], [14, 37], [14, 35]]] }));
    const before = await Promise.all([scene, manifest, picture, aoi, join(model, 'card.json'), join(chips, 'one.png')].map(bytes));
    const linked = fresh('linked.tif');
    await symlink(scene, linked);
    for (const map of [scene, linked]) await expect(search({ index, id, map, overwrite: true })).rejects.toThrow('a scene of the index');
    await expect(search({ index, id, map: manifest, overwrite: true })).rejects.toThrow('lies in the folder of the index');
    await expect(search({ index, id, output: join(index, 'hits.csv') })).rejects.toThrow('lies in the folder of the index');
    for (const query of [{ image: picture }, { like: [picture] }, { like: [id], unlike: [picture] }]) {
      await expect(search({ index, ...query, sheet: picture, overwrite: true })).rejects.toThrow('a picture that is searched for');
    }
    await expect(search({ index, id, aoi, output: aoi, overwrite: true })).rejects.toThrow('the area of interest');
    await expect(search({ index, id, map: join(model, 'card.json'), overwrite: true })).rejects.toThrow('the folder of the model');
    await expect(search({ index: folderIndex, id: `${basename(chips)}/one`, sheet: join(chips, 'one.png'), overwrite: true })).rejects.toThrow('whose pictures are in the index');
    await expect(indexDuplicates({ index, sheet: scene, overwrite: true })).rejects.toThrow('a scene of the index');
    await expect(indexOutliers({ index, sheet: manifest, overwrite: true })).rejects.toThrow('lies in the folder of the index');
    expect(await Promise.all([scene, manifest, picture, aoi, join(model, 'card.json'), join(chips, 'one.png')].map(bytes))).toEqual(before);
  });

  it('have names of their own', async () => {
    const one = fresh('one.csv');
    const id = idAt(0, 0);
    await expect(search({ index, id, output: one, map: one })).rejects.toThrow('is the file of -o as well');
    await expect(search({ index, id, sheet: one, map: join(folder, '.', basename(one)) })).rejects.toThrow('--map');
    await expect(indexDuplicates({ index, output: one, sheet: one })).rejects.toThrow('--sheet');
    await expect(stat(one)).rejects.toThrow('ENOENT');
  });

  it('get their names when they are whole, and nothing is left beside a map', async () => {
    const own = fresh('maps');
    await mkdir(own);
    const map = join(own, 'like.tif');
    await writeFile(map, 'an older map');
    await writeFile(`${map}.ovr`, 'its overviews');
    const id = idAt(0, 0);
    await expect(search({ index, id, map })).rejects.toThrow('exists');
    const stop = new AbortController();
    stop.abort();
    await expect(search({ index, id, map, overwrite: true }, { signal: stop.signal })).rejects.toThrow();
    expect(await readFile(map, 'utf8')).toBe('an older map');
    await search({ index, id, map, overwrite: true });
    expect(await readdir(own)).toEqual(['like.tif']);
    const opened = await openScene(map);
    expect(opened.profile).toMatchObject({ width: COLUMNS, height: ROWS });
    await opened.close();
  });
});
