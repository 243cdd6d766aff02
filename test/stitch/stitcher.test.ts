import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGrid, patchesOfStrip } from '../../src/grid/index.js';
import type { Grid } from '../../src/grid/index.js';
import { axisOf, axisPatches, BLENDS, createStitcher, needsScores, NODATA_CLASS } from '../../src/stitch/index.js';
import type { PatchScores, Stitcher, StitcherOptions } from '../../src/stitch/index.js';

/** Probability of class k at a place of the scene as patch `index` sees it. */
type Model = (x: number, y: number, k: number, index: number) => number;

const hash = (...values: number[]): number => {
  let h = 2166136261;
  for (const value of values) h = Math.imul(h ^ (value + 0x9e3779b9), 16777619);
  return (h >>> 8) / 2 ** 24;
};

interface Run { readonly options: StitcherOptions; readonly model: Model; readonly missing?: (x: number, y: number) => boolean }

function feed(stitcher: Stitcher, run: Run, strip: number): void {
  const { grid, classes } = run.options;
  for (const patch of patchesOfStrip(grid, strip)) {
    const { width, height, x, y } = patch.window;
    const scores = new Float32Array(classes * width * height);
    const mask = new Uint8Array(width * height).fill(255);
    let data = false;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        for (let k = 0; k < classes; k++) scores[(k * height + i) * width + j] = run.model(x + j, y + i, k, patch.index);
        if (run.missing?.(x + j, y + i)) mask[i * width + j] = 0;
        else data = true;
      }
    }
    const output: PatchScores | undefined = data ? { scores, ...(run.missing ? { mask } : {}) } : undefined;
    stitcher.add(output);
  }
}

function stitch(run: Run): { classes: Uint8Array; confidence: Uint8Array; probabilities: Uint8Array } {
  const { grid, classes } = run.options;
  const stitcher = createStitcher(run.options);
  const pixels = grid.sceneWidth * grid.sceneHeight;
  const map = { classes: new Uint8Array(pixels).fill(200), confidence: new Uint8Array(pixels), probabilities: new Uint8Array(pixels * classes) };
  let next = 0;
  for (let strip = 0; strip < grid.rows.length; strip++) {
    feed(stitcher, run, strip);
    const rows = stitcher.endStrip();
    expect(rows.y).toBe(next);
    next += rows.rows;
    map.classes.set(rows.classes, rows.y * grid.sceneWidth);
    if (rows.confidence) map.confidence.set(rows.confidence, rows.y * grid.sceneWidth);
    if (rows.probabilities) map.probabilities.set(rows.probabilities, rows.y * grid.sceneWidth * classes);
  }
  expect(next).toBe(grid.sceneHeight);
  return map;
}

/** The same by the definition, with a full-size array. */
function bruteForce(run: Run): { classes: Uint8Array; sums: Float64Array } {
  const { grid, classes, blend } = run.options;
  const rows = axisPatches(axisOf(grid, 'y'), blend);
  const columns = axisPatches(axisOf(grid, 'x'), blend);
  const sums = new Float64Array(grid.sceneWidth * grid.sceneHeight * classes);
  rows.forEach((row, r) => columns.forEach((column, c) => {
    for (let i = 0; i < grid.patchHeight; i++) {
      for (let j = 0; j < grid.patchWidth; j++) {
        const [x, y] = [column.start + j, row.start + i];
        if (x >= grid.sceneWidth || y >= grid.sceneHeight) continue;
        for (let k = 0; k < classes; k++) {
          sums[(y * grid.sceneWidth + x) * classes + k]! += row.weights[i]! * column.weights[j]! * run.model(x, y, k, r * columns.length + c);
        }
      }
    }
  }));
  const map = new Uint8Array(grid.sceneWidth * grid.sceneHeight);
  for (let p = 0; p < map.length; p++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (sums[p * classes + k]! > sums[p * classes + best]!) best = k;
    const [x, y] = [p % grid.sceneWidth, Math.floor(p / grid.sceneWidth)];
    map[p] = run.missing?.(x, y) ? NODATA_CLASS : best;
  }
  return { classes: map, sums };
}

const grids: fc.Arbitrary<Grid> = fc.record({
  width: fc.integer({ min: 1, max: 60 }), height: fc.integer({ min: 1, max: 60 }),
  patchWidth: fc.integer({ min: 1, max: 24 }), patchHeight: fc.integer({ min: 1, max: 24 }), share: fc.double({ min: 0, max: 0.99, noNaN: true }),
}).map(({ width, height, patchWidth, patchHeight, share }) => createGrid({
  width, height, patchSize: { width: patchWidth, height: patchHeight }, overlap: Math.floor(Math.min(patchWidth, patchHeight) * share),
}));

describe('createStitcher', () => {
  it('gives back exactly the classes of a model that depends on the place alone, for every grid and blend', () => {
    fc.assert(fc.property(grids, fc.constantFrom(...BLENDS), fc.integer({ min: 2, max: 5 }), (grid, blend, classes) => {
      const truth = (x: number, y: number): number => Math.floor(hash(x, y) * classes);
      const { classes: map } = stitch({ options: { grid, classes, blend }, model: (x, y, k) => (k === truth(x, y) ? 1 : 0) });
      for (let p = 0; p < map.length; p++) expect(map[p]).toBe(truth(p % grid.sceneWidth, Math.floor(p / grid.sceneWidth)));
    }), { numRuns: 150 });
  });

  it('equals a full-size blend when patches contradict each other', () => {
    fc.assert(fc.property(grids, fc.constantFrom(...BLENDS), (grid, blend) => {
      const run: Run = {
        options: { grid, classes: 3, blend, confidence: true, probabilities: true },
        model: (x, y, k, index) => hash(x, y, k, index),
        missing: (x, y) => hash(x >> 2, y >> 2, 77) < 0.3,
      };
      const got = stitch(run);
      const expected = bruteForce(run);
      for (let p = 0; p < got.classes.length; p++) {
        const sums = [...expected.sums.subarray(p * 3, p * 3 + 3)].sort((a, b) => b - a);
        if (expected.classes[p] === NODATA_CLASS || sums[0]! - sums[1]! > 1e-5) expect(got.classes[p]).toBe(expected.classes[p]);
        if (expected.classes[p] !== NODATA_CLASS) expect(Math.abs(got.confidence[p]! - 255 * sums[0]!)).toBeLessThanOrEqual(0.501);
        for (let k = 0; k < 3; k++) {
          const value = expected.classes[p] === NODATA_CLASS ? 0 : 255 * expected.sums[p * 3 + k]!;
          expect(Math.abs(got.probabilities[p * 3 + k]! - value)).toBeLessThanOrEqual(0.501);
        }
      }
    }), { numRuns: 150 });
  });

  it('goes on from the carry of any strip with the same bytes', () => {
    fc.assert(fc.property(grids, fc.constantFrom(...BLENDS), fc.nat(), (grid, blend, at) => {
      const run: Run = {
        options: { grid, classes: 3, blend }, model: (x, y, k, index) => hash(x, y, k, index), missing: (x, y) => hash(x, y) < 0.1,
      };
      const whole = stitch(run).classes;
      const stop = at % grid.rows.length;
      const first = createStitcher(run.options);
      for (let strip = 0; strip < stop; strip++) {
        feed(first, run, strip);
        first.endStrip();
      }
      const second = createStitcher(run.options);
      second.restore(stop, first.carry());
      for (let strip = stop; strip < grid.rows.length; strip++) {
        feed(second, run, strip);
        const rows = second.endStrip();
        expect(rows.classes).toEqual(whole.subarray(rows.y * grid.sceneWidth, (rows.y + rows.rows) * grid.sceneWidth));
      }
    }), { numRuns: 100 });
  });

  it('needs classes alone where patches are not blended', () => {
    const grid = createGrid({ width: 10, height: 7, patchSize: 4, overlap: 2 });
    const stitcher = createStitcher({ grid, classes: 200, blend: 'crop' });
    expect(needsScores({ grid, classes: 200, blend: 'crop' })).toBe(false);
    expect(needsScores({ grid, classes: 200, blend: 'linear' })).toBe(true);
    expect(needsScores({ grid, classes: 200, blend: 'crop', confidence: true })).toBe(true);
    expect(needsScores({ grid: createGrid({ width: 10, height: 8, patchSize: 4, overlap: 0 }), classes: 2, blend: 'linear' })).toBe(false);
    const map: number[] = [];
    for (let strip = 0; strip < grid.rows.length; strip++) {
      for (const patch of patchesOfStrip(grid, strip)) {
        stitcher.add({ classes: Uint8Array.from({ length: 16 }, (_, p) => (patch.window.y + (p >> 2)) * 10 + patch.window.x + (p & 3)) });
      }
      map.push(...stitcher.endStrip().classes);
    }
    expect(map).toEqual(Array.from({ length: 70 }, (_, p) => p));
  });

  it('makes 1 and 0 of a single score by its threshold', () => {
    const grid = createGrid({ width: 6, height: 3, patchSize: 3, overlap: 1 });
    const { classes } = stitch({ options: { grid, classes: 1, blend: 'linear', threshold: 0.3 }, model: (x) => x / 10 });
    expect([...classes.subarray(0, 6)]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it('says of a single score how sure the winner is, be it 1 or 0', () => {
    const grid = createGrid({ width: 6, height: 3, patchSize: 3, overlap: 1 });
    const { classes, confidence } = stitch({ options: { grid, classes: 1, blend: 'linear', threshold: 0.5, confidence: true }, model: (x) => [0, 0.1, 0.4, 0.5, 0.9, 1][x]! });
    expect([...classes.subarray(0, 6)]).toEqual([0, 0, 0, 1, 1, 1]);
    const expected = [1, 0.9, 0.6, 0.5, 0.9, 1].map((p) => 255 * p);
    expected.forEach((value, x) => expect(Math.abs(confidence[x]! - value)).toBeLessThanOrEqual(0.51));
  });
});
