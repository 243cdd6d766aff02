import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFile } from 'geotiff';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { scratch } from '../places.js';

const folder = scratch();
const [WIDTH, HEIGHT, STEP] = [40_000, 110_000, 512] as const;

describe('a file of more than 4 GiB', () => {
  // Nine gigabytes of disk and some minutes.
  it.skipIf(process.env['TILEWRIGHT_TEST_FULL'] === undefined)('is a BigTIFF whose last pixels are where the scene has them', { timeout: 1_800_000 }, async () => {
    const path = join(folder, 'large.tif');
    const noise = randomFillSync(new Uint8Array(WIDTH * STEP));
    const writer = await createCog({ width: WIDTH, height: HEIGHT, bands: 1, dtype: 'uint8', compression: 'deflate', level: 1, predictor: 1, overviews: 'none', scratch: `${path}.spool` });
    for (let y = 0; y < HEIGHT; y += STEP) {
      // Every strip is another one.
      noise[(y / STEP) % noise.length] = y / STEP;
      await writer.write(noise, Math.min(STEP, HEIGHT - y));
    }
    const { bytes } = await writer.finish(path);
    await writer.abort();
    expect(bytes).toBeGreaterThan(2 ** 32);
    const file = await open(path);
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, 0);
    expect((await file.stat()).size).toBe(bytes);
    await file.close();
    expect([head.toString('latin1', 0, 2), head.readUInt16LE(2)]).toEqual(['II', 43]);
    const tiff = await fromFile(path);
    const image = await tiff.getImage();
    const lastStrip = Math.floor((HEIGHT - 1) / STEP) * STEP;
    const [corner] = await image.readRasters({ window: [WIDTH - 300, lastStrip, WIDTH, HEIGHT] }) as unknown as [Uint8Array];
    for (let row = 0; row < HEIGHT - lastStrip; row++) {
      const expected = noise.subarray((row + 1) * WIDTH - 300, (row + 1) * WIDTH);
      expect(Buffer.from(corner.subarray(row * 300, (row + 1) * 300)).equals(Buffer.from(expected))).toBe(true);
    }
    await tiff.close();
  });
});
