import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IGNORE, seededRandom } from '../../src/samples/index.js';
import { PLAIN_VIEW, randomView, writeSquare, writeTargets } from '../../src/train/augment.js';

describe('augmentation', () => {
  it('moves picture and mask together, whatever the view', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.integer(), (size, x, y, seed) => {
      const [width, height] = [size + 4, size + 4];
      // The red value is the class times 50; class 4 stands for ignored.
      const random = seededRandom(seed);
      const ids = Uint8Array.from({ length: width * height }, () => Math.floor(random() * 5));
      const pixels = Uint8Array.from({ length: ids.length * 3 }, (_, at) => ids[Math.floor(at / 3)]! * 50);
      const mask = ids.map((id) => (id === 4 ? IGNORE : id));
      const view = randomView(random);
      const image = new Float32Array(size * size * 3);
      const targets = new Float32Array(size * size * 4);
      writeSquare(image, 0, { pixels, width, x, y }, size, view);
      writeTargets(targets, 0, { pixels, width, x, y, mask }, size, view, [1, 2, 3, 4]);
      for (let i = 0; i < size * size; i++) {
        const id = image[i * 3]! / 50;
        expect(Array.from(targets.subarray(i * 4, i * 4 + 4))).toEqual([0, 1, 2, 3].map((place) => (place === id ? place + 1 : 0)));
      }
      const inside = (values: ArrayLike<number>): number[] => Array.from(values).sort((a, b) => a - b);
      const plain = new Float32Array(size * size * 3);
      writeSquare(plain, 0, { pixels, width, x, y }, size, PLAIN_VIEW);
      expect(inside(image)).toEqual(inside(plain));
    }));
  });

  it('shows all eight ways to turn and mirror a square', () => {
    const seen = new Set<string>();
    const random = seededRandom(1);
    for (let i = 0; i < 200; i++) {
      const out = new Float32Array(12);
      writeSquare(out, 0, { pixels: Uint8Array.of(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4), width: 2, x: 0, y: 0 }, 2, randomView(random));
      seen.add([0, 3, 6, 9].map((at) => out[at]).join(''));
    }
    expect(seen.size).toBe(8);
  });

  it('changes brightness and contrast within bounds, and never the order of draws', () => {
    const [a, b] = [seededRandom(9), seededRandom(9)];
    for (let i = 0; i < 50; i++) {
      const view = randomView(a, { turns: false, brightness: 0.1, contrast: 0.2 });
      randomView(b);
      expect(view).toMatchObject({ flip: false, transpose: false, upsideDown: false });
      expect(Math.abs(view.gain - 1)).toBeLessThanOrEqual(0.2);
      expect(Math.abs(view.shift - 127.5 * (1 - view.gain))).toBeLessThanOrEqual(25.5);
    }
    expect(a()).toBe(b());
    const out = new Float32Array(3);
    writeSquare(out, 0, { pixels: Uint8Array.of(250, 128, 5), width: 1, x: 0, y: 0 }, 1, { ...PLAIN_VIEW, shift: 20 });
    expect(Array.from(out)).toEqual([255, 148, 25]);
    const bands = randomView(seededRandom(3), { color: 0.25 }).bands!;
    expect(new Set(bands).size).toBe(3);
    expect(Math.max(...bands.map((band) => Math.abs(band - 1)))).toBeLessThanOrEqual(0.25);
    writeSquare(out, 0, { pixels: Uint8Array.of(100, 100, 100), width: 1, x: 0, y: 0 }, 1, { ...PLAIN_VIEW, bands: [1.5, 1, 0.5] });
    expect(Array.from(out)).toEqual([150, 100, 50]);
  });
});
