import { describe, expect, it } from 'vitest';
import { crsFromEpsg, crsToCrs, footprint, reachesTooFar, suggestGrid, toLonLat, type PlacedGrid, type Transform } from '../../src/georef/index.js';

/** Left, bottom, right, top of the grid that is suggested. */
function extentIn(epsg: number, source: PlacedGrid): readonly [number, number, number, number] {
  const { width, height, transform: [left, size, , top] } = suggestGrid(source, crsFromEpsg(epsg)!)!;
  return [left, top - height * size, left + width * size, top];
}

const gridOf = (epsg: number, width: number, height: number, transform: Transform): PlacedGrid => ({ width, height, transform, crs: crsFromEpsg(epsg)! });
/** Around the world in degrees, from Greenwich to the east, as climate models have it. */
const from0 = gridOf(4326, 360, 180, [0, 1, 0, 90, 0, -1]);
const world = gridOf(4326, 360, 180, [-180, 1, 0, 90, 0, -1]);

describe('the extent of a grid in another CRS', () => {
  // gdalwarp 3.6 suggests -180..180 and 90 for these, too.
  it.each<[string, PlacedGrid]>([
    ['in the middle', gridOf(3995, 100, 100, [-500_000, 10_000, 0, 500_000, 0, -10_000])],
    ['away from the middle', gridOf(3995, 300, 300, [-1_107_000, 10_000, 0, 1_807_000, 0, -10_000])],
    ['on the grid of sea ice', gridOf(3413, 304, 448, [-3_850_000, 25_000, 0, 5_850_000, 0, -25_000])],
  ])('has all longitudes where a pole lies %s', (_, source) => {
    const [left, bottom, right, top] = extentIn(4326, source);
    const size = suggestGrid(source, crsFromEpsg(4326)!)!.transform[1];
    expect([left, top]).toEqual([-180, 90]);
    expect(Math.abs(right - 180)).toBeLessThan(size);
    expect(bottom).toBeLessThan(86);
  });

  it('has the south pole of an antarctic grid', () => {
    const [left, bottom, right] = extentIn(4326, gridOf(3031, 400, 400, [-1_000_000, 10_000, 0, 3_000_000, 0, -10_000]));
    expect(left).toBe(-180);
    expect(Math.abs(right - 180)).toBeLessThan(0.3);
    expect(Math.abs(bottom + 90)).toBeLessThan(0.3);
  });

  it.each([3857, 3832, 6933, 8857])('loses no longitude of a grid from 0 to 360 (EPSG:%i)', (epsg) => {
    const [fromGreenwich, fromAntimeridian] = [extentIn(epsg, from0), extentIn(epsg, world)];
    const [width, other] = [fromGreenwich[2] - fromGreenwich[0], fromAntimeridian[2] - fromAntimeridian[0]];
    expect(Math.abs(width - other) / other).toBeLessThan(0.01);
  });

  it('ends where the Mercator of web maps is a square, for a grid that goes beyond', () => {
    const [left, bottom, right, top] = extentIn(3857, world);
    const size = suggestGrid(world, crsFromEpsg(3857)!)!.transform[1];
    for (const edge of [left, bottom, right, top]) expect(Math.abs(Math.abs(edge) - 20_037_508.34)).toBeLessThan(size);
    expect(toLonLat(crsFromEpsg(3857))!(0, top)![1]).toBeCloseTo(85.05, 1);
    expect(reachesTooFar(world, crsFromEpsg(3857)!)).toBe(true);
    expect(reachesTooFar(gridOf(4326, 360, 160, [-180, 1, 0, 80, 0, -1]), crsFromEpsg(3857)!)).toBe(false);
  });

  it('of a grid beyond that square is where it lies', () => {
    const [, bottom, , top] = extentIn(3857, gridOf(4326, 100, 100, [10, 0.01, 0, 88, 0, -0.01]));
    // y = R ln tan(45° + latitude / 2)
    expect(bottom / 6378137).toBeCloseTo(Math.log(Math.tan((Math.PI / 180) * (45 + 87 / 2))), 2);
    expect(top / 6378137).toBeCloseTo(Math.log(Math.tan((Math.PI / 180) * (45 + 88 / 2))), 2);
  });

  it('leaves out what a projection of one side of the earth puts beyond all measure', () => {
    for (const edge of extentIn(3995, world)) expect(Math.abs(edge)).toBeLessThan(4.05e7);
    expect(reachesTooFar(world, crsFromEpsg(3995)!)).toBe(true);
  });
});

describe('coordinates of another body', () => {
  it('are none of the earth, and go to others of that body', () => {
    const moon = { name: 'Moon', kind: 'projected', proj4: '+proj=eqc +R=1737400 +units=m +no_defs' } as const;
    const degrees = { name: 'Moon', kind: 'geographic', proj4: '+proj=longlat +R=1737400 +no_defs' } as const;
    expect(crsToCrs(moon, crsFromEpsg(3857)!)).toBeUndefined();
    expect(crsToCrs(crsFromEpsg(4326)!, moon)).toBeUndefined();
    expect(crsToCrs(moon, degrees)!(1737400 * Math.PI / 2, 0)![0]).toBeCloseTo(90, 9);
    // A sphere of the earth is the earth.
    expect(crsToCrs({ name: 'MODIS', kind: 'projected', proj4: '+proj=sinu +R=6371007.181 +units=m +no_defs' }, crsFromEpsg(4326)!)).toBeDefined();
  });
});

describe('the outline of a window in longitude and latitude', () => {
  const outline = (epsg: number, width: number, height: number, transform: Transform): string => {
    const ring = footprint(transform, crsFromEpsg(epsg), { x: 0, y: 0, width, height })!;
    return ring.map(([lon, lat]) => `${Math.round(lon)} ${Math.round(lat)}`).join(', ');
  };

  it('of the whole world is as wide as the world', () => {
    expect(outline(4326, 10, 10, [-180, 36, 0, 90, 0, -18])).toBe('-180 -90, 180 -90, 180 90, -180 90, -180 -90');
    const edge = 20_037_508.342789244;
    expect(outline(3857, 10, 10, [-edge, edge / 5, 0, edge, 0, -edge / 5])).toBe('-180 -85, 180 -85, 180 85, -180 85, -180 -85');
    expect(outline(4326, 360, 180, [0, 1, 0, 90, 0, -1])).toBe('0 -90, 360 -90, 360 90, 0 90, 0 -90');
  });

  it('around a pole has the pole, and all longitudes once', () => {
    // Corners at the diagonals of a square around the pole; from there along a meridian to the pole and back.
    expect(outline(3995, 100, 100, [-500_000, 10_000, 0, 500_000, 0, -10_000])).toBe('-135 90, -495 90, -495 83, -405 83, -315 83, -225 83, -135 83, -135 90');
    expect(outline(3031, 100, 100, [-500_000, 10_000, 0, 500_000, 0, -10_000])).toBe('-45 -90, 315 -90, 315 -83, 225 -83, 135 -83, 45 -83, -45 -83, -45 -90');
  });

  it('beside a pole, and of a small window, has its corners', () => {
    expect(outline(3995, 10, 10, [100_000, 10_000, 0, 100_000, 0, -10_000]).split(', ')).toHaveLength(5);
    expect(outline(32640, 10, 10, [330_000, 1, 0, 2_785_000, 0, -1]).split(', ')).toHaveLength(5);
  });
});
