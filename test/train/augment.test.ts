import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IGNORE, seededRandom } from '../../src/samples/index.js';
import { PLAIN_VIEW, randomEdge, randomView, writeSquare, writeTargets } from '../../src/train/augment.js';

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
      writeSquare(image, 0, { pixels, width, height: width, x, y }, size, view);
      writeTargets(targets, 0, { pixels, width, height: width, x, y, mask }, size, view, [1, 2, 3, 4]);
      for (let i = 0; i < size * size; i++) {
        const id = image[i * 3]! / 50;
        expect(Array.from(targets.subarray(i * 4, i * 4 + 4))).toEqual([0, 1, 2, 3].map((place) => (place === id ? place + 1 : 0)));
      }
      const inside = (values: ArrayLike<number>): number[] => Array.from(values).sort((a, b) => a - b);
      const plain = new Float32Array(size * size * 3);
      writeSquare(plain, 0, { pixels, width, height: width, x, y }, size, PLAIN_VIEW);
      expect(inside(image)).toEqual(inside(plain));
    }));
  });

  it('shows all eight ways to turn and mirror a square', () => {
    const seen = new Set<string>();
    const random = seededRandom(1);
    for (let i = 0; i < 200; i++) {
      const out = new Float32Array(12);
      writeSquare(out, 0, { pixels: Uint8Array.of(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4), width: 2, height: 2, x: 0, y: 0 }, 2, randomView(random));
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
    writeSquare(out, 0, { pixels: Uint8Array.of(250, 128, 5), width: 1, height: 1, x: 0, y: 0 }, 1, { ...PLAIN_VIEW, shift: 20 });
    expect(Array.from(out)).toEqual([255, 148, 25]);
    const bands = randomView(seededRandom(3), { color: 0.25 }).bands!;
    expect(new Set(bands).size).toBe(3);
    expect(Math.max(...bands.map((band) => Math.abs(band - 1)))).toBeLessThanOrEqual(0.25);
    writeSquare(out, 0, { pixels: Uint8Array.of(100, 100, 100), width: 1, height: 1, x: 0, y: 0 }, 1, { ...PLAIN_VIEW, bands: [1.5, 1, 0.5] });
    expect(Array.from(out)).toEqual([150, 100, 50]);
  });

  it('bends tones before everything else, within bounds, with one draw more', () => {
    const out = new Float32Array(3);
    writeSquare(out, 0, { pixels: Uint8Array.of(0, 64, 255), width: 1, height: 1, x: 0, y: 0 }, 1, { ...PLAIN_VIEW, power: 0.5, bands: [1, 0.5, 1], shift: 10 });
    expect(out[0]).toBe(10);
    expect(out[1]).toBeCloseTo(Math.sqrt(64 * 255) / 2 + 10, 4);
    expect(out[2]).toBe(255);
    const [a, b] = [seededRandom(4), seededRandom(4)];
    const powers = Array.from({ length: 300 }, () => { const view = randomView(a, { gamma: 0.4 }); randomView(b); b(); return view.power!; });
    expect(a()).toBe(b());
    expect(Math.min(...powers)).toBeGreaterThan(Math.exp(-0.4));
    expect(Math.max(...powers)).toBeLessThan(Math.exp(0.4));
    expect(powers.filter((power) => power < 1).length / 300).toBeCloseTo(0.5, 1);
  });

  it('draws edges evenly by ratio, and never more than a picture has', () => {
    const random = seededRandom(2);
    const edges = Array.from({ length: 400 }, () => randomEdge(random, 100, 150, [0.5, 2]));
    expect([Math.min(...edges), Math.max(...edges)]).toEqual([50, 150]);
    expect(edges.filter((edge) => edge < 100).length / 400).toBeCloseTo(0.5, 1);
    expect(edges.filter((edge) => edge === 150).length / 400).toBeCloseTo(Math.log(2 / 1.5) / Math.log(4), 1);
    const [a, b] = [seededRandom(7), seededRandom(7)];
    expect(randomEdge(a, 100, 150)).toBe(100);
    expect(a()).toBe(b());
  });

  it('magnifies and reduces by straight lines between pixel centres', () => {
    // Along each row samples rise by 7, along each column by 3: between any two centres the truth is the same plane.
    const width = 12;
    const pixels = Uint8Array.from({ length: width * width * 3 }, (_, at) => (Math.floor(at / 3) % width) * 7 + Math.floor(at / 3 / width) * 3 + (at % 3) * 20);
    for (const [edge, size] of [[4, 7], [9, 5], [8, 4]] as const) {
      const out = new Float32Array(size * size * 3);
      writeSquare(out, 0, { pixels, width, height: width, x: 2, y: 1, edge }, size, { ...PLAIN_VIEW, flip: true });
      const place = (at: number): number => Math.min(edge - 1, Math.max(0, ((at + 0.5) * edge) / size - 0.5));
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          const expected = (2 + place(size - 1 - column)) * 7 + (1 + place(row)) * 3 + 40;
          expect(out[(row * size + column) * 3 + 2]).toBeCloseTo(expected, 3);
        }
      }
    }
  });

  it('moves picture and mask together when magnified, too', () => {
    fc.assert(fc.property(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 4, max: 12 }), fc.integer(), (edge, size, seed) => {
      // One border between two flat halves: away from it, picture and mask must name the same half.
      const width = 14;
      const mask = Uint8Array.from({ length: width * width }, (_, at) => (at % width < 7 ? 0 : 1));
      const pixels = Uint8Array.from({ length: mask.length * 3 }, (_, at) => mask[Math.floor(at / 3)]! * 200);
      const view = randomView(seededRandom(seed));
      const image = new Float32Array(size * size * 3);
      const targets = new Float32Array(size * size * 2);
      writeSquare(image, 0, { pixels, width, height: width, x: 1, y: 2, edge }, size, view);
      writeTargets(targets, 0, { pixels, width, height: width, x: 1, y: 2, edge, mask }, size, view, [1, 1]);
      for (let at = 0; at < size * size; at++) {
        if (image[at * 3] !== 100) expect(targets[at * 2 + 1]).toBe(image[at * 3]! > 100 ? 1 : 0);
      }
    }));
  });

  it('spreads a share of each target over all classes, and keeps its weight', () => {
    const out = new Float32Array(6);
    writeTargets(out, 0, { pixels: new Uint8Array(6), width: 2, height: 2, x: 0, y: 0, mask: Uint8Array.of(1, IGNORE, 0, 0) }, 1, PLAIN_VIEW, [1, 4, 1], 0.3);
    writeTargets(out, 3, { pixels: new Uint8Array(6), width: 2, height: 2, x: 1, y: 0, mask: Uint8Array.of(1, IGNORE, 0, 0) }, 1, PLAIN_VIEW, [1, 4, 1], 0.3);
    [0.4, 3.2, 0.4, 0, 0, 0].forEach((value, at) => expect(out[at]).toBeCloseTo(value, 6));
  });
});
