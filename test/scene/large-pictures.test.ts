import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readReducedByReading } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { root, scratch } from '../places.js';
import { readAll, sha256 } from './read.js';

const folder = join(root, 'fixtures', 'scene');
const cacheDir = join(scratch(), 'copies');

describe('a picture that is decoded into a file', () => {
  it.each(['rgb.jpg', 'progressive.jpg', 'gray.jpg', 'cmyk_adobe.jpg', 'cmyk_plain.jpg', 'rgb.png', 'rgba.png', 'gray16.png', 'palette.png', 'bits1.png', 'rgb16.png'])(
    '%s has the same pixels as in memory', async (name) => {
      const small = await openScene(join(folder, name));
      const large = await openScene(join(folder, name), { inMemoryBytes: 0, cacheDir });
      const { blockWidth, blockHeight, notes: [copied, ...notes], ...profile } = large.profile;
      expect(copied).toMatch(/^a (JPEG|PNG) has no random access: its pixels are decoded once, in about \d+ s, into a file of \d+ MB in .*copies$/);
      expect({ ...profile, notes, blockWidth: small.profile.blockWidth, blockHeight: small.profile.blockHeight }).toEqual(small.profile);
      expect(blockWidth).toBe(blockHeight);
      expect(sha256((await readAll(large)).data)).toBe(sha256((await readAll(small)).data));
      await small.close();
      await large.close();
    });

  it('is reduced by the JPEG decoder itself, to what the average of its pixels is but for high frequencies', async () => {
    for (const name of ['rgb.jpg', 'gray.jpg', 'cmyk_adobe.jpg', 'progressive.jpg']) {
      const scene = await openScene(join(folder, name), { inMemoryBytes: 0, cacheDir });
      const { width, height } = scene.profile;
      const whole = { x: 0, y: 0, width, height };
      const size = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
      const shrunk = await scene.readReduced(whole, size);
      expect(scene.decodedBlocks()).toBe(0);
      const averaged = await readReducedByReading(scene, whole, size);
      let difference = 0;
      averaged.data.forEach((value, i) => { difference += Math.abs(value - shrunk.data[i]!); });
      expect(difference / averaged.data.length).toBeLessThan(4);
      await scene.close();
    }
  });

  it('keeps the copy in a folder that was named, and takes it again', async () => {
    if (!existsSync(cacheDir)) mkdirSync(cacheDir);
    const before = await openScene(join(folder, 'rgb.png'), { inMemoryBytes: 0, cacheDir });
    await readAll(before);
    await before.close();
    const copy = `tilewright-${before.profile.fingerprint}.tiles`;
    expect(readdirSync(cacheDir)).toContain(copy);
  });

  it('removes the copy from the temporary folder at close', async () => {
    const scene = await openScene(join(folder, 'rgb.jpg'), { inMemoryBytes: 0 });
    await readAll(scene);
    await scene.close();
    const again = await openScene(join(folder, 'rgb.jpg'), { inMemoryBytes: 0 });
    await again.close();
  });
});
