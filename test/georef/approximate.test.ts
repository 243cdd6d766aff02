import { describe, expect, it } from 'vitest';
import { approximateGrid, crsFromEpsg, gridToGrid, suggestGrid } from '../../src/georef/index.js';
import type { PlacedGrid } from '../../src/georef/index.js';

type Exact = (column: number, row: number) => readonly [number, number] | undefined;

/** Fills a grid, and tells how far its worst point is from where it belongs, how many have a place on one side only, and how many positions were asked for. */
function compare(exact: Exact, columns: number, rows: number, maxError: number): { readonly worst: number; readonly differing: number; readonly asked: number } {
  const [xs, ys] = [new Float64Array(columns * rows), new Float64Array(columns * rows)];
  let asked = 0;
  approximateGrid((column, row) => { asked++; return exact(column, row); }, columns, rows, maxError, xs, ys);
  let [worst, differing] = [0, 0];
  for (let i = 0; i < columns * rows; i++) {
    const point = exact(i % columns, Math.floor(i / columns));
    if (point === undefined || Number.isNaN(xs[i]!)) {
      if (point !== undefined || !Number.isNaN(xs[i]!) || !Number.isNaN(ys[i]!)) differing++;
      continue;
    }
    worst = Math.max(worst, Math.hypot(point[0] - xs[i]!, point[1] - ys[i]!));
  }
  return { worst, differing, asked };
}

/** From the pixels of the grid that is suggested in a CRS to those of a source. */
function between(source: Omit<PlacedGrid, 'crs'> & { readonly epsg: number }, epsg: number): { readonly exact: Exact; readonly grid: PlacedGrid } {
  const place = { ...source, crs: crsFromEpsg(source.epsg)! };
  const grid = suggestGrid(place, crsFromEpsg(epsg)!)!;
  return { grid, exact: gridToGrid(grid, place)! };
}

const utm = { width: 3000, height: 3000, transform: [500_000, 0.5, 0, 2_800_000, 0, -0.5], epsg: 32640 } as const;
const arctic = { width: 1440, height: 120, transform: [-180, 0.25, 0, 90, 0, -0.25], epsg: 4326 } as const;
const antarctic = { width: 1000, height: 1000, transform: [-2_500_000, 5000, 0, 2_500_000, 0, -5000], epsg: 3031 } as const;
const world = { width: 720, height: 360, transform: [-180, 0.5, 0, 90, 0, -0.5], epsg: 4326 } as const;

describe('approximateGrid', () => {
  it.each([
    { what: 'UTM in Web Mercator', source: utm, epsg: 3857, share: 0.01 },
    { what: 'degrees around a pole, with the edge of the world', source: arctic, epsg: 3995, share: 0.2 },
    { what: 'a polar scene in degrees', source: antarctic, epsg: 4326, share: 0.2 },
    { what: 'the world in LAEA, much of it beyond the horizon', source: world, epsg: 3035, share: 0.5 },
  ])('keeps $what within a hundredth of a pixel everywhere, and asks for few positions', ({ source, epsg, share }) => {
    const { grid, exact } = between(source, epsg);
    const edge = 256;
    let [asked, points] = [0, 0];
    for (let y = 0; y < grid.height; y += 3 * edge) {
      for (let x = 0; x < grid.width; x += 3 * edge) {
        const [columns, rows] = [Math.min(edge, grid.width - x), Math.min(edge, grid.height - y)];
        const found = compare((column, row) => exact(x + column + 0.5, y + row + 0.5), columns, rows, 0.01);
        expect(found.worst).toBeLessThanOrEqual(0.01);
        expect(found.differing).toBe(0);
        asked += found.asked;
        points += columns * rows;
      }
    }
    expect(asked).toBeLessThan(share * points);
  });

  it('sees the pole, wherever in a block it lies', () => {
    const { grid, exact } = between(arctic, 3995);
    const [poleX, poleY] = [grid.width / 2, grid.height / 2];
    for (const [dx, dy] of [[128, 128], [3, 200], [255, 90.5], [64, 64], [32.5, 31], [-1, 100], [100, 257]] as const) {
      const found = compare((column, row) => exact(poleX - dx + column, poleY - dy + row), 256, 256, 0.01);
      expect(found.worst).toBeLessThanOrEqual(0.01);
      expect(found.differing).toBe(0);
    }
  });

  it('leaves places out where there are none, and nothing else', () => {
    const disc: Exact = (column, row) => ((column - 90) ** 2 + (row - 70) ** 2 < 60 ** 2 ? [Math.sqrt(column + 1), row / 3] : undefined);
    const found = compare(disc, 200, 150, 0.001);
    expect(found.worst).toBeLessThanOrEqual(0.001);
    expect(found.differing).toBe(0);
    expect(found.asked).toBeLessThan(200 * 150);
  });

  it.each([[1, 1], [1, 300], [300, 1], [7, 9], [2, 500]])('fills %i × %i points', (columns, rows) => {
    const { worst, differing } = compare((column, row) => [column ** 2 / 100 + row, row ** 1.5 - column], columns, rows, 0.01);
    expect(worst).toBeLessThanOrEqual(0.01);
    expect(differing).toBe(0);
  });

  it('keeps straight grids to the last digits, so that pixels whose middles lie on borders fall on the right side', () => {
    const { worst, asked } = compare((column, row) => [2 * column + 1, 2 * row + 1e5], 256, 256, 0.01);
    expect(worst).toBeLessThan(1e-10);
    expect(asked).toBe(25);
  });
});
