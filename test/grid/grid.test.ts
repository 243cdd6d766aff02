import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/errors.js';
import { axisPositions, createGrid, patchCount, patchesOf } from '../../src/grid/index.js';

const axis = fc.record({ length: fc.integer({ min: 1, max: 5000 }), patch: fc.integer({ min: 1, max: 700 }) })
  .chain(({ length, patch }) => fc.record({
    length: fc.constant(length), patch: fc.constant(patch), overlap: fc.integer({ min: 0, max: patch - 1 }),
  }));

describe('axisPositions', () => {
  it('covers every pixel, keeps the overlap, and ends with the axis', () => {
    fc.assert(fc.property(axis, ({ length, patch, overlap }) => {
      const positions = axisPositions(length, patch, overlap);
      expect(positions[0]).toBe(0);
      for (let i = 1; i < positions.length; i++) {
        const step = positions[i]! - positions[i - 1]!;
        expect(step).toBeGreaterThan(0);
        expect(patch - step).toBeGreaterThanOrEqual(overlap);
      }
      const last = positions.at(-1)!;
      if (length >= patch) expect(last + patch).toBe(length);
      else expect(positions).toEqual([0]);
    }));
  });

  it('steps by patch minus overlap and shifts only the last patch back', () => {
    expect(axisPositions(1000, 512, 64)).toEqual([0, 448, 488]);
    expect(axisPositions(960, 512, 64)).toEqual([0, 448]);
    expect(axisPositions(512, 512, 64)).toEqual([0]);
    expect(axisPositions(10, 512, 64)).toEqual([0]);
  });
});

describe('createGrid', () => {
  it('lists patches strip by strip', () => {
    const grid = createGrid({ width: 5, height: 4, patchSize: 3, overlap: 1 });
    expect(patchCount(grid)).toBe(4);
    expect([...patchesOf(grid)].map((patch) => [patch.index, patch.row, patch.column, patch.window.x, patch.window.y]))
      .toEqual([[0, 0, 0, 0, 0], [1, 0, 1, 2, 0], [2, 1, 0, 0, 1], [3, 1, 1, 2, 1]]);
  });

  it('refuses an overlap that is not smaller than the patch, and sizes that are not whole', () => {
    expect(() => createGrid({ width: 9, height: 9, patchSize: 4, overlap: 4 })).toThrow(InvalidOptionError);
    expect(() => createGrid({ width: 9, height: 9, patchSize: 0, overlap: 0 })).toThrow('--patch-size');
    expect(() => createGrid({ width: 9, height: 9, patchSize: 4, overlap: 1.5 })).toThrow('--overlap');
  });
});
