import { describe, expect, it } from 'vitest';
import { createGrid } from '../../src/grid/index.js';
import { createSeamMeter, seamScore } from '../../src/stitch/index.js';

const grid = createGrid({ width: 64, height: 64, patchSize: 16, overlap: 0 });

function score(value: (x: number, y: number) => number): { score: number | undefined; counts: object } {
  const meter = createSeamMeter(grid, 'linear');
  const rows = Uint8Array.from({ length: 64 * 64 }, (_, p) => value(p % 64, Math.floor(p / 64)));
  meter.push(rows.subarray(0, 64 * 10), 10);
  meter.push(rows.subarray(64 * 10), 54);
  return { score: seamScore(meter.counts), counts: meter.counts };
}

describe('seamScore', () => {
  it('is near 1 for a map that knows nothing of the grid', () => {
    let seed = 1;
    const noise = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24;
    const { score: value } = score(() => noise() % 2);
    expect(value).toBeGreaterThan(0.8);
    expect(value).toBeLessThan(1.25);
  });

  it('counts changes on the lines where patches meet, and half a patch away', () => {
    // Three vertical and three horizontal lines of 64 pairs each; classes change on the lines x = 16, 32, 48 and at x = 24.
    const { score: value, counts } = score((x) => (x < 16 ? 0 : x < 24 ? 1 : x < 32 ? 2 : x < 48 ? 3 : 4));
    expect(counts).toEqual({ seamChanges: 192, seamPairs: 384, controlChanges: 64, controlPairs: 384 });
    expect(value).toBe(3);
  });

  it('leaves out pixels without data and says nothing where there is nothing to compare', () => {
    expect(score(() => 255)).toEqual({ score: undefined, counts: { seamChanges: 0, seamPairs: 0, controlChanges: 0, controlPairs: 0 } });
    expect(score(() => 3).score).toBeUndefined();
  });
});
