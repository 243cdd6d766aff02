import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IGNORE, seededRandom } from '../../src/samples/index.js';
import { memoryMaps } from './memory-samples.js';
import { PLAIN_VIEW, randomView, writeSquare, writeTargets } from '../../src/train/augment.js';
import { makePlacement, placementReach, type PlacementNumbers } from '../../src/train/placement.js';
import { root } from '../places.js';

interface Case extends PlacementNumbers { readonly fill: 'nearest' | 'reflect' | 'constant'; readonly out: number[] }
const { affine } = JSON.parse(readFileSync(join(root, 'fixtures', 'train', 'golden.json'), 'utf8')) as { affine: { picture: number[]; cases: Case[] } };
const picture = { pixels: Uint8Array.from(affine.picture), width: 7, height: 7, x: 0, y: 0 };

describe('placements', () => {
  it.each(affine.cases.map((one, index) => [index, one] as const))('move pixels as apply_affine_transform of Keras does: case %i', (_, one) => {
    const out = new Float32Array(7 * 7 * 3);
    writeSquare(out, 0, picture, 7, { ...PLAIN_VIEW, placement: makePlacement(one, one.fill, 50) });
    // A place that rounding puts on either side of the edge may be filled or not with constants.
    const wrong = Array.from(out).filter((value, at) => Math.abs(value - one.out[at]!) > 0.05).length;
    expect(wrong).toBe(0);
  });

  it('move masks with the picture, and ignore what a constant fills', () => {
    const mask = picture.pixels.filter((_, at) => at % 3 === 0).map((value) => (value < 128 ? 0 : 1));
    const flat = { ...picture, mask, pixels: Uint8Array.from({ length: 147 }, (_, at) => mask[Math.floor(at / 3)]! * 200) };
    const random = seededRandom(3);
    for (let round = 0; round < 20; round++) {
      const view = randomView(random, { rotate: 180, shift: 0.3, zoom: [0.7, 1.4], fill: 'constant', fill_value: 90 });
      const image = new Float32Array(147);
      const targets = new Float32Array(98);
      writeSquare(image, 0, flat, 7, view);
      writeTargets(targets, 0, flat, 7, view, [1, 1]);
      for (let i = 0; i < 49; i++) {
        if (image[i * 3] === 0) expect([targets[i * 2], targets[i * 2 + 1]]).toEqual([1, 0]);
        if (image[i * 3] === 200) expect([targets[i * 2], targets[i * 2 + 1]]).toEqual([0, 1]);
      }
    }
    const out = new Float32Array(98);
    writeTargets(out, 0, flat, 7, { ...PLAIN_VIEW, placement: makePlacement({ turn: 0, shear: 0, down: 2, right: 0, magnification: 1 }, 'constant') }, [1, 1]);
    expect(out.every((value) => value === 0)).toBe(true);
    expect(IGNORE).toBe(255);
  });

  it('look no farther than their reach', () => {
    const random = seededRandom(9);
    const side = 60;
    const pixels = Uint8Array.from({ length: side * side * 3 }, () => Math.floor(random() * 256));
    const maps = memoryMaps([{ name: '', group: '', width: side, height: side, pixels, mask: new Uint8Array(side * side) }], { classes: ['a'] });
    for (let round = 0; round < 30; round++) {
      const view = randomView(random, { rotate: 180, shift: 0.2, shear: 20 });
      const [whole, part] = [new Float32Array(300), new Float32Array(300)];
      const at = { x: 22, y: 25 };
      writeSquare(whole, 0, { pixels, width: side, height: side, ...at }, 10, view);
      const [down, right] = placementReach(view.placement!, 10).map(Math.ceil) as [number, number];
      const window = maps.readWindow(0, { x: at.x - right, y: at.y - down, width: 10 + 2 * right, height: 10 + 2 * down });
      writeSquare(part, 0, { ...window, x: right, y: down }, 10, view);
      part.forEach((value, index) => expect(value).toBeCloseTo(whole[index]!, 3));
    }
  });
});
