import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { Interrupted, InvalidFileError } from '../../src/errors.js';
import { BufferPool } from '../../src/scene/buffer-pool.js';
import { openScene } from '../../src/scene/index.js';
import { scratch } from '../places.js';
import { samplesOf, writeAllRows } from '../cog/rows.js';
import { structureOf } from '../cog/structure.js';

const folder = scratch();
const TILE_OFFSETS = 324;
const [width, height] = [2000, 2600];
const rows = samplesOf('uint8', width * height * 3);

/** 15 MB of noise and flat parts in blocks of 512², which stay about as large when they are packed: more than is decoded without threads. */
async function written(name: string): Promise<string> {
  const path = join(folder, name);
  const writer = await createCog({ width, height, bands: 3, dtype: 'uint8', compression: 'lzw', overviews: 'nearest', scratch: `${path}.spool` });
  await writeAllRows(writer, rows, width * 3, 512);
  await writer.finish(path);
  await writer.abort();
  return path;
}

describe('blocks that are decoded in threads', () => {
  it('are what was written, in any window, also where many are asked for at once', async () => {
    const scene = await openScene(await written('threads.tif'), { cacheBytes: 2 ** 20 });
    const windows = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => ({ x: 120 * i, y: 210 * i, width: 1000, height: 1100 }));
    const rasters = await Promise.all([...windows, ...windows].map((window) => scene.read(window)));
    for (const [i, raster] of rasters.entries()) {
      const { x, y } = windows[i % windows.length]!;
      for (const row of [0, 511, 1099]) {
        const from = ((y + row) * width + x) * 3;
        expect(Buffer.compare(raster.data.subarray(row * 3000, (row + 1) * 3000) as Uint8Array, rows.subarray(from, from + 3000) as Uint8Array)).toBe(0);
      }
    }
    await scene.close();
  });

  it.each([[512, 512], [1100, 1024], [2000, 2600]])('let the process end, those as well that never had work: %i × %i pixels', async (across, down) => {
    const path = await written('ends.tif');
    const code = `import { openScene } from ${JSON.stringify(new URL('../../src/scene/index.js', import.meta.url).href)};
      const scene = await openScene(${JSON.stringify(path)});
      await scene.read({ x: 0, y: 0, width: ${across}, height: ${down} });
      await scene.close();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore', timeout: 30_000 });
    expect(await new Promise((resolve) => { child.once('exit', (status, signal) => { resolve(signal ?? status); }); })).toBe(0);
  });

  it('do not pile up where they are large and a cache holds none of them', async () => {
    const path = join(folder, 'large-blocks.tif');
    const [edge, blockSize] = [4096, 2048];
    const writer = await createCog({ width: edge, height: edge, bands: 4, dtype: 'uint16', compression: 'deflate', blockSize, overviews: 'none', scratch: `${path}.spool` });
    await writeAllRows(writer, new Uint16Array(edge * edge * 4), edge * 4, 512);
    await writer.finish(path);
    await writer.abort();
    const code = `import { openScene } from ${JSON.stringify(new URL('../../src/scene/index.js', import.meta.url).href)};
      const scene = await openScene(${JSON.stringify(path)}, { cacheBytes: 1000 });
      for (let i = 0; i < 60; i++) await scene.read({ x: ${blockSize} * (i % 2), y: ${blockSize} * (Math.floor(i / 2) % 2), width: 64, height: 64 });
      await scene.close();
      console.log(process.resourceUsage().maxRSS);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 50_000 });
    let text = '';
    child.stdout.on('data', (data: Buffer) => { text += data.toString(); });
    expect(await new Promise((resolve) => { child.once('close', resolve); })).toBe(0);
    // A block has 34 MB; all sixty would be two gigabytes.
    expect(Number(text) / 1024).toBeLessThan(700);
  });

  it('are named when they are damaged, and leave the others readable', async () => {
    const path = await written('damaged.tif');
    const bytes = readFileSync(path);
    // A code that no clear has gone before: the dictionary is empty there. The last block is the lower right one.
    const last = structureOf(path).directories[0]!.tags.get(TILE_OFFSETS)!.at(-1)!;
    bytes.fill(0xff, last, last + 64);
    writeFileSync(path, bytes);
    const damaged = await openScene(path);
    expect((await damaged.read({ x: 0, y: 0, width, height: 2048 })).data.length).toBe(width * 2048 * 3);
    await expect(damaged.read({ x: 0, y: 0, width, height })).rejects.toThrow(InvalidFileError);
    await expect(damaged.read({ x: 0, y: 0, width, height })).rejects.toThrow(/block 23 \(column 3, row 5\) cannot be decoded: LZW code 511 is not defined/);
    await damaged.close();
  });

  it('write nothing into the caller\'s array after the read has failed or was stopped', async () => {
    const scene = await openScene(await written('stopped.tif'), { cacheBytes: 2 ** 20 });
    for (const after of [1, 5, 15]) {
      const into = new Uint8Array(width * height * 3);
      const controller = new AbortController();
      setTimeout(() => controller.abort(), after);
      const error = await scene.read({ x: 0, y: 0, width, height }, { into, signal: controller.signal }).catch((reason: unknown) => reason);
      if (!(error instanceof Interrupted)) continue;
      into.fill(0xee);
      await new Promise((resolve) => { setTimeout(resolve, 100); });
      expect(into.every((value) => value === 0xee)).toBe(true);
    }
    await scene.close();
  });
});

describe('BufferPool', () => {
  it('gives the same memory again, and keeps no more than it may', () => {
    const pool = new BufferPool(2 ** 20);
    const first = pool.take(1000);
    pool.give(first);
    expect(pool.take(900).buffer).toBe(first.buffer);
    const large = pool.take(2 ** 21);
    pool.give(large);
    expect(pool.take(2 ** 21).buffer).not.toBe(large.buffer);
  });
});
