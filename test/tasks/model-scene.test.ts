import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCard } from '../../src/card/index.js';
import { groundSize } from '../../src/georef/index.js';
import { fullWindow } from '../../src/raster/index.js';
import type { Raster, Scene } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { asModelSees, refuseSceneChoices } from '../../src/tasks/model-input/model-scene.js';
import type { SceneChoices } from '../../src/tasks/model-input/model-scene.js';
import { parseStretch } from '../../src/tasks/model-input/stretch.js';
import { ringNotes } from '../../src/tasks/rows/ring-notes.js';
import { segment } from '../../src/tasks/segment.js';
import { root, scratch } from '../places.js';
import { brightestBand } from './known-models.js';

/** What GDAL says of the scene; made by `fixtures/model-input/make_views.py`. */
interface Golden {
  readonly average: Resampled;
  readonly bilinear: Resampled;
  /** A row of 0 and 1 per row of pixels. */
  readonly inside: readonly string[];
}
interface Resampled { readonly width: number; readonly height: number; readonly values: readonly (readonly number[])[] }

const place = join(root, 'fixtures', 'model-input');
const path = join(place, 'scene.tif');
const aoi = join(place, 'area.geojson');
const golden = JSON.parse(readFileSync(join(place, 'views.json'), 'utf8')) as Golden;
const folder = scratch();
const model = brightestBand(folder);
const card = parseCard(JSON.parse(readFileSync(join(model, 'card.json'), 'utf8')), 'card');

/** The scene as the model would see it, but in its own 16 bits. */
async function viewed(choices: SceneChoices): Promise<Scene> {
  const opened = await openScene(path);
  try {
    return (await asModelSees(opened, card, choices)).scene;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Metres per pixel that give so many pixels along a row. */
async function gsdFor(width: number): Promise<number> {
  const scene = await openScene(path);
  const { profile } = scene;
  await scene.close();
  return (groundSize(profile.transform!, profile.crs, profile.width / 2, profile.height / 2)!.width * profile.width) / width;
}

const readAll = (scene: Scene): Promise<Raster> => scene.read(fullWindow(scene.profile));

describe('a scene as a model sees it', () => {
  it.each(['average', 'bilinear'] as const)('is resampled to a ground sample distance as GDAL does it: %s', async (kind) => {
    const { width, height, values } = golden[kind];
    const scene = await viewed({ gsd: await gsdFor(width) });
    expect([scene.profile.width, scene.profile.height]).toEqual([width, height]);
    const { data, mask } = await readAll(scene);
    let compared = 0;
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let band = 0; band < 3; band++) {
        const expected = values[band]![pixel]!;
        expect(mask![pixel] !== 0).toBe(expected !== 0);
        if (expected === 0) continue;
        // Samples of whole numbers are rounded here, not there.
        expect(Math.abs(data[pixel * 3 + band]! - expected)).toBeLessThanOrEqual(0.51);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(width * height);
    await scene.close();
  });

  it('keeps its corners, and gives windows what the whole has there', async () => {
    const scene = await viewed({ gsd: await gsdFor(17) });
    const { profile } = scene;
    const [x0, dx, , y0, , dy] = profile.transform!;
    expect([x0, y0]).toEqual([500000, 4000000]);
    expect([x0 + dx * profile.width, y0 + dy * profile.height]).toEqual([500530, 3999630]);
    const whole = await readAll(scene);
    const part = await scene.read({ x: 12, y: 9, width: 8, height: 6 }, { edge: 'reflect', bands: [1] });
    // Columns and rows beyond the last are mirrored: 16, then 15, 14 …
    const mirror = (i: number, length: number): number => (i < length ? i : 2 * (length - 1) - i);
    for (let y = 0; y < 6; y++) {
      for (let x = 0; x < 8; x++) {
        const at = mirror(9 + y, 12) * 17 + mirror(12 + x, 17);
        expect(part.data[y * 8 + x]).toBe(whole.data[at * 3 + 1]);
        expect(part.mask![y * 8 + x]).toBe(whole.mask![at]);
      }
    }
    await scene.close();
  });

  it('has data only inside the polygons of an area, as GDAL rasterises them', async () => {
    const plain = await openScene(path);
    const scene = await viewed({ aoi });
    const [all, clipped] = [await readAll(plain), await readAll(scene)];
    const expected = [...golden.inside.join('')].map((value, pixel) => (value === '1' && all.mask![pixel] !== 0 ? 255 : 0));
    expect(expected.filter((value) => value === 255).length).toBeGreaterThan(300);
    expect([...clipped.mask!]).toEqual(expected);
    await Promise.all([plain.close(), scene.close()]);
  });

  it('makes maps of the area alone, and counts only it', async () => {
    const output = join(folder, 'area.tif');
    const stretch = parseStretch('minmax:0,4000');
    const result = await segment({ scene: path, model, output, stretch, aoi, patchSize: 32, overlap: 8 });
    const plain = await openScene(path);
    const { mask } = await readAll(plain);
    await plain.close();
    const inside = [...golden.inside.join('')].filter((value, pixel) => value === '1' && mask![pixel] !== 0).length;
    expect(result.classes.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(inside);
  });

  it('makes maps in the asked pixels, georeferenced', async () => {
    const output = join(folder, 'coarse.tif');
    const result = await segment({ scene: path, model, output, stretch: parseStretch('minmax:0,4000'), gsd: await gsdFor(17) });
    expect([result.width, result.height]).toEqual([17, 12]);
    const map = await openScene(output);
    expect(map.profile.transform![1]).toBeCloseTo(530 / 17, 9);
    await map.close();
  });

  it('knows its windows in the pixels of the file', async () => {
    const { toFile, scene } = await asModelSees(await openScene(path), card, { gsd: await gsdFor(17) });
    expect(toFile({ x: 0, y: 0, width: 17, height: 12 })).toEqual({ x: 0, y: 0, width: 53, height: 37 });
    expect(toFile({ x: 8, y: 6, width: 4, height: 3 })).toEqual({ x: 25, y: 19, width: 12, height: 9 });
    await scene.close();
  });

  it('refuses what it cannot do, and says why', async () => {
    await expect(viewed({ gsd: 0 })).rejects.toThrow(/--gsd.*above 0/);
    await expect(viewed({ gsd: 'model' })).rejects.toThrow(/card of brightest-band does not say/);
    await expect(viewed({ aoi: join(folder, 'none.geojson') })).rejects.toThrow(/no such file/);
    const far = join(folder, 'far.geojson');
    writeFileSync(far, JSON.stringify({ type: 'Polygon', coordinates: [[[10, 10], [11, 10], [11, 11], [10, 10]]] }));
    await expect(viewed({ aoi: far })).rejects.toThrow(/lie outside of/);
    const turned = join(folder, 'turned.geojson');
    const { geometry } = JSON.parse(readFileSync(aoi, 'utf8')) as { geometry: { coordinates: unknown } };
    writeFileSync(turned, JSON.stringify({ ...geometry, coordinates: exchanged(geometry.coordinates) }));
    await expect(viewed({ aoi: turned })).rejects.toMatchObject({ message: expect.stringContaining('lie outside of') as string, advice: expect.stringContaining('with the two exchanged') as string });
    expect(() => refuseSceneChoices({ gsd: 1 }, 'chips')).toThrow(/--gsd: chips is a folder/);
  });
});

/** Positions with their two numbers exchanged. */
function exchanged(coordinates: unknown): unknown {
  const list = coordinates as unknown[];
  return typeof list[0] === 'number' ? [list[1], list[0]] : list.map(exchanged);
}

describe('rings of an area', () => {
  const feature = (ring: readonly (readonly [number, number])[], properties = {}): object => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } });

  it('that are not closed, or cross themselves, are told with their features', () => {
    const square = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]] as const;
    const json = { type: 'FeatureCollection', features: [
      feature(square), feature(square.slice(0, 4), { name: 'open field' }), feature([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]),
      feature([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4], [0, 0]]),
    ] };
    expect(ringNotes(json, 'a.geojson')).toEqual([
      'a.geojson: feature 2 (open field) has a ring that does not end where it begins, as RFC 7946 wants; it was closed by a straight line',
      'a.geojson: feature 3 has a ring that crosses itself; what it goes around twice counts as outside',
    ]);
  });

  it('are found to cross themselves where edges that are not neighbours meet inside (fast-check against all pairs)', () => {
    const point = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
    const side = (a: readonly number[], b: readonly number[], p: readonly number[]): number => Math.sign((b[0]! - a[0]!) * (p[1]! - a[1]!) - (b[1]! - a[1]!) * (p[0]! - a[0]!));
    fc.assert(fc.property(fc.array(point, { minLength: 3, maxLength: 12 }), (corners) => {
      const ring = [...corners, corners[0]!];
      let crosses = false;
      for (let i = 0; i < corners.length; i++) {
        for (let j = 0; j < i; j++) {
          const [a, b, c, d] = [ring[i]!, ring[i + 1]!, ring[j]!, ring[j + 1]!];
          if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) crosses = true;
        }
      }
      expect(ringNotes(feature(ring), 'a').some((note) => note.includes('crosses itself'))).toBe(crosses);
    }));
  });

  it('are among the notes of a scene', async () => {
    const open = join(folder, 'open.geojson');
    const { geometry } = JSON.parse(readFileSync(aoi, 'utf8')) as { geometry: { coordinates: number[][][] } };
    writeFileSync(open, JSON.stringify({ ...geometry, coordinates: geometry.coordinates.map((ring) => ring.slice(0, -1)) }));
    const scene = await viewed({ aoi: open });
    expect(scene.profile.notes).toContainEqual(expect.stringContaining('its polygon has a ring that does not end where it begins'));
    await scene.close();
  });
});
