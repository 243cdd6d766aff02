import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exactDistances, exactRows, matrixInFile, matrixInMemory, nearest, openSieve, rankedRows, withSieve, writeSieve } from '../../src/search/index.js';
import type { RowQuery, VectorMatrix } from '../../src/search/index.js';
import { openCodeProducts } from '../../src/search/code-products.js';
import { recordOf } from '../../src/search/fallbacks.js';
import { root, scratch } from '../places.js';

const folder = scratch();
const DIMENSIONS = 72;
/** As many as a sieve is used for. */
const COUNT = 56_000;

function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => { state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0; return (state >>> 8) / 2 ** 24; };
}

/** Vectors in groups, every tenth of them twice. */
function groupedVectors(next: () => number, scale: number): Float32Array {
  const centres = Float64Array.from({ length: 50 * DIMENSIONS }, () => next() - 0.5);
  const data = new Float32Array(COUNT * DIMENSIONS);
  for (let row = 0; row < COUNT; row++) {
    const centre = Math.floor(next() * 50) * DIMENSIONS;
    if (row % 10 === 9) data.copyWithin(row * DIMENSIONS, (row - 9) * DIMENSIONS, (row - 8) * DIMENSIONS);
    else for (let i = 0; i < DIMENSIONS; i++) data[row * DIMENSIONS + i] = scale * (centres[centre + i]! + 0.2 * (next() - 0.5));
  }
  return data;
}

/** Distances of rows that count, in double precision, sorted; as many as `k`, and all that are as far as the last. */
function slowly(data: Float32Array, { vector, metric }: RowQuery, k: number, counts: (row: number) => boolean): { readonly row: number; readonly distance: number }[] {
  const out = new Float64Array(COUNT);
  exactDistances(vector, data, COUNT, metric, out);
  const all = Array.from(out, (distance, row) => ({ row, distance })).filter(({ row }) => counts(row)).sort((a, b) => a.distance - b.distance || a.row - b.row);
  return all.filter(({ distance }) => distance <= all[Math.min(k, all.length) - 1]!.distance);
}

/** The matrix, without the way that reads all vectors. */
function sieveOnly(matrix: VectorMatrix): VectorMatrix {
  return { ...matrix, blocks() { throw new Error('all vectors were read'); } };
}

describe('products with codes', () => {
  it('are exact sums, also of the largest codes', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 }), fc.constantFrom(1, 0.01), (seed, count, steps, share) => {
      const stride = 32 * steps;
      const next = randomFrom(seed);
      const products = openCodeProducts(count, stride);
      const rows = new Int8Array(products.rows.buffer, products.rows.byteOffset, products.rows.length);
      // Some of them all at the ends of their range: the largest sums there are.
      for (let i = 0; i < rows.length; i++) rows[i] = next() < share ? 127 * Math.sign(next() - 0.3) : Math.round(254 * next() - 127);
      for (let i = 0; i < stride; i++) products.query[i] = next() < share ? 32_767 * Math.sign(next() - 0.3) : Math.round(65_534 * next() - 32_767);
      const found = products.multiply(count);
      expect(found).toHaveLength(count);
      for (let row = 0; row < count; row++) {
        let sum = 0;
        for (let i = 0; i < stride; i++) sum += rows[row * stride + i]! * products.query[i]!;
        expect(found[row]).toBe(sum);
      }
    }), { numRuns: 60 });
  });
});

describe('a sieve of codes', () => {
  it('gives the rows of a computation in double precision, reading few vectors', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), fc.constantFrom(1, 1e-42, 1e-25, 1e18), fc.constantFrom<RowQuery['metric']>('l2', 'cosine', 'linear'), fc.constantFrom(1, 7, 40), fc.boolean(), async (seed, scale, metric, k, masked) => {
      const next = randomFrom(seed);
      const data = groupedVectors(next, scale);
      const plain = matrixInMemory(data, DIMENSIONS);
      const sieved = await withSieve(plain);
      const matrix = scale === 1e-42 ? sieved : sieveOnly(sieved); // with so few bits codes say little, and all vectors may be read
      const from = Math.floor(next() * COUNT) * DIMENSIONS;
      const query: RowQuery = { vector: data.slice(from, from + DIMENSIONS).map((value) => value + (next() < 0.5 ? 0 : scale * 0.05 * next())), metric };
      const mask = Uint8Array.from({ length: COUNT }, (_, row) => (!masked || row % 7 < 3 ? 1 : 0));
      const truth = slowly(data, query, k, (row) => mask[row] === 1);
      const [found] = await exactRows(matrix, [query], { k, ...(masked ? { mask } : {}) });
      expect(rankedRows(found!)).toEqual(truth);
      const most = truth[Math.floor(truth.length / 2)]!.distance;
      const [near] = await exactRows(matrix, [query], { k, most, ...(masked ? { mask } : {}) });
      expect(rankedRows(near!)).toEqual(truth.filter(({ distance }) => distance <= most));
    }), { numRuns: 8 });
  });

  it('lets rows through whose numbers are none, zero, or beyond single precision', async () => {
    const next = randomFrom(5);
    const data = groupedVectors(next, 1);
    const query = data.slice(0, DIMENSIONS);
    data.fill(0, 100 * DIMENSIONS, 101 * DIMENSIONS);
    data.fill(Number.NaN, 200 * DIMENSIONS, 200 * DIMENSIONS + 3);
    data.fill(3e38, 300 * DIMENSIONS, 301 * DIMENSIONS);
    data.fill(Number.POSITIVE_INFINITY, 400 * DIMENSIONS, 400 * DIMENSIONS + 1);
    const matrix = sieveOnly(await withSieve(matrixInMemory(data, DIMENSIONS)));
    for (const metric of ['l2', 'cosine'] as const) {
      const truth = slowly(data.map((value) => (Number.isFinite(value) ? value : 1e30)), { vector: query, metric }, 15, () => true);
      const [found] = await exactRows(matrix, [{ vector: query, metric }], { k: 15 });
      expect(rankedRows(found!)).toEqual(truth);
    }
  });

  it('reads everything where it says too little: vectors far from the origin, against scikit-learn', async () => {
    const golden = JSON.parse(readFileSync(join(root, 'fixtures/search/far.json'), 'utf8')) as { readonly count: number; readonly dimensions: number; readonly k: number; readonly queries: number[]; readonly l2: number[][] };
    const { count, dimensions, k } = golden;
    const data = new Float32Array(count * dimensions);
    for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dimensions; j++, at++) data[at] = ((i * 7919 + j * 10473 + ((i * j) % 1013)) % 61) / 64 + 100;
    const matrix = await withSieve(matrixInMemory(data, dimensions));
    for (const [q, row] of golden.queries.entries()) {
      const found = await nearest(matrix, data.slice(row * dimensions, (row + 1) * dimensions), { k, metric: 'l2', idOf: (one) => Promise.resolve(String(one).padStart(6, '0')) });
      found.forEach(({ distance }, i) => expect(Math.abs(distance - golden.l2[q]![i]!)).toBeLessThan(1e-9));
    }
    await expect(exactRows(sieveOnly(matrix), [{ vector: data.slice(0, dimensions), metric: 'l2' }], { k })).rejects.toThrow('all vectors were read');
  });

  it('is the same in a file, which is whole or not there', async () => {
    const data = groupedVectors(randomFrom(9), 1);
    const vectors = join(folder, 'vectors.f32');
    await writeFile(vectors, new Uint8Array(data.buffer));
    const inFile = matrixInFile({ path: vectors, count: COUNT, dimensions: DIMENSIONS });
    const path = join(folder, 'codes.bin');
    const stop = new AbortController();
    await expect(writeSieve(inFile, path, { vectors: 'these', signal: stop.signal, onRows: () => { stop.abort(); } })).rejects.toThrow();
    expect((await readdir(folder)).filter((name) => name.startsWith('codes'))).toEqual([]);
    const of = { count: COUNT, dimensions: DIMENSIONS, vectors: 'these' };
    await writeSieve(inFile, path, of);
    const sieve = await openSieve(path, of);
    const squared = new Float64Array(COUNT);
    exactDistances(new Float32Array(DIMENSIONS), data, COUNT, 'l2', squared);
    expect(sieve!.squared).toEqual(squared);
    const query = { vector: data.slice(77 * DIMENSIONS, 78 * DIMENSIONS), metric: 'l2' as const };
    const [found] = await exactRows(sieveOnly({ ...inFile, sieve: () => Promise.resolve(sieve) }), [query], { k: 9 });
    expect(rankedRows(found!)).toEqual(slowly(data, query, 9, () => true));
    for (const other of [{ count: COUNT - 1 }, { dimensions: DIMENSIONS - 1 }, { dimensions: DIMENSIONS + 1 }, { vectors: 'others' }]) expect(await openSieve(path, { ...of, ...other })).toBeUndefined();
    const whole = readFileSync(path);
    // A bit of the mark, the version, the header's empty part, its checksums, and of the numbers behind the codes.
    for (const at of [0, 8, 30, 40, 64, 100, whole.length - 1, whole.length - 16 * COUNT]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      await writeFile(path, damaged);
      expect(await openSieve(path, of), `byte ${at}`).toBeUndefined();
    }
    await writeFile(path, whole);
    expect(await openSieve(path, of)).toBeDefined();
    await truncate(path, (await stat(path)).size - 1);
    expect(await openSieve(path, of)).toBeUndefined();
  });

  it('is left aside after two searches that it was of no use for, per metric, and tried again', async () => {
    const next = randomFrom(3);
    const data = groupedVectors(next, 1).map((value) => value + 1000);
    const plain = await withSieve(matrixInMemory(data, DIMENSIONS));
    const sieve = (await plain.sieve!())!;
    let opened = 0;
    const matrix: VectorMatrix = { ...plain, sieve: () => Promise.resolve(watched) };
    const watched = { ...sieve, open: () => { opened++; return sieve.open(); } };
    const query = { vector: data.slice(0, DIMENSIONS), metric: 'l2' as const };
    const truth = slowly(data, query, 3, () => true);
    const tried: number[] = [];
    for (let search = 0; search < 20; search++) {
      const before = opened;
      const [found] = await exactRows(matrix, [query], { k: 3 });
      expect(rankedRows(found!)).toEqual(truth);
      if (opened > before) tried.push(search);
    }
    // Two, then 16 without, and one.
    expect(tried).toEqual([0, 1, 18]);
    const before = opened;
    await exactRows(matrix, [{ ...query, metric: 'linear' }], { k: 3 });
    expect(opened).toBe(before + 1);
  });

  it('is tried ever more seldom in vain, and each time again once it was of use', async () => {
    const sieve = (await (await withSieve(matrixInMemory(new Float32Array(8), 4))).sieve!())!;
    const tries = (searches: number, useful: (search: number) => boolean): number[] => {
      const tried: number[] = [];
      for (let search = 0; search < searches; search++) {
        const record = recordOf(sieve, 'l2');
        if (record.skips()) continue;
        tried.push(search);
        record.found(useful(search) ? 'useful' : 'fell back');
      }
      return tried;
    };
    // 16, 32, 64, 128, 256 and 256 are left out between them.
    expect(tries(760, () => false)).toEqual([0, 1, 18, 51, 116, 245, 502, 759]);
    tries(257, () => true);
    expect(tries(24, (search) => search % 2 === 0)).toHaveLength(24);
  });

  it('is not left aside where it is of use', async () => {
    const data = groupedVectors(randomFrom(4), 1);
    const matrix = sieveOnly(await withSieve(matrixInMemory(data, DIMENSIONS)));
    for (let search = 0; search < 20; search++) {
      const [found] = await exactRows(matrix, [{ vector: data.slice(search * DIMENSIONS, (search + 1) * DIMENSIONS), metric: 'l2' }], { k: 3 });
      expect(found!.limit).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });
});
