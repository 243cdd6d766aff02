import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNearestRows, nearest } from '../../src/search/index.js';
import type { Metric, NearestOptions, Neighbour, VectorFile } from '../../src/search/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();
let made = 0;
const fresh = (): string => join(folder, `vectors-${made++}.f32`);

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
        const found = await nearestIn(index, Float32Array.from(query), { k: golden.k, metric });
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
        const found = await nearestIn(index, Float32Array.of(1, 1), { k, metric });
        const distance = (v: readonly number[]): number => (metric === 'l2' ? Math.abs(v[0]! - 1) : 1 - (v[0]! + 1) / Math.hypot(v[0]!, 1) / Math.SQRT2);
        const expected = [...rows].sort(([a, v], [b, w]) => (Math.abs(distance(v) - distance(w)) > 1e-9 ? distance(v) - distance(w) : a < b ? -1 : 1)).slice(0, k).map(([id]) => id);
        expect(found.map(({ id }) => id)).toEqual(expected);
      }), { numRuns: 25 });
  });

  it('reads more vectors than fit into one piece', async () => {
    const count = 3000;
    const dimensions = 1024; // 12 MB: two pieces
    const index = await writeIndex(dimensions, (function* rows() {
      for (let i = 0; i < count; i++) yield [idOf(i), new Array<number>(dimensions).fill(i)] as const;
    })());
    const found = await nearestIn(index, new Float32Array(dimensions).fill(2900.25), { k: 3, metric: 'l2' });
    expect(found.map(({ row }) => row)).toEqual([2900, 2901, 2899]);
    expect(found[0]!.distance).toBe(0.25 * 32);
  });

  it('gives no negative distances, and 1 for a vector without direction', async () => {
    const index = await writeIndex(3, [['a', [0.1, 0.2, 0.7]], ['zero', [0, 0, 0]]]);
    const found = await nearestIn(index, Float32Array.of(0.1, 0.2, 0.7), { k: 2, metric: 'cosine' });
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

function idOf(i: number): string {
  return `chip-${String(i).padStart(4, '0')}`;
}

type Row = readonly [id: string, vector: readonly number[]];

interface Named extends VectorFile {
  readonly ids: readonly string[];
}

async function writeIndex(dimensions: number, rows: Iterable<Row>): Promise<Named> {
  const path = fresh();
  const all = [...rows];
  await writeFile(path, new Uint8Array(Float32Array.from(all.flatMap(([, vector]) => [...vector])).buffer));
  return { path, count: all.length, dimensions, ids: all.map(([id]) => id) };
}

function nearestIn(index: Named, query: Float32Array, options: Omit<NearestOptions, 'idOf'>): Promise<Neighbour[]> {
  return nearest(index, query, { ...options, idOf: (row) => Promise.resolve(index.ids[row]!) });
}
