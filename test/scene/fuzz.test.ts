import fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { root, scratch } from '../places.js';

const folder = join(root, 'fixtures', 'scene');
const work = scratch();

/** A file may take so long at most, in milliseconds, on a busy machine. */
const PATIENCE = 2000;

const NAMES = [
  'rgb_tiled_deflate.tif', 'rgb_tiled_lzw.tif', 'planar_strips_packbits.tif', 'bigtiff_big_endian_deflate_p3.tif', 'internal_mask.tif',
  'float16_deflate_p3.tif', 'bits4.tif', 'jpeg_ycbcr.tif', 'palette.tif', 'rgb.jpg', 'cmyk_adobe.jpg', 'gray16.png', 'palette.png',
];

/** Some bytes changed, most often in the first kilobyte, where the structure is; perhaps the end cut away. */
const damage = fc.record({
  name: fc.constantFrom(...NAMES),
  changes: fc.array(fc.record({ at: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.nat()), value: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 6 }),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
});

describe('a damaged file', () => {
  it('is read or refused, in time and without any other error', async () => {
    let file = 0;
    await fc.assert(fc.asyncProperty(damage, async ({ name, changes, keep }) => {
      const bytes = readFileSync(join(folder, name));
      for (const { at, value } of changes) bytes[at % bytes.length] = value;
      const path = join(work, `${file++}-${name}`);
      writeFileSync(path, bytes.subarray(0, Math.ceil(bytes.length * keep)));
      const start = performance.now();
      try {
        const scene = await openScene(path, { inMemoryBytes: 2 ** 24, cacheDir: work });
        try {
          const { width, height } = scene.profile;
          await scene.read({ x: 0, y: 0, width: Math.min(width, 300), height: Math.min(height, 300) });
        } finally {
          await scene.close();
        }
      } catch (error) {
        if (!(error instanceof InvalidFileError)) throw error;
        expect(error.message).not.toContain('\n');
      }
      expect(performance.now() - start).toBeLessThan(PATIENCE);
    }), { numRuns: 300 });
  });
});
