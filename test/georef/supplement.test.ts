import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crsFromEpsg, crsFromGeoKeys, crsFromWkt, fromLonLat, toLonLat, wktFor } from '../../src/georef/index.js';
import { SUPPLEMENT } from '../../src/georef/epsg-supplement.js';
import { root } from '../places.js';

/** What PROJ says of a point in every definition, by the same definition: x, y, longitude, latitude (fixtures/georef/make_epsg_supplement.py). */
const points = Object.entries(JSON.parse(readFileSync(join(root, 'fixtures', 'georef', 'epsg_supplement.json'), 'utf8')) as Record<string, [x: number, y: number, lon: number, lat: number]>);

const keys = (entries: readonly (readonly [key: number, value: number])[]): ReturnType<typeof crsFromGeoKeys> =>
  crsFromGeoKeys({ directory: [1, 1, 0, entries.length, ...entries.flatMap(([key, value]) => [key, 0, 1, value])] });

describe('codes of EPSG that the list of definitions lacks', () => {
  it('are all there, each definition with a point', () => {
    const definitions = SUPPLEMENT.trim().split('\n').map((line) => line.split('|')[1]!.split(' '));
    expect(definitions.flat()).toHaveLength(1638);
    expect(definitions.map(([code]) => Number(code)).sort((a, b) => a - b)).toEqual(points.map(([code]) => Number(code)));
    for (const code of definitions.flat()) expect(toLonLat(crsFromEpsg(Number(code))), code).toBeDefined();
  });

  it('lead to the longitude and latitude of PROJ, and back', () => {
    for (const [code, [x, y, lon, lat]] of points) {
      const crs = crsFromEpsg(Number(code))!;
      // A shift of the datum would be another question.
      const unshifted = { ...crs, proj4: crs.proj4!.replace(/\+(towgs84|nadgrids)=\S+/g, '') };
      const found = toLonLat(unshifted)!(x, y) ?? [Number.NaN, Number.NaN];
      // The hyperbolic form of Cassini's projection, which proj4 does not know, moves Vanua Levu's northings by up to 0.63 m.
      const [degrees, metres] = code === '3139' ? [1e-5, 5] : [1e-8, 0.003];
      expect(Math.abs(((found[0] - lon + 540) % 360) - 180), code).toBeLessThan(degrees);
      expect(Math.abs(found[1] - lat), code).toBeLessThan(degrees);
      const back = fromLonLat(unshifted)!(lon, lat)!;
      expect(Math.hypot(back[0] - x, back[1] - y), code).toBeLessThan(crs.kind === 'geographic' ? degrees : metres);
    }
  });

  it('take the sphere of the ellipsoid\'s area where EPSG wants a spherical projection of an ellipsoid', () => {
    // EPSG:9311 in PROJ 9.5.1, by "NAD27 to WGS 84 (4)"; as a projection of the ellipsoid it would be a kilometre beside it.
    const [lon, lat] = toLonLat(crsFromEpsg(9311))!(450_000, -550_000)!;
    expect(lon).toBeCloseTo(-94.7240250748251, 6);
    expect(lat).toBeCloseTo(39.92316439035237, 6);
    // WKT 1 cannot say so without the code.
    const { epsg, ...bare } = crsFromEpsg(9311)!;
    expect(wktFor({ ...bare, epsg: epsg! })).toContain('AUTHORITY["EPSG","9311"]');
    expect(wktFor(bare)).toBeUndefined();
  });

  // Names that proj4 takes for WGS 84; pyproj 3.7.2, the same definition on both sides: (500000, 5000000) of UTM zone 33.
  it.each([['WGS72', 15, 45.153489248], ['APL4.9', 15, 45.153482514], ['GSK2011', 15, 45.153481308], ['PZ90', 15, 45.153483785], ['danish', 15, 45.160087582]])('%s is an ellipsoid of its own', (name, lon, lat) => {
    const found = toLonLat({ name, kind: 'projected', proj4: `+proj=utm +zone=33 +ellps=${name} +units=m +no_defs` })!(500_000, 5_000_000)!;
    expect(found[0]).toBeCloseTo(lon, 8);
    expect(found[1]).toBeCloseTo(lat, 8);
  });

  it('are named by their code, and of the right kind', () => {
    expect(crsFromEpsg(7856)).toMatchObject({ epsg: 7856, kind: 'projected' });
    expect(crsFromEpsg(4979)).toMatchObject({ epsg: 4979, kind: 'geographic' });
    expect(crsFromEpsg(999_999)).toBeUndefined();
  });
});

describe('GeoKeys of rare kinds', () => {
  // Metres per unit: PROJ's database.
  it.each([[9031, 1.0000135965], [9033, 20.1168402336805], [9050, 0.9143992], [9084, 0.914398530744441], [9085, 0.91439523], [9095, 0.3048007491]])('unit %i is %d metres', (code, metres) => {
    const crs = keys([[1024, 1], [3072, 32631], [3076, code]])!;
    expect(Number(/\+to_meter=(\S+)/.exec(crs.proj4!)![1])).toBeCloseTo(metres, 9);
  });

  it('count longitudes from the meridian that a code names', () => {
    // 8906 is Rome, 7022 the International ellipsoid of 1924: no shift is known.
    const crs = keys([[1024, 2], [2048, 32767], [2050, 32767], [2051, 8906], [2054, 9102], [2056, 7022]])!;
    expect(toLonLat(crs)!(1, 45)![0]).toBeCloseTo(1 + 12.4523333333, 4);
  });

  it('have ellipsoids by code', () => {
    const crs = keys([[1024, 2], [2048, 32767], [2050, 32767], [2054, 9102], [2056, 7011]])!;
    expect(crs.proj4).toContain('+a=6378249.2 +rf=293.4660212936269');
  });

  it('take Miller\'s projection for one of a sphere, as PROJ does', () => {
    // PROJ: 450720 m east, 3753120 m north, central meridian 10, false easting 500000 and northing 100000.
    const crs = crsFromGeoKeys({
      directory: [1, 1, 0, 7, 1024, 0, 1, 1, 2048, 0, 1, 4326, 3072, 0, 1, 32767, 3075, 0, 1, 20, 3080, 34736, 1, 0, 3082, 34736, 1, 1, 3083, 34736, 1, 2],
      doubles: [10, 500_000, 100_000],
    })!;
    const [lon, lat] = toLonLat(crs)!(441_320, 3_750_720)!;
    expect(lon).toBeCloseTo(9.47227867646879, 6);
    expect(lat).toBeCloseTo(31.73872274787462, 6);
  });
});

describe('WKT with angles in grads', () => {
  it('has its origin where GDAL has it', () => {
    const crs = crsFromWkt('PROJCS["x",GEOGCS["y",DATUM["z",SPHEROID["Clarke_1880_IGN",6378249.2,293.4660212936269]],PRIMEM["Greenwich",0.0],UNIT["Grad",0.015707963267948967]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",600000.0],PARAMETER["False_Northing",200000.0],PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",52.0],PARAMETER["Scale_Factor",0.99987742],PARAMETER["Latitude_Of_Origin",52.0],UNIT["Meter",1.0]]')!;
    expect(crs.proj4).toContain('+lat_0=46.8 ');
  });
});
