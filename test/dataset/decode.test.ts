import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { averageSquares, decodePicture, jpegComponents, openZip, swapRedBlue, type Picture } from '../../src/dataset/index.js';
import { hasShared, root, shared } from '../places.js';

function means({ data }: Picture): number[] {
  const sums = [0, 0, 0];
  data.forEach((value, at) => { sums[at % 3]! += value; });
  return sums.map((sum) => sum / (data.length / 3));
}

function worst(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

describe('decoding pictures', () => {
  const inks = JSON.parse(readFileSync(join(root, 'fixtures/dataset/inks.json'), 'utf8')) as Record<string, { mean: number[]; first: number[]; last: number[] }>;

  it.each(['adobe', 'plain'])('turns the four inks of a JPEG (%s) into the colours that Pillow gives', async (name) => {
    const bytes = readFileSync(join(root, `fixtures/dataset/ink_${name}.jpg`));
    expect(jpegComponents(bytes)).toBe(4);
    const picture = await decodePicture(bytes, name);
    expect(worst(means(picture), inks[name]!.mean)).toBeLessThan(1);
    expect(worst(Array.from(picture.data.subarray(0, 3)), inks[name]!.first)).toBeLessThanOrEqual(2);
    expect(worst(Array.from(picture.data.subarray(-3)), inks[name]!.last)).toBeLessThanOrEqual(2);
  });

  it('gives three bands for grey, palette, 16-bit and transparent pictures', async () => {
    const raw = (channels: 1 | 2 | 3 | 4) => sharp(Buffer.alloc(4 * 4 * channels, 100), { raw: { width: 4, height: 4, channels } });
    for (const [name, picture] of [
      ['grey', raw(1).toColourspace('b-w').png()], ['alpha', raw(4).png()], ['grey and alpha', raw(2).png()], ['16 bits', raw(3).toColourspace('rgb16').png()], ['palette', raw(3).png({ palette: true })],
    ] as const) {
      const decoded = await decodePicture(await picture.toBuffer(), name);
      expect([name, decoded.data.length, decoded.data[0]]).toEqual([name, 48, 100]);
    }
  });

  it('refuses what is no picture, and one that is cut off', async () => {
    await expect(decodePicture(Buffer.from('hello'), 'hello.jpg')).rejects.toThrow(/^hello\.jpg: expected a JPEG or PNG picture/);
    const whole = await sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256)), { raw: { width: 64, height: 64, channels: 3 } }).jpeg().toBuffer();
    await expect(decodePicture(whole.subarray(0, whole.length / 2), 'half.jpg')).rejects.toThrow(/^half\.jpg: expected a JPEG or PNG picture/);
  });

  it('averages whole squares and swaps the outer bands', () => {
    const picture = { width: 3, height: 2, data: Uint8Array.of(0, 10, 20, 4, 10, 20, 9, 9, 9, 0, 20, 20, 5, 20, 20, 9, 9, 9) };
    expect(averageSquares(picture, 2)).toEqual({ width: 1, height: 1, data: Uint8Array.of(2, 15, 20) });
    expect(Array.from(swapRedBlue({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }).data)).toEqual([3, 2, 1]);
  });

  it.skipIf(!hasShared('planet/DECODE_REFERENCE.json'))('gives the right values of all reference chips', async () => {
    interface Reference { right_rgb_mean: number[]; right_rgb_first_pixel: number[]; right_rgb_last_pixel: number[] }
    const reference = JSON.parse(readFileSync(join(shared, 'planet/DECODE_REFERENCE.json'), 'utf8')) as Record<string, Reference>;
    expect(Object.keys(reference)).toHaveLength(14);
    for (const [name, right] of Object.entries(reference)) {
      const picture = await decodePicture(readFileSync(join(shared, 'planet', name)), name);
      expect(worst(means(picture), right.right_rgb_mean)).toBeLessThan(0.001);
      expect(Array.from(picture.data.subarray(0, 3))).toEqual(right.right_rgb_first_pixel);
      expect(Array.from(picture.data.subarray(-3))).toEqual(right.right_rgb_last_pixel);
    }
  });

  it.skipIf(!hasShared('planet/train-jpg-32.zip'))('agrees on the reduced chips, which declare inverted inks, with the reduced originals', async () => {
    const zip = await openZip(join(shared, 'planet/train-jpg-32.zip'));
    let sum = 0;
    for (let id = 0; id < 16; id++) {
      const small = await decodePicture(await zip.read(`train-jpg/train_${id}.jpg`), `train_${id}`);
      const original = averageSquares(await decodePicture(readFileSync(join(shared, `planet/train/train_${id}.jpg`)), `train_${id}`), 8);
      sum += small.data.reduce((total, value, at) => total + Math.abs(value - original.data[at]!), 0) / small.data.length;
    }
    await zip.close();
    expect(sum / 16).toBeLessThan(3);
  });
});
