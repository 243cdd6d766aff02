import fc from 'fast-check';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { hasShared, root, scratch, shared } from '../places.js';
import { mutate, mutations } from './mutations.js';

const fixtures = join(root, 'fixtures', 'scene');
const work = scratch();

const FULL = process.env['TILEWRIGHT_TEST_FULL'] === '1';
const RUNS = FULL ? 10_000 : 300;

/** A file may take so long at most, in milliseconds, on a busy machine, and the whole process so many bytes. */
const PATIENCE = 5000;
const MOST_BYTES = 500 * 2 ** 20;

/** Files of fixtures, small ones of other projects where they are here, and sidecars, whose scene stays whole. */
const files = [
  ...list(fixtures), ...list(join(fixtures, 'formats')),
  ...(hasShared('geotiff') ? ['gdal', 'pillow', 'libtiffpic', 'image-tiff', 'twelvemonkeys/jpeg', 'twelvemonkeys/tiff', 'rio-tiler', 'sharp', 'rasterio'].flatMap((name) => list(join(shared, 'geotiff', name))) : []),
];

function list(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(tiff?|jpe?g|png|webp|msk|ovr|xml|RPB|TXT)$/i.test(entry.name)).map((entry) => join(folder, entry.name));
}

/** The scene that a sidecar belongs to. */
function sceneOf(file: string): string {
  return /\.(msk|ovr|aux\.xml)$/i.test(file) ? file.replace(/(\.msk|\.ovr|\.aux\.xml)+$/i, '') : file.replace(/(_RPC\.TXT|\.RPB)$/, '.tif');
}

let count = 0;

/** A damaged copy in a folder of its own, beside what belongs to it; returns the path of the scene. */
function damaged(file: string, list: Parameters<typeof mutate>[1]): { readonly folder: string; readonly scene: string } {
  const folder = join(work, String(count++));
  mkdirSync(folder);
  const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const scene = sceneOf(file);
  if (scene !== file && existsSync(scene)) copyFileSync(scene, join(folder, name(scene)));
  writeFileSync(join(folder, name(file)), mutate(readFileSync(file), list));
  return { folder, scene: join(folder, name(scene !== file && existsSync(scene) ? scene : file)) };
}

describe('a damaged file', () => {
  it(`is read or refused, in time, in bounded memory and without any other error (${RUNS} of them)`, async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...files), mutations, async (file, list) => {
      const { folder, scene: path } = damaged(file, list);
      const start = performance.now();
      try {
        const scene = await openScene(path, { inMemoryBytes: 2 ** 24, cacheDir: folder });
        try {
          const { width, height } = scene.profile;
          const window = { x: 0, y: 0, width: Math.min(width, 300), height: Math.min(height, 300) };
          await scene.read(window);
          await scene.readReduced(window, { width: Math.ceil(window.width / 3), height: Math.ceil(window.height / 3) });
        } finally {
          await scene.close();
        }
      } catch (error) {
        if (!(error instanceof InvalidFileError)) throw error;
        expect(error.message).not.toContain('\n');
        expect(error.message.length).toBeLessThan(1000);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      expect(performance.now() - start).toBeLessThan(PATIENCE);
      expect(process.memoryUsage().rss).toBeLessThan(MOST_BYTES);
    }), { numRuns: RUNS });
  }, FULL ? 3_600_000 : 120_000);
});
