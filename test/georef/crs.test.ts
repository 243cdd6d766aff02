import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  crsFromEpsg, crsFromGeoKeys, crsFromWkt, datumNote, footprint, fromLonLat, geoKeysFor, groundSize, pixelAreaM2, toLonLat, wktFor,
} from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import { root } from '../places.js';

/** What PROJ says (fixtures/georef/make_georef.py). */
interface Golden {
  readonly epsg: number;
  readonly xy: readonly [number, number];
  readonly lonLat: readonly [number, number];
  /** Half the side of the measured square, in CRS units. */
  readonly half: number;
  readonly areaM2: number;
  readonly widthM: number;
  readonly heightM: number;
}

const folder = join(root, 'fixtures', 'georef');
const golden = JSON.parse(readFileSync(join(folder, 'georef.json'), 'utf8')) as Golden[];
const definitions = JSON.parse(readFileSync(join(folder, 'prj.json'), 'utf8')) as { epsg: number; version: string; wkt: string; xy: [number, number]; lonLat: [number, number] }[];

/** Metres of a degree, roughly: enough to state a tolerance in metres. */
const DEGREE = 111_320;

describe.each(golden)('EPSG:$epsg', ({ epsg, xy, lonLat, half, areaM2, widthM, heightM }) => {
  const crs = crsFromEpsg(epsg)!;

  it('leads to the longitude and latitude of PROJ, within a centimetre, and back', () => {
    const found = toLonLat(crs)!(...xy)!;
    expect(Math.abs(found[0] - lonLat[0]) * DEGREE).toBeLessThan(0.01);
    expect(Math.abs(found[1] - lonLat[1]) * DEGREE).toBeLessThan(0.01);
    const back = fromLonLat(crs)!(...found)!;
    expect(Math.hypot(back[0] - xy[0], back[1] - xy[1])).toBeLessThan(0.01);
  });

  it('has the ground lengths and areas of the ellipsoid, within a millionth', () => {
    const transform: Transform = [xy[0] - half, 2 * half, 0, xy[1] + half, 0, -2 * half];
    const size = groundSize(transform, crs, 0.5, 0.5)!;
    expect(Math.abs(size.width / widthM - 1)).toBeLessThan(1e-6);
    expect(Math.abs(size.height / heightM - 1)).toBeLessThan(1e-6);
    expect(Math.abs(pixelAreaM2(transform, crs, 0, 1)! / areaM2 - 1)).toBeLessThan(1e-6);
  });

  it('is found again in the GeoKeys and the WKT written for it', () => {
    expect(crsFromGeoKeys(geoKeysFor(crs)!)?.epsg).toBe(epsg);
    const wkt = wktFor(crs);
    if (epsg === 27700 || wkt === undefined) return;
    expect(crsFromWkt(wkt)?.epsg).toBe(epsg);
    // proj4 reads no WKT of this projection.
    if (wkt.includes('Cylindrical_Equal_Area')) return;
    // The same definition without any code must still mean the same place.
    const bare = crsFromWkt(wkt.replace(/,AUTHORITY\["EPSG","\d+"\]/g, ''))!;
    const found = toLonLat(bare)!(...xy)!;
    expect(Math.hypot(found[0] - lonLat[0], found[1] - lonLat[1]) * DEGREE).toBeLessThan(epsg === 2056 ? 3 : 0.01);
  });
});

describe('WKT of other programs', () => {
  it.each(definitions)('$version of EPSG:$epsg gives the code and the place', ({ epsg, wkt, xy, lonLat }) => {
    const crs = crsFromWkt(wkt)!;
    expect(crs.epsg).toBe(epsg);
    expect(crs.wkt).toBe(wkt);
    const found = toLonLat(crs)!(...xy)!;
    expect(Math.hypot(found[0] - lonLat[0], found[1] - lonLat[1]) * DEGREE).toBeLessThan(0.01);
  });

  it('that is cut off or something else is none', () => {
    const { wkt } = definitions[0]!;
    expect(crsFromWkt(wkt.slice(0, wkt.length / 2))).toBeUndefined();
    expect(crsFromWkt('hello')).toBeUndefined();
    expect(crsFromWkt('['.repeat(100_000))).toBeUndefined();
    expect(crsFromWkt('A['.repeat(100_000))).toBeUndefined();
  });
});

describe('GeoKeys', () => {
  it('that a scene brought are written again, but always for pixel corners', () => {
    const crs = crsFromGeoKeys({ directory: [1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 2, 1026, 34737, 8, 0, 3072, 0, 1, 32631], ascii: 'my zone|' })!;
    expect(crs).toMatchObject({ epsg: 32631, kind: 'projected' });
    expect(geoKeysFor(crs)).toEqual({ directory: [1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 1026, 34737, 8, 0, 3072, 0, 1, 32631], ascii: 'my zone|' });
  });

  it('that point outside their tags are left out', () => {
    expect(crsFromGeoKeys({ directory: [1, 1, 0, 900, 1024, 0, 1, 1, 3072, 34736, 1, 77] })).toMatchObject({ kind: 'projected' });
    expect(crsFromGeoKeys({ directory: [1, 1, 0, 0] })).toBeUndefined();
  });

  it('of a CRS without a code are its definition, as ArcGIS writes it', () => {
    const wkt = 'PROJCS["my grid",\n  GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],\n'
      + '  PROJECTION["Lambert_Azimuthal_Equal_Area"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",20.0],PARAMETER["Latitude_Of_Origin",5.0],UNIT["Meter",1.0]]';
    const crs = crsFromWkt(wkt)!;
    expect(crs.epsg).toBeUndefined();
    const keys = geoKeysFor(crs)!;
    const text = `ESRI PE String = ${wkt.replaceAll(/\n */g, '')}|`;
    expect(keys).toEqual({ directory: [1, 1, 0, 3, 1024, 0, 1, 32767, 1025, 0, 1, 1, 3073, 34737, text.length, 0], ascii: text });
    expect(crsFromGeoKeys(keys)).toMatchObject({ name: 'my grid', kind: 'projected', proj4: crs.proj4 });
  });

  it('of a code in grads are that code, and its coordinates count in grads', () => {
    const crs = crsFromEpsg(4807)!;
    // Paris, by PROJ: 2.33722917 degrees east of Greenwich; 45 degrees north are 50 grads.
    const [x, y] = fromLonLat(crs)!(2.33722917, 45)!;
    expect(Math.abs(x)).toBeLessThan(0.002);
    expect(y).toBeCloseTo(50, 2);
    const [lon, lat] = toLonLat(crs)!(5, 50)!;
    expect(lon).toBeCloseTo(2.33722917 + 4.5, 2);
    expect(lat).toBeCloseTo(45, 2);
    expect(crsFromGeoKeys(geoKeysFor(crs)!)).toMatchObject({ epsg: 4807, degreesPerUnit: 0.9 });
  });

  it('of a CRS without any definition cannot be made, and are not invented', () => {
    expect(geoKeysFor({ name: 'local grid', kind: 'other' })).toBeUndefined();
    expect(geoKeysFor(undefined)).toBeUndefined();
  });
});

describe('areas', () => {
  it('of a row of degrees shrink towards the pole', () => {
    const crs = crsFromEpsg(4326);
    const transform: Transform = [0, 1, 0, 90, 0, -1];
    const rows = Array.from({ length: 180 }, (_, row) => pixelAreaM2(transform, crs, row, 360)!);
    // The surface of the WGS 84 ellipsoid; rows of one degree are a coarse sum.
    expect(rows.reduce((a, b) => a + b, 0) * 360 / 510_065_621_724_088 - 1).toBeCloseTo(0, 4);
    expect(rows[0]).toBeLessThan(rows[89]! / 100);
  });

  it('need a CRS that is known', () => {
    expect(pixelAreaM2([0, 1, 0, 0, 0, -1], undefined, 0, 1)).toBeUndefined();
    expect(groundSize([0, 1, 0, 0, 0, -1], { name: 'local grid', kind: 'other' }, 0, 0)).toBeUndefined();
  });
});

describe('footprints', () => {
  it('are closed and run counter-clockwise, whichever way the rows run', () => {
    for (const transform of [[500000, 10, 0, 4600000, 0, -10], [500000, 10, 0, 4600000, 0, 10]] as Transform[]) {
      const ring = footprint(transform, crsFromEpsg(32631), { x: 0, y: 0, width: 100, height: 50 }, { piecesPerEdge: 3 })!;
      expect(ring).toHaveLength(13);
      expect(ring[0]).toEqual(ring[12]);
      let area = 0;
      for (let i = 0; i < 12; i++) area += ring[i]![0] * ring[i + 1]![1] - ring[i + 1]![0] * ring[i]![1];
      expect(area).toBeGreaterThan(0);
    }
  });

  it('run on past 180 degrees at the antimeridian', () => {
    const ring = footprint([179, 0.1, 0, 10, 0, -0.1], crsFromEpsg(4326), { x: 0, y: 0, width: 20, height: 10 })!;
    expect(Math.max(...ring.map(([lon]) => lon)) - Math.min(...ring.map(([lon]) => lon))).toBeCloseTo(2, 9);
  });
});

describe('notes about datums', () => {
  it('say when a shift is not known, and only then', () => {
    expect(datumNote(crsFromEpsg(32640))).toBeUndefined();
    expect(datumNote(crsFromEpsg(25832))).toBeUndefined();
    expect(datumNote(crsFromEpsg(28992))).toBeUndefined();
    expect(datumNote(crsFromEpsg(26711))).toContain('tens of metres');
    expect(datumNote({ name: 'x', kind: 'projected', proj4: '+proj=tmerc +lon_0=9 +ellps=bessel' })).toContain('hundred metres');
    expect(datumNote({ name: 'x', kind: 'projected' })).toContain('no definition');
  });

  it('are not made for spheres of the earth, whose latitudes PROJ takes as they are', () => {
    const modis = { name: 'MODIS', kind: 'projected', proj4: '+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +a=6371007.181 +b=6371007.181 +units=m +no_defs' } as const;
    expect(datumNote(modis)).toBeUndefined();
    for (const code of [3408, 3410, 2163]) expect(datumNote(crsFromEpsg(code)), String(code)).toBeUndefined();
    // pyproj 3.7.2 (PROJ 9.5.1), to EPSG:4326: the middle of a tile, and of EASE-Grid Global.
    const [lon, lat] = toLonLat(modis)!(1_667_926.4, 5_003_777.3)!;
    expect(lon).toBeCloseTo(21.2132111957, 7);
    expect(lat).toBeCloseTo(44.9999996497, 7);
    const ease = toLonLat(crsFromEpsg(3410))!(-500_000, 3_000_000)!;
    expect(ease[0]).toBeCloseTo(-5.192049903928649, 9);
    expect(ease[1]).toBeCloseTo(24.065619989214703, 9);
  });

  it('say so of other bodies, whose longitudes and latitudes are left as they are', () => {
    const moon = { name: 'Moon', kind: 'projected', proj4: '+proj=eqc +lat_ts=0 +lat_0=0 +lon_0=0 +x_0=0 +y_0=0 +R=1737400 +towgs84=0,0,0 +units=m +no_defs' } as const;
    expect(datumNote(moon)).toContain('not the earth (radius 1737.4 km)');
    const degree = (Math.PI / 180) * 1_737_400;
    const [lon, lat] = toLonLat(moon)!(30 * degree, 45 * degree)!;
    expect(lon).toBeCloseTo(30, 9);
    expect(lat).toBeCloseTo(45, 9);
    expect(fromLonLat(moon)!(30, 45)![1]).toBeCloseTo(45 * degree, 3);
  });
});
