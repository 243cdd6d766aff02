import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crsFromEpsg, groundSize, pixelAreas, sceneAreaM2 } from '../../src/georef/index.js';
import type { Crs, Transform } from '../../src/georef/index.js';
import { kindOfProj4 } from '../../src/georef/crs-from-epsg.js';
import { root } from '../places.js';

/** What geodesics say (fixtures/georef/make_ground.py). */
interface Golden {
  readonly name: string;
  readonly crs: string;
  readonly transform: Transform;
  readonly width: number;
  readonly height: number;
  readonly gsd: readonly [number, number];
  readonly areaM2: number;
}

const golden = JSON.parse(readFileSync(join(root, 'fixtures', 'georef', 'ground.json'), 'utf8')) as Golden[];

const crsOf = (text: string): Crs => (text.startsWith('EPSG:') ? crsFromEpsg(Number(text.slice(5)))! : { name: text, kind: kindOfProj4(text), proj4: text });

describe.each(golden)('ground sizes of $name', ({ crs: text, transform, width, height, gsd, areaM2 }) => {
  const crs = crsOf(text);

  it('are those of geodesics, for a pixel', () => {
    const found = groundSize(transform, crs, width / 2, height / 2)!;
    expect(Math.abs(found.width / gsd[0] - 1)).toBeLessThan(1e-6);
    expect(Math.abs(found.height / gsd[1] - 1)).toBeLessThan(1e-6);
  });

  it('are those of geodesics for the scene, and of its rows together', () => {
    const area = sceneAreaM2(transform, crs, { width, height })!;
    expect(area / areaM2 - 1).toBeCloseTo(0, 6);
    const areaOf = pixelAreas(transform, crs, width)!;
    let sum = 0;
    for (let row = 0; row < height; row++) sum += areaOf(row)! * width;
    expect(sum / area - 1).toBeCloseTo(0, 7);
  });
});

describe('ground', () => {
  it('is the surface of WGS 84 for the world', () => {
    expect(sceneAreaM2([-180, 1, 0, 90, 0, -1], crsFromEpsg(4326), { width: 360, height: 180 })! / 510_065_621_724_088 - 1).toBeCloseTo(0, 8);
  });

  it('ends where the world ends', () => {
    const sinusoidal = crsOf('+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +a=6371007.181 +b=6371007.181 +units=m +no_defs');
    const area = sceneAreaM2([-20015109, 40030.218, 0, 10007554.5, 0, -40030.218], sinusoidal, { width: 1000, height: 500 })!;
    // All of the rectangle would be 57 % more.
    expect(Math.abs(area / 510_065_621_724_088 - 1)).toBeLessThan(0.01);
    // A grid whose outer pixels reach half beyond the poles.
    expect(Math.abs(sceneAreaM2([-180, 0.5, 0, 90.25, 0, -0.5], crsFromEpsg(4326), { width: 720, height: 361 })! / 510_065_621_724_088 - 1)).toBeLessThan(1e-4);
    expect(sceneAreaM2([0, 1, 0, 100, 0, -1], crsFromEpsg(4326), { width: 5, height: 5 })).toBeUndefined();
  });
});
