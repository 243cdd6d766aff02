import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisPositions } from '../../src/grid/index.js';
import { axisPatches, BLENDS } from '../../src/stitch/index.js';

const axis = fc.record({ length: fc.integer({ min: 1, max: 600 }), patch: fc.integer({ min: 1, max: 120 }) })
  .chain(({ length, patch }) => fc.record({
    length: fc.constant(length), patch: fc.constant(patch), overlap: fc.integer({ min: 0, max: patch - 1 }),
    blend: fc.constantFrom(...BLENDS),
  }));

describe('axisPatches', () => {
  it('gives every pixel weights that sum to 1, the outermost ones too', () => {
    fc.assert(fc.property(axis, ({ length, patch, overlap, blend }) => {
      const sums = new Float64Array(length);
      for (const { start, weights } of axisPatches({ length, positions: axisPositions(length, patch, overlap), patch, overlap }, blend)) {
        weights.forEach((weight, offset) => { if (start + offset < length) sums[start + offset]! += weight; });
      }
      sums.forEach((sum) => expect(sum).toBeCloseTo(1, 5));
    }));
  });

  it('has ranges that hold exactly the weights: zero outside, one in the core', () => {
    fc.assert(fc.property(axis, ({ length, patch, overlap, blend }) => {
      for (const at of axisPatches({ length, positions: axisPositions(length, patch, overlap), patch, overlap }, blend)) {
        at.weights.forEach((weight, offset) => {
          const inside = offset >= at.first && offset < at.end;
          expect(weight > 0).toBe(inside);
          if (offset >= at.coreFirst && offset < at.coreEnd) expect(weight).toBe(1);
        });
      }
    }));
  });

  it('crop takes each pixel from the patch whose centre is nearest', () => {
    fc.assert(fc.property(axis, ({ length, patch, overlap }) => {
      const positions = axisPositions(length, patch, overlap);
      const patches = axisPatches({ length, positions, patch, overlap }, 'crop');
      for (let x = 0; x < length; x++) {
        const owner = patches.findIndex((at) => x - at.start >= at.first && x - at.start < at.end);
        const distances = positions.map((start) => Math.abs(start + patch / 2 - (x + 0.5)));
        expect(distances[owner]).toBe(Math.min(...distances));
      }
    }));
  });

  it('ramps linearly over the overlap', () => {
    const [left, right] = axisPatches({ length: 12, positions: [0, 4], patch: 8, overlap: 4 }, 'linear');
    expect([...left!.weights]).toEqual([1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125]);
    expect([...right!.weights]).toEqual([0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1]);
    expect([left!.coreFirst, left!.coreEnd, left!.final]).toEqual([0, 4, 4]);
  });

  it('ramps over the overlap alone, in the middle of what is shared, where the last patch is shifted back', () => {
    const [left, right] = axisPatches({ length: 10, positions: [0, 2], patch: 8, overlap: 2 }, 'linear');
    expect([...left!.weights]).toEqual([1, 1, 1, 1, 0.75, 0.25, 0, 0]);
    expect([...right!.weights]).toEqual([0, 0, 0.25, 0.75, 1, 1, 1, 1]);
    expect([left!.coreEnd, left!.end, left!.final, right!.first, right!.coreFirst]).toEqual([4, 6, 4, 2, 4]);
  });

  it('never blends over more pixels than the overlap has, unless three patches meet', () => {
    fc.assert(fc.property(axis, ({ length, patch, overlap }) => {
      const positions = axisPositions(length, patch, overlap);
      fc.pre(positions.every((start, index) => (positions[index + 2] ?? Infinity) > start + patch));
      for (const at of axisPatches({ length, positions, patch, overlap }, 'linear')) {
        expect(at.coreFirst - at.first).toBeLessThanOrEqual(overlap);
        expect(at.end - at.coreEnd).toBeLessThanOrEqual(overlap);
      }
    }));
  });
});
