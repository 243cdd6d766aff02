import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePicture, leaksByContent, readSplit, splitByBlock, splitStratified, splitText, type SamplePlace } from '../../src/dataset/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { hasShared, scratch, shared } from '../places.js';

const folder = scratch();
const everything = (split: { train: Int32Array; validation: Int32Array; test: Int32Array }, left: Int32Array = new Int32Array()): number[] => [...split.train, ...split.validation, ...split.test, ...left].sort((a, b) => a - b);

describe('stratified splits', () => {
  it('give every sample to one part, and every tag its share in each', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
      const random = seededRandom(seed);
      const rates = [0.9, 0.5, 0.1, 0.05];
      const targets = Uint8Array.from({ length: 400 * 4 }, (_, at) => (random() < rates[at % 4]! ? 1 : 0));
      const split = splitStratified(400, { targets, tags: 4, validation: 0.2, test: 0.1, seed });
      expect(everything(split)).toEqual(Array.from({ length: 400 }, (_, i) => i));
      expect(splitStratified(400, { targets, tags: 4, validation: 0.2, test: 0.1, seed })).toEqual(split);
      for (let tag = 0; tag < 4; tag++) {
        const count = (part: Int32Array): number => part.reduce((sum, sample) => sum + targets[sample * 4 + tag]!, 0);
        const all = count(Int32Array.from({ length: 400 }, (_, i) => i));
        expect(Math.abs(count(split.validation) - 0.2 * all)).toBeLessThanOrEqual(6);
        expect(Math.abs(count(split.test) - 0.1 * all)).toBeLessThanOrEqual(6);
      }
    }), { numRuns: 20 });
  });
});

describe('splits by block', () => {
  it('leave no two samples of different parts that share ground', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 4, max: 20 }), (seed, stride) => {
      const places: SamplePlace[] = [];
      for (let y = 0; y < 100; y += stride) for (let x = 0; x < 100; x += stride) places.push({ frame: 's', left: x, top: y, right: x + 16, bottom: y + 16 });
      let split: ReturnType<typeof splitByBlock>;
      try {
        split = splitByBlock(places, { block: 30, validation: 0.2, test: 0.2, seed });
      } catch (error) {
        expect((error as Error).message).toContain('expected blocks that leave samples for every part');
        return;
      }
      expect(everything(split, split.left)).toEqual(places.map((_, i) => i));
      const parts = [split.train, split.validation, split.test];
      expect(parts.every((part) => part.length > 0)).toBe(true);
      for (const [i, part] of parts.entries()) {
        for (const other of parts.slice(i + 1)) {
          const shared = Array.from(part).filter((a) => other.some((b) => {
            const [p, q] = [places[a]!, places[b]!];
            return p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
          }));
          expect(shared).toEqual([]);
        }
      }
    }), { numRuns: 15 });
  });

  it('refuse blocks that are too large to deal out', () => {
    expect(() => splitByBlock([{ frame: 's', left: 0, top: 0, right: 1, bottom: 1 }], { block: 10, validation: 0.1, test: 0.1, seed: 1 })).toThrow('expected blocks so small');
  });
});

describe('split files', () => {
  it('hold for the same names in another order, and for no others', async () => {
    const file = join(folder, 's.json');
    writeFileSync(file, splitText({ train: Int32Array.of(0, 2), validation: Int32Array.of(1), test: Int32Array.of(), left: Int32Array.of(3) }, ['a', 'b', 'ü', 'd'], { by: 'random' }));
    expect(await readSplit(file, ['d', 'ü', 'b', 'a'])).toEqual({ train: Int32Array.of(1, 3), validation: Int32Array.of(2), test: Int32Array.of() });
    await expect(readSplit(file, ['a', 'b', 'ü'])).rejects.toThrow('found 1 others: d');
    await expect(readSplit(file, ['a', 'b', 'ü', 'd', 'e'])).rejects.toThrow('found 1 missing: e');
    writeFileSync(file, '{}');
    await expect(readSplit(file, ['a'])).rejects.toThrow('expected "format"');
  });
});

/** Ground with structure of several sizes. */
function ground(width: number, height: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  const out = new Float64Array(width * height);
  for (const size of [3, 7, 15]) {
    const wide = Math.ceil(width / size);
    const cells = Float64Array.from({ length: wide * Math.ceil(height / size) }, () => random() * size);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[y * width + x]! += cells[Math.floor(y / size) * wide + Math.floor(x / size)]!;
  }
  return out;
}

function cut(of: Float64Array, stride: number, box: { x: number; y: number; width: number; height: number }, tone: (value: number) => number): Uint8Array {
  return Uint8Array.from({ length: box.width * box.height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return Math.max(0, Math.min(255, tone(of[(box.y + Math.floor(pixel / box.width)) * stride + box.x + (pixel % box.width)]!)));
  });
}

describe('leaks by content', () => {
  it('finds pictures of the same ground, stretched otherwise and shifted, and says where; finds nothing between others', async () => {
    const here = ground(200, 180, 1);
    const size = { width: 90, height: 80 };
    const pictures = [
      cut(here, 200, { x: 0, y: 0, ...size }, (v) => v * 8), cut(here, 200, { x: 60, y: 50, ...size }, (v) => 255 - (25 - v) ** 2 / 4),
      cut(ground(200, 180, 2), 200, { x: 10, y: 0, ...size }, (v) => v * 8), cut(ground(200, 180, 3), 200, { x: 0, y: 9, ...size }, (v) => v * 9),
    ];
    const found = await leaksByContent({ sizes: pictures.map(() => size), pixels: (index) => pictures[index]!, apart: () => true });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ first: 0, second: 1, by: 'content', overlap: { dx: 60, dy: 50, width: 30, height: 30 } });
  });

  it.skipIf(!hasShared('dubai/tile1'))('finds the overlap of tiles 1 and 3 of the Dubai pictures, where its README says it is', async () => {
    const names = ['tile1/images/image_part_001', 'tile1/images/image_part_005', 'tile3/images/image_part_009', 'tile3/images/image_part_001'];
    const pictures = await Promise.all(names.map((name) => decodePicture(readFileSync(join(shared, 'dubai', `${name}.jpg`)), name)));
    const found = await leaksByContent({ sizes: pictures, pixels: (index) => pictures[index]!.data, apart: (a, b) => names[a]!.slice(0, 5) !== names[b]!.slice(0, 5) });
    expect(found.map(({ first, second }) => [first, second])).toEqual([[0, 2]]);
    // Tile 1 (x, y) is tile 3 (x + 1506, y + 1614); part 9 of tile 3 begins at (1364, 1316).
    expect(Math.abs(found[0]!.overlap!.dx - (1364 - 1506))).toBeLessThanOrEqual(6);
    expect(Math.abs(found[0]!.overlap!.dy - (1316 - 1614))).toBeLessThanOrEqual(6);
  });
});
