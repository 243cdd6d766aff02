import fc from 'fast-check';
import { appendFile, copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appendEntries, createNearestRows, findId, nearest, readManifest, readVector } from '../../src/search/index.js';
import type { IndexManifest, Metric } from '../../src/search/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();
let made = 0;
const fresh = (): string => join(folder, `index-${made++}`);

interface Golden {
  readonly count: number; readonly dimensions: number; readonly k: number; readonly queries: number[][];
  readonly l2: readonly { rows: number[]; distances: number[] }[]; readonly cosine: readonly { rows: number[]; distances: number[] }[];
}

describe('nearest', () => {
  it('finds what scikit-learn finds, at its distances', async () => {
    const golden = JSON.parse(await readFile(join(root, 'fixtures/search/neighbours.json'), 'utf8')) as Golden;
    const bytes = await readFile(join(root, 'fixtures/search/vectors.f32'));
    const vectors = new Float32Array(new Uint8Array(bytes).buffer);
    const index = await writeIndex(golden.dimensions, Array.from({ length: golden.count }, (_, i) => [idOf(i), [...vectors.subarray(i * golden.dimensions, (i + 1) * golden.dimensions)]]));
    for (const metric of ['l2', 'cosine'] as const) {
      for (const [q, query] of golden.queries.entries()) {
        const found = await nearest(index.folder, index.manifest, Float32Array.from(query), { k: golden.k, metric });
        const expected = golden[metric][q]!;
        found.forEach(({ distance }, i) => expect(Math.abs(distance - expected.distances[i]!), `${metric} query ${q} rank ${i + 1}`).toBeLessThan(1e-6));
        // scikit-learn does not say how it orders equal distances: the zero vector is at cosine distance 1 from everything.
        const tied = expected.distances.some((distance, i) => i > 0 && distance - expected.distances[i - 1]! < 1e-7);
        if (!tied) expect(found.map(({ row }) => row), `${metric} query ${q}`).toEqual(expected.rows);
        expect(found.map(({ rank }) => rank)).toEqual(expected.rows.map((_, i) => i + 1));
      }
    }
  });

  it('orders equal distances by id, also at the last place, whatever the order of the rows', async () => {
    await fc.assert(fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 30 }), fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 30 }),
      fc.integer({ min: 1, max: 35 }), fc.constantFrom<Metric>('l2', 'cosine'),
      async (names, values, k, metric) => {
        const rows = names.map((name, i) => [idOf(name), [values[i]!, 1]] as const);
        const index = await writeIndex(2, rows);
        const found = await nearest(index.folder, index.manifest, Float32Array.of(1, 1), { k, metric });
        const distance = (v: readonly number[]): number => (metric === 'l2' ? Math.abs(v[0]! - 1) : 1 - (v[0]! + 1) / Math.hypot(v[0]!, 1) / Math.SQRT2);
        const expected = [...rows].sort(([a, v], [b, w]) => (Math.abs(distance(v) - distance(w)) > 1e-9 ? distance(v) - distance(w) : a < b ? -1 : 1)).slice(0, k).map(([id]) => id);
        expect(found.map(({ entry }) => entry.id)).toEqual(expected);
      }), { numRuns: 25 });
  });

  it('reads more vectors than fit into one piece', async () => {
    const count = 3000;
    const dimensions = 1024; // 12 MB: two pieces
    const index = await writeIndex(dimensions, (function* rows() {
      for (let i = 0; i < count; i++) yield [idOf(i), new Array<number>(dimensions).fill(i)] as const;
    })());
    const found = await nearest(index.folder, index.manifest, new Float32Array(dimensions).fill(2900.25), { k: 3, metric: 'l2' });
    expect(found.map(({ row }) => row)).toEqual([2900, 2901, 2899]);
    expect(found[0]!.distance).toBe(0.25 * 32);
    expect([...(await readVector(index.folder, index.manifest, 2999)).subarray(0, 2)]).toEqual([2999, 2999]);
  });

  it('gives no negative distances, and 1 for a vector without direction', async () => {
    const index = await writeIndex(3, [['a', [0.1, 0.2, 0.7]], ['zero', [0, 0, 0]]]);
    const found = await nearest(index.folder, index.manifest, Float32Array.of(0.1, 0.2, 0.7), { k: 2, metric: 'cosine' });
    expect(found[0]!.distance).toBe(0);
    expect(found[1]!.distance).toBe(1);
  });
});

describe('createNearestRows', () => {
  it('keeps what sorting would keep', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (values, k) => {
      const best = createNearestRows(k);
      values.forEach((value, row) => best.offer(row, value));
      const last = [...values].sort((a, b) => a - b)[Math.min(k, values.length) - 1];
      expect(best.nearer().map(({ row }) => row).sort((a, b) => a - b)).toEqual(values.flatMap((value, row) => (last !== undefined && value < last ? [row] : [])));
      expect(best.tied().map(({ row }) => row).sort((a, b) => a - b)).toEqual(values.flatMap((value, row) => (value === last ? [row] : [])));
    }));
  });
});

describe('an index on disk', () => {
  it('ends where its manifest says: a half-finished append is not seen, and is written over', async () => {
    const index = await writeIndex(2, [['a', [0, 0]], ['b', [1, 1]]]);
    await appendFile(join(index.folder, 'vectors.f32'), new Uint8Array(11));
    await appendFile(join(index.folder, 'entries.jsonl'), '{"id":"c",');
    const manifest = await readManifest(index.folder);
    expect(await nearest(index.folder, manifest, Float32Array.of(0, 0), { k: 5, metric: 'l2' })).toHaveLength(2);
    expect(await findId(index.folder, manifest, 'c')).toBeUndefined();
    const added = await appendEntries(index.folder, manifest, rowsOf([['c', [2, 2]]]));
    expect(added.count).toBe(1);
    const next = { ...manifest, count: 3, entriesBytes: added.entriesBytes };
    expect(await findId(index.folder, next, 'c')).toMatchObject({ row: 2 });
    expect((await readFile(join(index.folder, 'vectors.f32'))).length).toBe(3 * 2 * 4);
  });

  it('finds ids that look like parts of others or like JSON', async () => {
    const ids = ['a', 'a"', 'aa', '{"id":"a",', 'ä/ö'];
    const index = await writeIndex(1, ids.map((id, i) => [id, [i]]));
    for (const [row, id] of ids.entries()) expect(await findId(index.folder, index.manifest, id)).toMatchObject({ row, entry: { id } });
  });

  it('is refused where it is damaged or none', async () => {
    const index = await writeIndex(4, [['a', [0, 0, 0, 0]]]);
    await truncate(join(index.folder, 'vectors.f32'), 15);
    await expect(readManifest(index.folder)).rejects.toThrow('expected at least 16 bytes, found 15');
    const other = fresh();
    await mkdir(other);
    await expect(readManifest(other)).rejects.toThrow('found no index.json');
    for (const text of ['{', '{"format":"tilewright-index/9"}', 'null', '{"format":"tilewright-index/1","dimensions":0}']) {
      await writeFile(join(other, 'index.json'), text);
      await expect(readManifest(other), text).rejects.toMatchObject({ name: 'InvalidFileError', exitCode: 3 });
    }
    await copyFile(join(index.folder, 'index.json'), join(other, 'index.json'));
    await expect(readManifest(other)).rejects.toThrow('found no file');
  });
});

function idOf(i: number): string {
  return `chip-${String(i).padStart(4, '0')}`;
}

type Row = readonly [id: string, vector: readonly number[]];

async function* rowsOf(rows: Iterable<Row>): AsyncGenerator<{ entry: { id: string; scene: string; window: { x: number; y: number; width: number; height: number } }; vector: Float32Array }> {
  for (const [id, vector] of rows) yield await Promise.resolve({ entry: { id, scene: 's.tif', window: { x: 0, y: 0, width: 1, height: 1 } }, vector: Float32Array.from(vector) });
}

async function writeIndex(dimensions: number, rows: Iterable<Row>): Promise<{ folder: string; manifest: IndexManifest }> {
  const place = fresh();
  const { count, entriesBytes } = await appendEntries(place, { count: 0, entriesBytes: 0, dimensions }, rowsOf(rows));
  const manifest: IndexManifest = { format: 'tilewright-index/1', model: { name: 'm', source: 'm', fingerprint: 'f' }, dimensions, metric: 'l2', count, entriesBytes, sources: [] };
  await writeFile(join(place, 'index.json'), JSON.stringify(manifest));
  return { folder: place, manifest };
}
