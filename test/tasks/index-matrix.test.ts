import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openIndex } from '../../src/index-store/index.js';
import { exactRows, rankedRows } from '../../src/search/index.js';
import { embed } from '../../src/tasks/embed.js';
import { indexMatrix } from '../../src/tasks/search/index-matrix.js';
import { scratch } from '../places.js';
import { bandMeans, patches, writeScene } from './chip-models.js';

const folder = scratch();
const model = bandMeans(folder);

describe('the vectors of an index as a matrix', () => {
  it('have codes beside them where the index is large, of the vectors that are there', async () => {
    const index = join(folder, 'index');
    const cache = join(index, 'cache');
    const codes = async (): Promise<string[]> => (await readdir(cache)).filter((name) => name.startsWith('codes-'));
    const add = async (name: string, seed: number): Promise<void> => {
      await embed({ model, index, inputs: [await writeScene(join(folder, name), patches(128, 96, seed))], patchSize: 32, append: seed > 1 });
    };
    await add('a.tif', 1);
    let opened = await openIndex(index);
    expect(await indexMatrix(opened).sieve!()).toBeUndefined();
    expect(await codes()).toEqual([]);
    const first = await indexMatrix(opened, { codesFrom: 1 }).sieve!();
    expect(first).toMatchObject({ count: 12, stride: 32 });
    const [before] = await codes();
    const again = indexMatrix(opened, { codesFrom: 1 });
    expect((await again.sieve!())!.squared).toEqual(await indexMatrix(opened).squaredLengths());
    await opened.close();
    await add('b.tif', 2);
    opened = await openIndex(index);
    const matrix = indexMatrix(opened, { codesFrom: 1 });
    expect((await matrix.sieve!())!.count).toBe(24);
    const after = await codes();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual([before]);
    const query = { vector: await opened.vector(17), metric: 'l2' as const };
    const [found] = await exactRows(matrix, [query], { k: 3 });
    expect(rankedRows(found!)[0]).toEqual({ row: 17, distance: 0 });
    await opened.close();
  });

  it('are compared without codes where those cannot be written', async () => {
    const index = join(folder, 'full');
    await embed({ model, index, inputs: [await writeScene(join(folder, 'c.tif'), patches(128, 96, 3))], patchSize: 32 });
    const opened = await openIndex(index);
    // A folder in the place of the file: what is written cannot get its name.
    const name = `codes-${opened.fingerprint.slice(0, 16)}.bin`;
    await mkdir(join(index, 'cache', name));
    await writeFile(join(index, 'cache', name, 'x'), '');
    const matrix = indexMatrix(opened, { codesFrom: 1 });
    expect(await matrix.sieve!()).toBeUndefined();
    expect(await matrix.squaredLengths()).toHaveLength(12);
    expect((await readdir(join(index, 'cache'))).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    await opened.close();
    await rm(join(index, 'cache', name), { recursive: true });
  });
});
