import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crsFromEpsg, stretchNote } from '../../src/georef/index.js';
import { epsgName } from '../../src/georef/epsg-names.js';
import { root } from '../places.js';

/** What PROJ calls them (fixtures/georef/make_names.py). */
const names = JSON.parse(readFileSync(join(root, 'fixtures', 'georef', 'names.json'), 'utf8')) as Readonly<Record<string, string>>;

describe('names of coordinate systems', () => {
  it('are EPSG\'s own', () => {
    for (const [code, name] of Object.entries(names)) expect(epsgName(Number(code)), code).toBe(name);
    expect(Object.keys(names).length).toBeGreaterThan(400);
    expect(epsgName(102100)).toBe('EPSG:102100');
  });
});

describe('a coordinate system', () => {
  const note = (code: number, lon: number, lat: number): string | undefined => stretchNote(crsFromEpsg(code)!, lon, lat);

  it('far from where it is meant for is told in one line', () => {
    expect(note(32633, -165, 41)).toMatch(/^WGS 84 \/ UTM zone 33N is meant for places around longitude 15, the scene lies at -165:/);
    expect(note(32601, 179, 41)).toBeUndefined();
    // PROJ: pyproj.Proj('EPSG:3995').get_factors(15, 5).meridional_scale is 1.7846.
    expect(note(3995, 15, 5)).toMatch(/stretches lengths 1\.8 times where the scene lies \(longitude 15, latitude 5\)/);
    expect(note(3031, 15, 41)).toMatch(/stretches lengths/);
    expect(note(3035, 150, -30)).toMatch(/^ETRS89-extended \/ LAEA Europe/);
    expect(note(5070, 15, -30)).toMatch(/^NAD83 \/ Conus Albers/);
  });

  it.each([
    [32633, 15, 41], [32632, 15, 60], [32733, 15, 41], [3857, 15, 70], [4326, 15, 41], [6933, 15, 80], [3995, 15, 75], [3031, 15, -70], [5041, 0, 85], [3035, 10, 50], [3035, -9, 38], [3035, 30, 70], [2154, 2, 47],
    [5070, -100, 40], [5070, -70, 45], [3577, 150, -25], [3978, -60, 50], [3338, -165, 60], [27700, -7, 50], [2056, 7, 47], [28992, 5, 52], [5514, 15, 50], [3413, -45, 60], [2193, 175, -40], [26986, -71, 42],
  ])('fits: EPSG:%i at %f, %f', (code, lon, lat) => {
    expect(note(code, lon, lat)).toBeUndefined();
  });
});
