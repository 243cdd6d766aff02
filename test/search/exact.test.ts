import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exactDistances, exactRows, loadMatrix, matrixInFile, matrixInMemory, nearest, rankedRows } from '../../src/search/index.js';
import type { Metric, RowQuery, VectorMatrix } from '../../src/search/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();

interface Golden { readonly count: number; readonly dimensions: number; readonly k: number; readonly queries: number[]; readonly l2: number[][]; readonly cosine: number[][] }
const golden = JSON.parse(readFileSync(join(root, 'fixtures/search/far.json'), 'utf8')) as Golden;

/** The vectors of make_far.py: large enough for the engine. */
function farVectors(): Float32Array {
  const { count, dimensions } = golden;
  const data = new Float32Array(count * dimensions);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dimensions; j++, at++) data[at] = ((i * 7919 + j * 10473 + ((i * j) % 1013)) % 61) / 64 + 100;
  return data;
}

async function inFile(data: Float32Array, dimensions: number, name: string): Promise<VectorMatrix> {
  const path = join(folder, name);
  await writeFile(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return matrixInFile({ path, count: data.length / dimensions, dimensions });
}

/** All distances in double precision, sorted. */
function slowly(data: Float32Array, dimensions: number, { vector, metric }: RowQuery, k: number): number[] {
  const out = new Float64Array(data.length / dimensions);
  exactDistances(vector, data, out.length, metric, out);
  return [...out].sort((a, b) => a - b).slice(0, k);
}

describe('exact neighbours by products in single precision', () => {
  it('are scikit-learn\'s where single precision alone is wrong, in memory and from a file', async () => {
    const data = farVectors();
    const { count, dimensions, k } = golden;
    for (const matrix of [matrixInMemory(data, dimensions), await inFile(data, dimensions, 'far.f32')]) {
      for (const metric of ['l2', 'cosine'] as const) {
        for (const [q, row] of golden.queries.entries()) {
          const found = await nearest(matrix, data.slice(row * dimensions, (row + 1) * dimensions), { k, metric, idOf: (one) => Promise.resolve(String(one).padStart(6, '0')) });
          found.forEach(({ distance }, i) => expect(Math.abs(distance - golden[metric][q]![i]!), `${metric} ${row} rank ${i + 1}`).toBeLessThan(metric === 'l2' ? 1e-9 : 1e-12));
          expect(found).toHaveLength(k);
        }
      }
      expect(matrix.count).toBe(count);
    }
  });

  it('answer several queries in one pass, with masks and largest distances', async () => {
    const data = farVectors();
    const { dimensions } = golden;
    const matrix = matrixInMemory(data, dimensions);
    const mask = Uint8Array.from({ length: golden.count }, (_, row) => (row % 3 === 1 ? 1 : 0));
    const queries = ([['l2', 5], ['cosine', 9000], ['linear', 12], ['l2', 19_999]] as const).map(([metric, row]) => ({
      metric, vector: data.slice(row * dimensions, (row + 1) * dimensions).map((value) => (metric === 'linear' ? value - 100.4 : value)),
    }));
    const found = await exactRows(matrix, queries, { k: 7, mask });
    for (const [i, query] of queries.entries()) {
      const left = Float32Array.from(Array.from({ length: golden.count }, (_, row) => row).filter((row) => mask[row] === 1).flatMap((row) => [...data.subarray(row * dimensions, (row + 1) * dimensions)]));
      expect(rankedRows(found[i]!).slice(0, 7).map(({ distance }) => distance)).toEqual(slowly(left, dimensions, query, 7));
      expect(rankedRows(found[i]!).every(({ row }) => row % 3 === 1)).toBe(true);
    }
    const [first] = queries;
    const within = slowly(data, dimensions, first!, 4).at(-1)!;
    const [near] = await exactRows(matrix, [first!], { k: 100, most: within });
    expect(Math.max(...rankedRows(near!).map(({ distance }) => distance))).toBe(within);
    expect(rankedRows(near!).length).toBeLessThan(100);
  });

  it('equal a computation in double precision for any numbers, also such that are too large or small for single precision', async () => {
    const dimensions = 64;
    const count = 62_500 + 100; // as many as the engine is used for
    await fc.assert(fc.asyncProperty(fc.integer(), fc.constantFrom(1, 1e-22, 1e4, 1e20), fc.constantFrom<Metric>('l2', 'cosine'), async (seed, scale, metric) => {
      let state = seed | 1;
      const next = (): number => { state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0; return (state >>> 8) / 2 ** 24; };
      const data = new Float32Array(count * dimensions);
      for (let i = 0; i < data.length; i++) data[i] = scale * (1 + 1e-3 * next());
      const query = { vector: data.slice(640, 640 + dimensions), metric };
      const [found] = await exactRows(matrixInMemory(data, dimensions), [query], { k: 5 });
      expect(rankedRows(found!).slice(0, 5).map(({ distance }) => distance)).toEqual(slowly(data, dimensions, query, 5));
    }), { numRuns: 6 });
  });
});

describe('a matrix in a file', () => {
  it('is read into one array, whose rows are views', async () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => i / 7);
    const path = join(folder, 'small.f32');
    await writeFile(path, new Uint8Array(data.buffer));
    const loaded = await loadMatrix({ path, count: 9, dimensions: 6, offset: 24 });
    expect([...loaded.data]).toEqual([...data.subarray(6)]);
    for await (const block of loaded.matrix.blocks()) expect(block.rows.buffer).toBe(loaded.data.buffer);
    await expect(loadMatrix({ path, count: 11, dimensions: 6 })).rejects.toThrow('expected at least 264 bytes, found 240');
    await expect(matrixInFile({ path, count: 11, dimensions: 6 }).squaredLengths()).rejects.toThrow('expected at least 264 bytes, found 240');
  });

  it('leaves out blocks of which nothing is wanted', async () => {
    const dimensions = 1024;
    const data = Float32Array.from({ length: 1200 * dimensions }, (_, i) => Math.floor(i / dimensions));
    const matrix = await inFile(data, dimensions, 'blocks.f32');
    const read: number[] = [];
    for await (const { first, count, rows } of matrix.blocks({ wanted: (first) => first >= 500 })) {
      for (let row = 0; row < count; row++) expect(rows[row * dimensions]).toBe(first + row);
      read.push(count);
    }
    expect(read.reduce((a, b) => a + b)).toBe(1200 - 512);
  });
});
