import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { scratch } from '../places.js';

const folder = scratch();
/** 1,936 tiles of 16 × 16: more than are decoded without the kernel. */
const EDGE = 704;

async function write(name: string, dtype: 'uint8' | 'uint16', bands: number, compression: 'deflate' | 'lzw' | 'none', predictor: 1 | 2): Promise<{ readonly path: string; readonly values: Uint8Array | Uint16Array }> {
  const path = join(folder, name);
  const values = new (dtype === 'uint8' ? Uint8Array : Uint16Array)(EDGE * EDGE * bands);
  for (let i = 0; i < values.length; i++) values[i] = (i * i) >> 5;
  const writer = await createCog({ width: EDGE, height: EDGE, bands, dtype, compression, predictor, blockSize: 16, overviews: 'none', scratch: `${path}.scratch` });
  await writer.write(values, EDGE);
  await writer.finish(path);
  await writer.abort();
  return { path, values };
}

describe('tiles of 16 × 16', () => {
  it.each([['uint8', 1, 'deflate', 2], ['uint16', 3, 'deflate', 2], ['uint16', 2, 'lzw', 1], ['uint8', 3, 'lzw', 2], ['uint8', 3, 'none', 1]] as const)('of %s, %i bands, %s, predictor %i are read as they were written, in windows at any place and side by side', async (dtype, bands, compression, predictor) => {
    const { path, values } = await write(`${dtype}-${bands}-${compression}.tif`, dtype, bands, compression, predictor);
    // A small cache, so that memory of blocks is used again while others are copied.
    const scene = await openScene(path, { cacheBytes: 2 ** 18 });
    try {
      const windows = [{ x: 0, y: 0, width: EDGE, height: EDGE }, { x: 5, y: 3, width: 61, height: 200 }, { x: 5, y: 100, width: 333, height: 90 }, { x: 690, y: 1, width: 14, height: 703 }, { x: 17, y: 33, width: 1, height: 1 }];
      for (const read of [...windows.map((window) => [window]), windows, windows]) {
        const found = await Promise.all(read.map((window) => scene.read(window)));
        for (const [i, { x, y, width, height }] of read.entries()) {
          const length = width * bands;
          let wrong = 0;
          for (let row = 0; row < height; row++) {
            const at = ((y + row) * EDGE + x) * bands;
            for (let k = 0; k < length; k++) if (found[i]!.data[row * length + k] !== values[at + k]) wrong++;
          }
          expect([found[i]!.data.length, wrong]).toEqual([height * length, 0]);
        }
      }
    } finally {
      await scene.close();
    }
  });

  it('say which of them is damaged, and leave the others readable', async () => {
    const { path } = await write('damaged.tif', 'uint8', 3, 'deflate', 1);
    const bytes = readFileSync(path);
    // Near the end of the file lie the last tiles.
    bytes.fill(0xff, bytes.length - 2000, bytes.length - 1000);
    writeFileSync(path, bytes);
    const scene = await openScene(path);
    try {
      const whole = { x: 0, y: 0, width: EDGE, height: EDGE };
      await expect(scene.read(whole)).rejects.toThrow(InvalidFileError);
      await expect(scene.read(whole)).rejects.toThrow(/block \d+ \(column \d+, row 43\) cannot be decoded/);
      expect((await scene.read({ x: 0, y: 0, width: 64, height: 64 })).data.length).toBe(64 * 64 * 3);
    } finally {
      await scene.close();
    }
  });
});
