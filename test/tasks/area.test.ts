import { describe, expect, it } from 'vitest';
import { crsFromEpsg, type PlacedGrid } from '../../src/georef/index.js';
import { placeArea, polygonsInText } from '../../src/tasks/rows/area.js';

type Ring = readonly (readonly [number, number])[];

const box = (west: number, south: number, east: number, north: number): Ring => [[west, south], [east, south], [east, north], [west, north], [west, south]];

/** The pixels of a grid whose middles lie in polygons; undefined where they cannot be placed. */
function inside(polygons: readonly Ring[], grid: PlacedGrid): readonly [columns: readonly number[], rows: readonly number[]] {
  const area = placeArea(polygonsInText(JSON.stringify({ type: 'MultiPolygon', coordinates: polygons.map((ring) => [ring]) }), 'area.geojson'), grid)!;
  const mask = new Uint8Array(grid.width * grid.height).fill(255);
  area.clip(mask, { x: 0, y: 0, width: grid.width, count: grid.height });
  const columns = new Set<number>();
  const rows = new Set<number>();
  mask.forEach((value, i) => { if (value !== 0) { columns.add(i % grid.width); rows.add(Math.floor(i / grid.width)); } });
  return [[...columns].sort((a, b) => a - b), [...rows].sort((a, b) => a - b)];
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('an area on a grid that goes around the world', () => {
  const degrees = { width: 20, height: 10, crs: crsFromEpsg(4326)! };
  const beyond: PlacedGrid = { ...degrees, transform: [170, 1, 0, 5, 0, -1] };

  it('that runs on beyond 180 degrees has both halves of a polygon that is cut there (RFC 7946, section 3.1.9), and one in a piece', () => {
    const expected = [range(8, 12), range(3, 7)];
    expect(inside([box(178, -2, 180, 2), box(-180, -2, -178, 2)], beyond)).toEqual(expected);
    expect(inside([box(178, -2, 182, 2)], beyond)).toEqual(expected);
    expect(inside([box(-182, -2, -178, 2)], beyond)).toEqual(expected);
    expect(inside([box(-180, -2, -178, 2)], { ...beyond, transform: [-190, 1, 0, 5, 0, -1] })).toEqual([range(10, 12), range(3, 7)]);
  });

  it('from 0 to 360 degrees has the west', () => {
    expect(inside([box(-100, -20, -90, -10)], { width: 360, height: 180, crs: crsFromEpsg(4326)!, transform: [0, 1, 0, 90, 0, -1] })).toEqual([range(260, 270), range(100, 110)]);
  });

  it('in Mercator has them, too, and both ends of the world where a polygon lies over its edge', () => {
    const size = 20_037_508.342789244 / 180;
    const world: PlacedGrid = { width: 360, height: 20, crs: crsFromEpsg(3857)!, transform: [-180 * size, size, 0, 10 * size, 0, -size] };
    expect(inside([box(175, -2, 185, 2)], world)[0]).toEqual([...range(0, 5), ...range(355, 360)]);
    expect(inside([box(175, -2, 185, 2)], { ...world, width: 20, transform: [170 * size, size, 0, 10 * size, 0, -size] })[0]).toEqual(range(5, 15));
  });

  it('bounds what lies on the grid only', () => {
    const area = placeArea(polygonsInText(JSON.stringify({ type: 'MultiPolygon', coordinates: [[box(178, -2, 179, 2)], [box(0, -2, 1, 2)]] }), 'area.geojson'), beyond)!;
    expect(area.bounds).toEqual({ x: 8, y: 3, width: 1, height: 4 });
  });
});

describe('an edge of an area', () => {
  it('that bends both ways on a grid is followed, though its middle lies on the straight line', () => {
    // In Mercator the edge from 60 degrees south to 60 north turns at the equator; y = R ln tan(45° + latitude / 2).
    const size = 20_037_508.342789244 / 180;
    const grid: PlacedGrid = { width: 200, height: 180, crs: crsFromEpsg(3857)!, transform: [-60 * size, size, 0, 90 * size, 0, -size] };
    const area = placeArea(polygonsInText(JSON.stringify({ type: 'Polygon', coordinates: [[[-30, -60], [40, -60], [100, 60], [30, 60], [-30, -60]]] }), 'area.geojson'), grid)!;
    const mask = new Uint8Array(grid.width * grid.height).fill(255);
    area.clip(mask, { x: 0, y: 0, width: grid.width, count: grid.height });
    let wrong = 0;
    for (let row = 0; row < grid.height; row++) {
      const y = (90 - row - 0.5) * size;
      const latitude = (Math.atan(Math.exp(y / 6378137)) * 360) / Math.PI - 90;
      const west = (latitude + 60) / 2 - 30;
      for (let column = 0; column < grid.width; column++) {
        const lon = column + 0.5 - 60;
        const want = Math.abs(latitude) < 60 && lon > west && lon < west + 70;
        if (want !== (mask[row * grid.width + column] !== 0)) wrong++;
      }
    }
    // Edges are cut until they are within an eighth of a pixel.
    expect(wrong).toBeLessThan(30);
  });
});
