import fc from 'fast-check';
import { copyFile, mkdir, readFile, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { INDEX_FORMAT, VECTORS_FILE, addToIndex, openIndex, readManifest, removeSource, writeParts } from '../../src/index-store/index.js';
import type { EmbeddedEntry, IndexEntry, IndexManifest } from '../../src/index-store/index.js';
import { scratch } from '../places.js';

const folder = scratch();
let made = 0;
const fresh = (name = 'index'): string => join(folder, `${made++}-${name}`);

const DIMENSIONS = 3;

function emptyIndex(fingerprint = 'f', dimensions = DIMENSIONS): IndexManifest {
  const card = {} as IndexManifest['model']['card'];
  return { format: INDEX_FORMAT, createdBy: 'test', model: { name: 'm', source: 'm', fingerprint, layer: 'features', card }, dimensions, metric: 'l2', count: 0, sources: [], parts: [] };
}

/** A chip of 0.01° at a place. */
function chip(source: string, i: number, more: Partial<IndexEntry> = {}): IndexEntry {
  const [lon, lat] = [10 + i * 0.01, 50];
  const [w, e, s, n] = [lon - 0.005, lon + 0.005, lat - 0.005, lat + 0.005];
  return {
    id: `${source}_${i}`, source, scene: `/data/${source}.tif`, window: { x: i * 10, y: 5, width: 10, height: 20 }, scale: 1, gsd: 0.5, lon, lat,
    footprint: [[w, s], [e, s], [e, n], [w, n], [w, s]], ...more,
  };
}

async function* embedded(entries: readonly IndexEntry[], dimensions = DIMENSIONS): AsyncGenerator<EmbeddedEntry> {
  for (const [i, entry] of entries.entries()) yield await Promise.resolve({ entry, vector: Float32Array.from({ length: dimensions }, (_, k) => i + k / 8) });
}

async function add(index: string, source: string, entries: readonly IndexEntry[], rows = 1000): Promise<IndexManifest> {
  const from = fresh('parts');
  const parts = await writeParts(embedded(entries), { folder: from, source, dimensions: DIMENSIONS, rows });
  const described = { name: source, kind: 'scene' as const, path: `/data/${source}.tif`, fingerprint: source, count: entries.length, nodata: 0 };
  return addToIndex(index, [{ source: described, parts }], { from, empty: emptyIndex() });
}

const chips = (source: string, count: number): IndexEntry[] => Array.from({ length: count }, (_, i) => chip(source, i));

describe('an index', () => {
  it('gives back entries and vectors in the order they came, by row, id and place', async () => {
    const index = fresh();
    const first = chips('a', 7);
    const second = [chip('b', 100, { tags: ['pool', 'réunion'], scale: 4 }), { id: 'b_plain', source: 'b', scene: '/elsewhere/x.png', window: { x: 0, y: 0, width: 8, height: 8 }, scale: 1 }];
    await add(index, 'a', first, 3);
    await add(index, 'b', second);
    const opened = await openIndex(index);
    expect(opened).toMatchObject({ count: 9, dimensions: 3, notes: [] });
    expect(opened.parts.map(({ rows, first: row, source }) => [row, rows, source])).toEqual([[0, 3, 'a'], [3, 3, 'a'], [6, 1, 'a'], [7, 2, 'b']]);
    expect(await opened.entries([8, 0, 7])).toEqual([second[1], first[0], second[0]]);
    const all: IndexEntry[] = [];
    for await (const batch of opened.batches()) for (let i = 0; i < batch.count; i++) all.push(batch.entry(i));
    expect(all).toEqual([...first, ...second]);
    expect([...await opened.vector(4)]).toEqual([4, 4.125, 4.25]);
    const matrix = new Float32Array(new Uint8Array(await readFile(opened.vectorsPath)).buffer);
    expect([...matrix.subarray(24)]).toEqual([1, 1.125, 1.25]);
    expect(await opened.rowOf('b_100')).toBe(7);
    expect(await opened.rowOf('b_10')).toBeUndefined();
    expect(await opened.rowAt(10.021, 50.004)).toBe(2);
    expect(await opened.rowAt(10.021, 50.006)).toBeUndefined();
    expect(opened.sourceOf(6).name).toBe('a');
    expect(opened.sourceOf(7).name).toBe('b');
    await expect(opened.entry(9)).rejects.toThrow('from 0 to 8');
    await opened.close();
  });

  it('finds every id among any others', async () => {
    await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((id) => Buffer.from(id).toString() === id), { minLength: 1, maxLength: 40 }), async (ids) => {
      const index = fresh();
      await add(index, 's', ids.map((id, i) => chip('s', i, { id })));
      const opened = await openIndex(index);
      for (const [row, id] of ids.entries()) expect(await opened.rowOf(id)).toBe(row);
      await opened.close();
    }), { numRuns: 5 });
  });

  it('finds the nearest centre where outlines overlap, and places across the antimeridian', async () => {
    const index = fresh();
    const wide = (lon: number, id: string): IndexEntry => ({ ...chip('s', 0), id, lon: lon > 180 ? lon - 360 : lon, lat: 0, footprint: [[lon - 1, -1], [lon + 1, -1], [lon + 1, 1], [lon - 1, 1], [lon - 1, -1]] });
    await add(index, 's', [wide(179.5, 'east'), wide(180.3, 'west'), wide(30, 'far')]);
    const opened = await openIndex(index);
    expect(await opened.rowAt(179.8, 0)).toBe(0);
    expect(await opened.rowAt(-179.9, 0)).toBe(1);
    expect(await opened.rowAt(-178.9, 0.5)).toBe(1);
    expect(await opened.rowAt(-178.6, 0)).toBeUndefined();
    await opened.close();
  });

  it('may be empty', async () => {
    const index = fresh();
    await add(index, 'a', []);
    const opened = await openIndex(index);
    expect(opened.count).toBe(0);
    expect(await opened.rowOf('x')).toBeUndefined();
    expect(await opened.rowAt(0, 0)).toBeUndefined();
    expect(opened.manifest.sources).toHaveLength(1);
    await opened.close();
  });

  it('is GeoParquet that other readers read: columns, geometry and vectors', async () => {
    const index = fresh();
    await add(index, 'a', [chip('a', 0, { tags: ['x', 'y'] }), chip('a', 1)]);
    const [part] = (await readManifest(index)).parts;
    const bytes = new Uint8Array(await readFile(join(index, part!.file))).buffer;
    const rows = await parquetReadObjects({ file: bytes });
    expect(rows[0]).toMatchObject({ id: 'a_0', source: 'a', x: 0, y: 5, width: 10, height: 20, scale: 1, gsd: 0.5, lon: 10, lat: 50, tags: ['x', 'y'], vector: [0, 0.125, 0.25], bbox: { xmin: 9.995, ymin: 49.995 } });
    expect(rows[1]).toMatchObject({ tags: null, vector: [1, 1.125, 1.25], geometry: { type: 'Polygon', coordinates: [chip('a', 1).footprint] } });
  });
});

describe('caches', () => {
  it('are made again when they are missing, cut or older than the parts, and it is said', async () => {
    const index = fresh();
    await add(index, 'a', chips('a', 5));
    const before = await readFile(join(index, VECTORS_FILE));
    const old = fresh('old');
    await mkdir(old);
    for (const name of await readdir(join(index, 'cache'))) await copyFile(join(index, 'cache', name), join(old, name));
    const expectMade = async (why: string, entries: number): Promise<void> => {
      const opened = await openIndex(index);
      expect(opened.notes.join()).toContain(`${why} and were made again from ${entries} entries`);
      expect((await opened.entry(4)).id).toBe('a_4');
      await opened.close();
      const again = await openIndex(index);
      expect(again.notes).toEqual([]);
      await again.close();
    };
    await rm(join(index, 'cache'), { recursive: true });
    await expectMade('missing', 5);
    expect(await readFile(join(index, VECTORS_FILE))).toEqual(before);
    await truncate(join(index, VECTORS_FILE), 20);
    await expectMade('missing', 5);
    await add(index, 'b', chips('b', 2));
    for (const name of await readdir(old)) await copyFile(join(old, name), join(index, 'cache', name));
    await expectMade('older than the parts', 2);
  });

  it('go on serving readers that opened them, whatever is added or removed', async () => {
    const index = fresh();
    await add(index, 'a', chips('a', 4));
    await add(index, 'b', chips('b', 3));
    const opened = await openIndex(index);
    await removeSource(index, 'a');
    await add(index, 'c', chips('c', 50));
    expect((await opened.entries([0, 3, 6])).map(({ id }) => id)).toEqual(['a_0', 'a_3', 'b_2']);
    expect([...await opened.vector(6)]).toEqual([2, 2.125, 2.25]);
    await opened.close();
    const now = await openIndex(index);
    expect(now.notes).toEqual([]);
    expect((await now.entries([0, 2, 3, 52])).map(({ id }) => id)).toEqual(['b_0', 'b_2', 'c_0', 'c_49']);
    expect(await now.rowOf('a_0')).toBeUndefined();
    expect(await now.rowOf('c_49')).toBe(52);
    await now.close();
  });

  it('are those of the last of many changes, in any order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 5 })), { minLength: 1, maxLength: 8 }), async (changes) => {
      const index = fresh();
      await add(index, 'base', chips('base', 2), 1);
      const there = new Map([['base', 2]]);
      for (const [more, which, count] of changes) {
        const name = `s${which}`;
        if (more && !there.has(name)) {
          await add(index, name, chips(name, count), 2);
          there.set(name, count);
        } else if (!more && there.has(name)) {
          await removeSource(index, name);
          there.delete(name);
        }
      }
      const opened = await openIndex(index);
      expect(opened.notes).toEqual([]);
      const expected = [...there].flatMap(([name, count]) => chips(name, count).map(({ id }) => id));
      const rows = expected.map((_, row) => row);
      expect((await opened.entries(rows)).map(({ id }) => id)).toEqual(expected);
      for (const [row, id] of expected.entries()) {
        expect(await opened.rowOf(id)).toBe(row);
        expect((await opened.vector(row))[0]).toBe(Number(id.split('_')[1]));
      }
      await opened.close();
      expect((await readdir(join(index, 'parts'))).length).toBe((await readManifest(index)).parts.length);
    }), { numRuns: 12 });
  });
});

describe('a bad part', () => {
  const three = async (): Promise<{ index: string; files: string[] }> => {
    const index = fresh();
    for (const name of ['a', 'b', 'c']) await add(index, name, chips(name, 3));
    return { index, files: (await readManifest(index)).parts.map(({ file }) => join(index, file)) };
  };

  it('that is missing or cut is named; the others can be used without it', async () => {
    const { index, files } = await three();
    const whole = await readFile(files[1]!);
    await truncate(files[1]!, 100);
    await expect(openIndex(index)).rejects.toMatchObject({ name: 'InvalidFileError', file: files[1], message: expect.stringContaining('is truncated') as unknown, advice: expect.stringContaining('--skip-bad') as unknown });
    const some = await openIndex(index, { skipBad: true });
    expect(some.count).toBe(6);
    expect(some.notes.join()).toContain('3 entries of b, is truncated');
    expect((await some.entries([2, 3])).map(({ id }) => id)).toEqual(['a_2', 'c_0']);
    expect(await some.rowOf('b_1')).toBeUndefined();
    await some.close();
    await rm(files[1]!);
    await expect(openIndex(index)).rejects.toThrow('is missing');
    await writeFile(files[1]!, whole);
    const again = await openIndex(index);
    expect(again.count).toBe(9);
    expect((await again.entry(4)).id).toBe('b_1');
    await again.close();
  });

  it('of the right length but other bytes is found when caches are made, and is left out from then on', async () => {
    const { index, files } = await three();
    const bytes = await readFile(files[2]!);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(files[2]!, bytes);
    await rm(join(index, 'cache'), { recursive: true });
    await expect(openIndex(index)).rejects.toThrow('its checksum is another one');
    for (let tries = 0; tries < 2; tries++) {
      const some = await openIndex(index, { skipBad: true });
      expect(some.count).toBe(6);
      expect(some.notes.filter((note) => note.startsWith('left out'))).toHaveLength(1);
      expect(some.notes.some((note) => note.includes('made again'))).toBe(tries === 0);
      await some.close();
    }
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(files[2]!, bytes);
    await utimes(files[2]!, 1, 1);
    const healed = await openIndex(index, { skipBad: true });
    expect(healed.count).toBe(9);
    await healed.close();
  });

  it('listed outside the index is refused', async () => {
    const { index } = await three();
    const manifest = await readManifest(index);
    for (const file of ['../x.parquet', 'parts/../../x', '/etc/passwd', 'parts\\x']) {
      await writeFile(join(index, 'index.json'), JSON.stringify({ ...manifest, parts: [{ ...manifest.parts[0], file, rows: 9 }] }));
      await expect(openIndex(index), file).rejects.toThrow('expected parts with');
    }
  });

  it('with a value that is nested deeper than a writer goes is refused in one line', async () => {
    const { index } = await three();
    const text = await readFile(join(index, 'index.json'), 'utf8');
    await writeFile(join(index, 'index.json'), text.replace(/"count": \d+/, `"count": ${'['.repeat(1e5)}${']'.repeat(1e5)}`));
    await expect(openIndex(index)).rejects.toThrow(/expected a whole number as count, found something nested very deeply$/);
  });
});

describe('changes', () => {
  it('of another model, layer, or a name that is there are refused, and nothing is changed', async () => {
    const index = fresh();
    const before = await add(index, 'a', chips('a', 2));
    const from = fresh('parts');
    const parts = await writeParts(embedded(chips('b', 1)), { folder: from, source: 'b', dimensions: DIMENSIONS });
    const source = { name: 'b', kind: 'scene' as const, path: '/b', fingerprint: 'b', count: 1, nodata: 0 };
    await expect(addToIndex(index, [{ source, parts }], { from, empty: emptyIndex('other') })).rejects.toThrow('was made with m (f), got m (other)');
    const layer = { ...emptyIndex(), model: { ...emptyIndex().model, layer: 'pool5' } };
    await expect(addToIndex(index, [{ source, parts }], { from, empty: layer })).rejects.toThrow('--layer');
    await expect(add(index, 'a', chips('a', 1))).rejects.toThrow('has other entries of the name a');
    expect(await readManifest(index)).toEqual(before);
    await expect(removeSource(index, 'nobody')).rejects.toThrow('has no scene nobody');
  });

  it('that were cut off between files and manifest leave the index as it was, and their files go with the next change', async () => {
    const index = fresh();
    await add(index, 'a', chips('a', 2));
    await writeFile(join(index, 'parts', 'orphan-0000-abc.parquet'), 'half');
    const opened = await openIndex(index);
    expect(opened.count).toBe(2);
    await opened.close();
    await add(index, 'b', chips('b', 1));
    expect((await readdir(join(index, 'parts'))).filter((name) => name.startsWith('orphan'))).toEqual([]);
  });

  it('wait for each other', async () => {
    const index = fresh();
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => add(index, name, chips(name, 3))));
    const opened = await openIndex(index);
    expect(opened.count).toBe(12);
    expect(opened.manifest.sources.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c', 'd']);
    await opened.close();
    expect((await stat(join(index, 'lock')).catch(() => undefined))).toBeUndefined();
  });

  it('of indexes of an older format are refused with advice', async () => {
    const index = fresh();
    await mkdir(index);
    await writeFile(join(index, 'index.json'), '{"format":"tilewright-index/1","dimensions":3,"count":0}');
    await expect(openIndex(index)).rejects.toMatchObject({ name: 'InvalidFileError', exitCode: 3, message: expect.stringContaining('found "tilewright-index/1"') as unknown, advice: expect.stringContaining('embed') as unknown });
    for (const text of ['{', 'null', '{"format":"tilewright-index/2","dimensions":0}']) {
      await writeFile(join(index, 'index.json'), text);
      await expect(openIndex(index), text).rejects.toMatchObject({ name: 'InvalidFileError' });
    }
    await expect(openIndex(fresh())).rejects.toThrow('found no index.json');
  });
});
