import { spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.js';
import { openIndex } from '../../src/index-store/index.js';
import type { OpenIndex } from '../../src/index-store/index.js';
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

  it('have codes also after a search that was stopped, and for others while it is', async () => {
    const opened = await largeIndex('stopped');
    const matrix = indexMatrix(opened, { codesFrom: 1 });
    const stopped = new AbortController();
    const first = matrix.sieve!(stopped.signal);
    stopped.abort();
    await expect(first).rejects.toThrow(Interrupted);
    expect(await leftovers('stopped')).toEqual([]);
    await expect(matrix.sieve!(stopped.signal)).rejects.toThrow(Interrupted);
    expect((await matrix.sieve!())!.count).toBe(opened.count);

    const other = indexMatrix(await largeIndex('joined'), { codesFrom: 1 });
    const one = new AbortController();
    const both = [other.sieve!(one.signal), other.sieve!(), other.squaredLengths(one.signal)];
    one.abort();
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(await other.squaredLengths()).toEqual((await other.sieve!())!.squared);
  });

  it('are made again where a file does not fit, and what ended processes left half-written goes', async () => {
    const opened = await largeIndex('damaged');
    const cache = join(opened.folder, 'cache');
    const path = join(cache, `codes-${opened.fingerprint.slice(0, 16)}.bin`);
    await indexMatrix(opened, { codesFrom: 1 }).sieve!();
    const whole = await readFile(path);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 5]! ^= 64;
    await writeFile(path, damaged);
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    for (const name of [`codes-00.bin.${ended}.tmp`, `codes-00.bin.${ended}.0a1b2c3d.tmp`, `lengths-00.f64.${ended}.tmp`, `codes-00.bin.${process.ppid}.tmp`]) await writeFile(join(cache, name), 'half');
    expect((await indexMatrix(opened, { codesFrom: 1 }).sieve!())!.count).toBe(opened.count);
    expect(Buffer.compare(await readFile(path), whole)).toBe(0);
    expect(await leftovers('damaged')).toEqual([`codes-00.bin.${process.ppid}.tmp`]);
  });
});

async function largeIndex(name: string): Promise<OpenIndex> {
  const [count, dimensions] = [50_000, 64];
  const index = join(folder, name);
  await mkdir(join(index, 'cache'), { recursive: true });
  const vectorsPath = join(index, 'v.f32');
  await writeFile(vectorsPath, new Uint8Array(new Float32Array(count * dimensions).map((_, i) => Math.sin(i)).buffer));
  return { folder: index, count, dimensions, vectorsPath, fingerprint: 'abcdef0123456789abcdef' } as OpenIndex;
}

async function leftovers(name: string): Promise<string[]> {
  return (await readdir(join(folder, name, 'cache'))).filter((file) => file.endsWith('.tmp'));
}
