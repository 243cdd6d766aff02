import fc from 'fast-check';
import { copyFile, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openIndex } from '../../src/index-store/index.js';
import type { IndexEntry } from '../../src/index-store/index.js';
import { openJournal } from '../../src/run/index.js';
import { openScene } from '../../src/scene/index.js';
import { embed } from '../../src/tasks/embed.js';
import { indexClassify } from '../../src/tasks/index-classify.js';
import { pairsFound } from '../../cli/index-learning.js';
import { indexDuplicates } from '../../src/tasks/index-duplicates.js';
import { indexOutliers } from '../../src/tasks/index-outliers.js';
import { indexRemove } from '../../src/tasks/index-remove.js';
import { sharersOf } from '../../src/tasks/index-classify/shared-ground.js';
import { overlap } from '../../src/tasks/index-classify/suggest.js';
import { scratch } from '../places.js';
import { bandMeans, cells, patches, writeScene } from './chip-models.js';
import type { Pixels } from './chip-models.js';

const folder = scratch();
const model = bandMeans(folder);
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const CELL = 32;
const [COLUMNS, ROWS] = [12, 10];

/** A checkerboard of reds and blues of many shades, one green cell, and one pair of equal ones. */
function board(): Pixels {
  return cells({ columns: COLUMNS, rows: ROWS, cell: CELL }, (column, row) => {
    const shade = 20 + 6 * row + 5 * column;
    if (column === 5 && row === 5) return [10, 250, 10];
    if ((column === 0 && row === 0) || (column === 11 && row === 9)) return [90, 33, 90];
    return (column + row) % 2 === 0 ? [220, shade, shade / 2] : [shade / 2, shade, 220];
  });
}

let index: string;
let scene: string;
let name: string;
const idAt = (column: number, row: number): string => `${name}_r${String(row).padStart(4, '0')}_c${String(column).padStart(4, '0')}`;

beforeAll(async () => {
  scene = await writeScene(fresh('board.tif'), board());
  name = basename(scene, '.tif');
  index = fresh('index');
  await embed({ model, index, inputs: [scene], patchSize: CELL });
});

async function labelFile(lines: readonly string[]): Promise<string> {
  const path = fresh('labels.csv');
  await writeFile(path, `${lines.join('\r\n')}\r\n`);
  return path;
}

/** Labels of some cells all over the board. */
const CELLS = [[1, 1], [2, 1], [4, 0], [7, 0], [10, 2], [11, 4], [1, 6], [2, 8], [6, 9], [9, 8], [10, 6], [3, 3], [8, 4], [4, 7]] as const;
const colorOf = (column: number, row: number): string => ((column + row) % 2 === 0 ? 'red' : 'blue');

describe('index classify', () => {
  it('tags every chip from a few labels, and draws what it says as a map', async () => {
    const labels = await labelFile(['id,class', ...CELLS.map(([column, row]) => `${idAt(column, row)},${colorOf(column, row)}`)]);
    const output = fresh('out');
    const result = await indexClassify({ index, labels, output, suggest: 4 });
    expect(result).toMatchObject({ kind: 'one', labelled: 14, count: 120, warnings: [], validation: { by: 'block', accuracy: 1 } });
    expect(result.validation!.baselineAccuracy).toBeLessThan(0.8);
    expect((await readdir(output)).sort()).toEqual([...result.files].sort());
    const lines = (await readFile(join(output, 'tags.csv'), 'utf8')).trim().split('\r\n').map((line) => line.split(','));
    expect(lines[0]!.slice(8)).toEqual(['class', 'p_blue', 'p_red']);
    expect(lines).toHaveLength(121);
    const map = await openScene(join(output, `map-${name}.tif`));
    expect(map.profile).toMatchObject({ width: COLUMNS, height: ROWS, nodata: 0 });
    const { data } = await map.read({ x: 0, y: 0, width: COLUMNS, height: ROWS });
    await map.close();
    for (const cells of lines.slice(1)) {
      const [column, row] = [Number(cells[2]) / CELL, Number(cells[3]) / CELL];
      expect(data[row * COLUMNS + column]).toBe(cells[8] === 'red' ? 2 : 1);
      expect(Number(cells[9]) + Number(cells[10])).toBeCloseTo(1, 5);
      if (!(column === 5 && row === 5) && !(column === 0 && row === 0) && !(column === 11 && row === 9)) expect(cells[8]).toBe(colorOf(column, row));
    }
    expect(result.suggestions!.map(({ id }) => id)).toContain(idAt(0, 0));
    expect((await stat(join(output, 'suggest.png'))).size).toBeGreaterThan(5000);
    await expect(indexClassify({ index, labels, output })).rejects.toThrow('exists');
    await indexClassify({ index, labels, output, overwrite: true });
  });

  it('takes places and areas with any number of tags', async () => {
    const opened = await openIndex(index);
    const at = async (column: number, row: number) => (await opened.entry((await opened.rowOf(idAt(column, row)))!));
    const features = [];
    for (const [column, row] of CELLS) {
      const { lon, lat } = await at(column, row);
      features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties: { tags: [colorOf(column, row), ...(row < 5 ? ['north'] : [])] } });
    }
    const corner = await at(5, 5);
    features.push({ type: 'Feature', geometry: { type: 'Polygon', coordinates: [corner.footprint!] }, properties: { tags: ['green'] } });
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: [0, 0] }, properties: { tags: 'red' } });
    await opened.close();
    const labels = fresh('labels.geojson');
    await writeFile(labels, JSON.stringify({ type: 'FeatureCollection', features }));
    const output = fresh('out');
    const result = await indexClassify({ index, labels, output, c: 100, table: 'geojson' });
    expect(result).toMatchObject({ kind: 'any', labelled: 15, validation: { by: 'block' } });
    expect(result.warnings.join()).toContain('1 of 16 labels lie on no chip');
    const of = (tag: string) => result.validation!.scores.find((score) => score.name === tag)!;
    expect(of('red').f1).toBeGreaterThan(0.95);
    expect(of('red').f1).toBeGreaterThan(of('red').baseline);
    const map = await openScene(join(output, `map-${name}.tif`));
    expect(map.profile).toMatchObject({ bands: 4, dtype: 'float32' });
    await map.close();
  });

  it('takes a table as pandas writes it, with a first column that has no name', async () => {
    const frame = await labelFile([',id,class', ...CELLS.map(([column, row], i) => `${i},${idAt(column, row)},${colorOf(column, row)}`)]);
    const plain = await labelFile(['id,class', ...CELLS.map(([column, row]) => `${idAt(column, row)},${colorOf(column, row)}`)]);
    const [a, b] = [fresh('out'), fresh('out')];
    expect(await indexClassify({ index, labels: frame, output: a })).toMatchObject({ kind: 'one', labelled: 14 });
    await indexClassify({ index, labels: plain, output: b });
    expect(await readFile(join(a, 'tags.csv'), 'utf8')).toBe(await readFile(join(b, 'tags.csv'), 'utf8'));
  });

  it('knows rows and areas whose longitude and latitude are exchanged, and says what it does with spellings', async () => {
    const opened = await openIndex(index);
    const at = async (column: number, row: number): Promise<IndexEntry> => (await opened.entry((await opened.rowOf(idAt(column, row)))!));
    const [a, b] = [await at(1, 1), await at(2, 1)];
    const area = (await at(5, 5)).footprint!;
    await opened.close();
    const good = CELLS.slice(2).map(([column, row]) => `${idAt(column, row)},,,${colorOf(column, row)}`);
    const partly = await labelFile(['id,lon,lat,class', ...good, `,${a.lon!},${a.lat!},red`, `,${b.lat!},${b.lon!},blue`]);
    await expect(indexClassify({ index, labels: partly, output: fresh('out') })).rejects.toThrow(/expected longitude and latitude in this order, found 1 of 14 labels that lie on a chip of .* only with the two exchanged \(line 15\)/);
    const polygons = fresh('exchanged.geojson');
    const feature = (name: string, geometry: object): object => ({ type: 'Feature', geometry, properties: { class: name } });
    await writeFile(polygons, JSON.stringify({ type: 'FeatureCollection', features: [
      feature('red', { type: 'Point', coordinates: [a.lon, a.lat] }), feature('blue', { type: 'Point', coordinates: [b.lon, b.lat] }),
      feature('green', { type: 'Polygon', coordinates: [(area as [number, number][]).map(([lon, lat]) => [lat, lon])] }),
    ] }));
    await expect(indexClassify({ index, labels: polygons, output: fresh('out') })).rejects.toThrow(/found 1 of 3 labels .* \(feature 3\)/);
    const spelt = await labelFile(['id,class', ...CELLS.map(([column, row], i) => `${idAt(column, row)},${i === 1 ? `  ${colorOf(column, row)} ` : i > 9 ? colorOf(column, row).toUpperCase() : colorOf(column, row)}`)]);
    const { warnings, tags } = await indexClassify({ index, labels: spelt, output: fresh('out') });
    expect(tags.map((one) => one.name)).toEqual(['BLUE', 'RED', 'blue', 'red']);
    expect(warnings).toContain('1 label has spaces around the name, which were cut off: line 3 blue');
    expect(warnings).toContain('RED and red are taken as different classes: if they mean the same, write them alike');
  });

  it('says what is wrong with labels', async () => {
    const output = fresh('out');
    const tries: readonly (readonly [readonly string[], string])[] = [
      [['id,class', 'nobody,red'], 'line 2: no entry of'], [['name,kind', 'a,b'], 'expected a first line with id'],
      [['id,class', `${idAt(1, 1)},red`], 'at least two classes'], [['id,class', `${idAt(1, 1)},red`, `${idAt(1, 1)},blue`], 'line 2 and line 3 give one chip two classes'],
      [['lon,lat,class', '0,0,red', '1,1,blue'], 'none of its 2 labels'], [['id,tags', `${idAt(1, 1)},red`, `${idAt(2, 1)},red blue`], 'all labelled chips have red'],
      [['lon,lat,class', 'x,0,red'], 'expected an id, or longitude and latitude'], [['lon,lat,class', ',0,red'], 'line 2: expected an id, or longitude'],
      [['id,lon,lat,class', `${idAt(1, 1)},,,red`, '', ',15, ,blue'], 'line 4: expected an id, or longitude'], [['id,class', `"${idAt(1, 1)},red`], 'line 2: expected the quote'], [['id,class', `${idAt(1, 1)},`], 'line 2 has no class'],
    ];
    for (const [lines, message] of tries) await expect(indexClassify({ index, labels: await labelFile(lines), output })).rejects.toThrow(message);
    await expect(stat(output)).rejects.toThrow('ENOENT');
    const near = await labelFile(['id,class', `${idAt(1, 1)},red`, `${idAt(2, 1)},blue`]);
    expect((await indexClassify({ index, labels: near, output })).warnings.join()).toContain('in one place');
  });
});

describe('scores of index classify', () => {
  it('do not come from chips that reach into the part that is left out', async () => {
    const overlapping = fresh('index');
    await embed({ model, index: overlapping, inputs: [scene], patchSize: 2 * CELL, overlap: CELL });
    const ids: string[] = [];
    for (let row = 0; row < ROWS - 1; row++) for (let column = 0; column < COLUMNS - 1; column++) ids.push(`${idAt(column, row)},${colorOf(column, row >> 1)}`);
    const labels = await labelFile(['id,class', ...ids]);
    const block = 4 * CELL;
    const { validation } = await indexClassify({ index: overlapping, labels, output: fresh('out'), block, folds: 4 });
    expect(validation).toMatchObject({ by: 'block', block, folds: 4 });
    expect(validation!.leftOut).toBeGreaterThan(20);
    expect(validation!.leftOut).toBeLessThan(ids.length);
    const apart = await indexClassify({ index, labels: await labelFile(['id,class', ...CELLS.map(([column, row]) => `${idAt(column, row)},${colorOf(column, row)}`)]), output: fresh('out') });
    expect(apart.validation!.leftOut).toBe(0);
  });

  it('knows which chips share ground', () => {
    const at = (x: number, y: number, edge = 10, of = 'a'): IndexEntry => ({ id: '', source: of, scene: of, window: { x, y, width: edge, height: edge }, scale: 1 });
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(60), fc.nat(60), fc.constantFrom(4, 10, 16), fc.constantFrom('a', 'b')), { maxLength: 40 }), (list) => {
      const entries = list.map(([x, y, edge, of]) => at(x, y, edge, of));
      const slowly = entries.map((a, i) => entries.flatMap((b, j) => (i !== j && overlap(a, b) ? [j] : [])));
      expect(sharersOf(entries).map((found) => found.sort((a, b) => a - b))).toEqual(slowly);
    }));
  });
});

describe('results of index classify', () => {
  const labelled = (): Promise<string> => labelFile(['id,class', ...CELLS.map(([column, row]) => `${idAt(column, row)},${colorOf(column, row)}`)]);

  it.each(['tags.csv', 'tags.geojson', 'model.json', 'suggest.csv', 'summary.json', 'map'])('do not replace %s unless they may', async (file) => {
    const [labels, output] = [await labelled(), fresh('out')];
    const taken = join(output, file === 'map' ? `map-${name}.tif` : file);
    await mkdir(output);
    await writeFile(taken, 'mine');
    await expect(indexClassify({ index, labels, output })).rejects.toThrow(`${taken} exists`);
    expect(await readFile(taken, 'utf8')).toBe('mine');
    expect(await readdir(output)).toEqual([basename(taken)]);
    await expect(stat(`${output}.partial`)).rejects.toThrow('ENOENT');
    const { files } = await indexClassify({ index, labels, output, overwrite: true });
    expect((await readdir(output)).sort()).toEqual([...files].sort());
  });

  it('lose the map of a scene that has left the index, and nothing else', async () => {
    const [labels, output, both] = [await labelled(), fresh('out'), fresh('index')];
    const other = await writeScene(fresh('other.tif'), board());
    await embed({ model, index: both, inputs: [scene, other], patchSize: CELL });
    await indexClassify({ index: both, labels, output });
    const gone = `map-${basename(other, '.tif')}.tif`;
    expect(await readdir(output)).toContain(gone);
    await writeFile(join(output, 'map-mine.tif'), 'mine');
    await indexRemove({ index: both, scene: basename(other, '.tif') });
    const { files } = await indexClassify({ index: both, labels, output, overwrite: true });
    expect((await readdir(output)).sort()).toEqual([...files, 'map-mine.tif'].sort());
    expect(files).not.toContain(gone);
  });

  it('never are the labels, the index or a scene, with --overwrite either', async () => {
    const output = fresh('out');
    await mkdir(output);
    const content = await readFile(await labelled());
    for (const own of ['tags.csv', 'suggest.csv']) {
      await writeFile(join(output, own), content);
      await expect(indexClassify({ index, labels: join(output, own), output, overwrite: true })).rejects.toThrow('is the file of labels');
      expect(await readFile(join(output, own))).toEqual(content);
    }
    const labels = await labelled();
    await expect(indexClassify({ index, labels, output: index, overwrite: true })).rejects.toThrow('lies in the folder of the index');
    const place = fresh('place');
    await mkdir(place);
    const own = join(place, 'map-a.tif');
    await copyFile(scene, join(place, 'a.tif'));
    const other = fresh('index');
    await embed({ model, index: other, inputs: [join(place, 'a.tif')], patchSize: CELL });
    await symlink('a.tif', own);
    const ids = await labelFile(['id,class', 'a_r0001_c0001,blue', 'a_r0001_c0002,red']);
    await expect(indexClassify({ index: other, labels: ids, output: place, overwrite: true })).rejects.toThrow('a scene of the index');
    expect(await readFile(own)).toEqual(await readFile(scene));
  });

  it('leave the folder of unfinished files alone where it is somebody else\'s', async () => {
    const [labels, output] = [await labelled(), fresh('out')];
    const partial = `${output}.partial`;
    await mkdir(partial);
    await writeFile(join(partial, 'thesis.txt'), 'mine');
    for (const overwrite of [false, true]) await expect(indexClassify({ index, labels, output, overwrite })).rejects.toThrow('found thesis.txt and no journal');
    expect(await readFile(join(partial, 'thesis.txt'), 'utf8')).toBe('mine');
    await rm(partial, { recursive: true });
    const journal = await openJournal({ folder: partial, identity: { command: 'another' } });
    await journal.append({ step: 0, state: 1, carry: [new Uint8Array([1, 2])] });
    await expect(indexClassify({ index, labels, output })).rejects.toThrow('at work');
    await journal.close();
    const before = (await readdir(partial)).sort();
    await expect(indexClassify({ index, labels, output })).rejects.toThrow('holds an unfinished run with another');
    expect((await readdir(partial)).sort()).toEqual(before);
    await indexClassify({ index, labels, output, overwrite: true });
    await expect(stat(partial)).rejects.toThrow('ENOENT');
  });

  it('are not half there when it is stopped', async () => {
    const [labels, output] = [await labelled(), fresh('out')];
    const stop = new AbortController();
    await expect(indexClassify({ index, labels, output }, { signal: stop.signal, onProgress: ({ stage }) => { if (stage === 'classify') stop.abort(); } })).rejects.toThrow();
    for (const path of [output, `${output}.partial`]) await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});

describe('index duplicates and outliers', () => {
  it('finds the pair that is equal, and chips unlike all others', async () => {
    const sheet = fresh('pairs.png');
    const pairs = await indexDuplicates({ index, threshold: 1e-6, output: fresh('pairs.csv'), sheet });
    expect(pairs.pairs).toEqual([{ a: idAt(0, 0), b: idAt(11, 9), distance: 0 }]);
    expect(pairs.more).toBe(false);
    expect((await stat(sheet)).size).toBeGreaterThan(3000);
    const near = await indexDuplicates({ index, pairs: 5 });
    expect(near).toMatchObject({ more: true, exact: true });
    expect(near.pairs).toHaveLength(5);
    expect(near.pairs[0]).toEqual(pairs.pairs[0]);
    expect([pairsFound(pairs), pairsFound(near)]).toEqual(['1 pair within 0.000001', 'the 5 nearest pairs']);
    const few = await indexDuplicates({ index, pairs: 1, threshold: near.pairs[4]!.distance });
    expect([few.more, few.pairs.length, pairsFound(few)]).toEqual([true, 1, `the nearest of more pairs within ${near.pairs[4]!.distance}`]);
    const out = await indexOutliers({ index, count: 3, neighbour: 2 });
    expect(out.outliers[0]!.id).toBe(idAt(5, 5));
    expect(out.outliers[0]!.distance).toBeGreaterThan(3 * out.median);
    expect((await indexOutliers({ index, count: 3, neighbour: 2, ann: true })).outliers.map(({ id }) => id)).toEqual(out.outliers.map(({ id }) => id));
  });

  it('finds the nearest pairs of all, also where an entry has more near neighbours than are looked at first', async () => {
    // Chips that overlap by seven eighths have more than a hundred others on their own ground, nearer than all that count.
    const [small, dense] = [await writeScene(fresh('small.tif'), patches(160, 128, 3)), fresh('index')];
    await embed({ model, index: dense, inputs: [small], patchSize: 64, overlap: 56 });
    const opened = await openIndex(dense);
    const entries = await opened.entries(Array.from({ length: opened.count }, (_, row) => row));
    const vectors = await Promise.all(entries.map((_, row) => opened.vector(row)));
    await opened.close();
    const all = entries.flatMap((a, i) => entries.slice(i + 1).flatMap((b, j) => (overlap(a, b) ? [] : [{ a: a.id, b: b.id, distance: Math.hypot(...vectors[i]!.map((value, k) => value - vectors[i + 1 + j]![k]!)) }])));
    const nearest = all.sort((a, b) => a.distance - b.distance).slice(0, 40);
    const found = await indexDuplicates({ index: dense, pairs: 40 });
    expect(found.pairs.map(({ a, b }) => `${a} ${b}`)).toEqual(nearest.map(({ a, b }) => `${a} ${b}`));
    found.pairs.forEach(({ distance }, i) => expect(distance).toBeCloseTo(nearest[i]!.distance, 6));
    const within = await indexDuplicates({ index: dense, pairs: 10_000, threshold: nearest[25]!.distance });
    expect(within).toMatchObject({ more: false });
    expect(within.pairs).toHaveLength(26);
  });

  it('does not take the overlap of neighbours for likeness', async () => {
    const overlapping = fresh('index');
    await embed({ model, index: overlapping, inputs: [scene], patchSize: 2 * CELL, overlap: 2 * CELL - 16 });
    const { pairs } = await indexDuplicates({ index: overlapping, pairs: 10 });
    const place = (id: string): number[] => /_r(\d+)_c(\d+)/.exec(id)!.slice(1).map(Number);
    for (const { a, b } of pairs) {
      const [[r, c], [s, d]] = [place(a), place(b)];
      expect(Math.max(Math.abs(r! - s!), Math.abs(c! - d!))).toBeGreaterThanOrEqual(4);
    }
  });
});
