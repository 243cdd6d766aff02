import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildApproximate, exactRows, matrixInFile, openApproximate, rankedRows } from '../../src/search/index.js';
import { scratch } from '../places.js';

const folder = scratch();
const dimensions = 16;

/** Clusters whose members differ a little. */
async function clustered(count: number) {
  let state = 7;
  const next = (): number => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 0) / 2 ** 32; };
  const centres = Array.from({ length: 20 * dimensions }, next);
  const data = Float32Array.from({ length: count * dimensions }, (_, i) => centres[(Math.floor(i / dimensions) % 20) * dimensions + (i % dimensions)]! + 0.3 * next());
  const path = join(folder, `${count}.f32`);
  await writeFile(path, new Uint8Array(data.buffer));
  return { data, matrix: matrixInFile({ path, count, dimensions }) };
}

describe('approximate neighbours', () => {
  it('are nearly always the exact ones, at exact distances', async () => {
    const { data, matrix } = await clustered(5000);
    for (const metric of ['l2', 'cosine'] as const) {
      const path = join(folder, `${metric}.usearch`);
      const seen: number[] = [];
      const seal = await buildApproximate(matrix, path, { metric, onRows: (done) => seen.push(done) });
      expect(seen.at(-1)).toBe(5000);
      const approximate = await openApproximate(matrix, path, { metric, seal });
      let same = 0;
      for (let q = 0; q < 30; q++) {
        const vector = data.slice(q * 160 * dimensions, (q * 160 + 1) * dimensions);
        const [exact] = await exactRows(matrix, [{ vector, metric }], { k: 10 });
        const truth = new Map(rankedRows(exact!).map(({ row, distance }) => [row, distance]));
        for (const { row, distance } of rankedRows(await approximate.nearest(vector, { k: 10 }))) {
          if (!truth.has(row)) continue;
          same++;
          expect(distance).toBe(truth.get(row));
        }
      }
      expect(same / 300).toBeGreaterThan(0.97);
    }
  });

  it('fill a mask, however little it leaves, and go no farther than told', async () => {
    const { data, matrix } = await clustered(3000);
    const path = join(folder, 'masked.usearch');
    const seal = await buildApproximate(matrix, path, { metric: 'l2' });
    const approximate = await openApproximate(matrix, path, { metric: 'l2', seal });
    const vector = data.slice(0, dimensions);
    const mask = Uint8Array.from({ length: 3000 }, (_, row) => (row % 500 === 499 ? 1 : 0));
    expect(rankedRows(await approximate.nearest(vector, { k: 4, mask })).every(({ row }) => mask[row] === 1)).toBe(true);
    expect(rankedRows(await approximate.nearest(vector, { k: 4, mask })).length).toBeGreaterThanOrEqual(4);
    const all = rankedRows(await approximate.nearest(vector, { k: 20 }));
    expect(rankedRows(await approximate.nearest(vector, { k: 20, most: all[5]!.distance })).length).toBe(6);
  });

  it('are refused for another matrix, and when their file was cut or is another one', async () => {
    const few = await clustered(50);
    const more = await clustered(60);
    const path = join(folder, 'few.usearch');
    const seal = await buildApproximate(few.matrix, path, { metric: 'l2' });
    await expect(openApproximate(more.matrix, path, { metric: 'l2', seal })).rejects.toThrow('expected 60 vectors, found 50');
    await truncate(path, seal.bytes - 8);
    await expect(openApproximate(few.matrix, path, { metric: 'l2', seal })).rejects.toThrow('is damaged');
    await writeFile(path, 'nothing of the kind');
    await expect(openApproximate(few.matrix, path, { metric: 'l2', seal })).rejects.toThrow('is damaged');
  });

  it('can be stopped while they are built, and leave no file', async () => {
    const { matrix } = await clustered(9000);
    const controller = new AbortController();
    const path = join(folder, 'stopped.usearch');
    await expect(buildApproximate(matrix, path, { metric: 'l2', signal: controller.signal, onRows: () => { controller.abort(); } })).rejects.toThrow('interrupted');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});
