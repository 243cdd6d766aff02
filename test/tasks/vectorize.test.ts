import { existsSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import type { CogOptions } from '../../src/cog/index.js';
import { crsFromEpsg, pixelAreas } from '../../src/georef/index.js';
import { info } from '../../src/tasks/info.js';
import { vectorize } from '../../src/tasks/vectorize.js';
import { scratch } from '../places.js';
import { componentsOf, patchwork } from '../vector/maps.js';
import type { SmallMap } from '../vector/maps.js';
import { readFlatGeobuf, readGeoJson, readGeoParquet } from '../vector/read-features.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
const NODATA = 255;
const CLASSES = ['land', 'water', 'road', 'building', 'tree'] as const;

async function writeMap(map: SmallMap, options: Partial<CogOptions> = {}): Promise<string> {
  const path = fresh('map.tif');
  const writer = await createCog({
    width: map.width, height: map.height, bands: 1, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 64, nodata: NODATA, classNames: CLASSES,
    palette: [[0, 128, 0, 255], [0, 0, 255, 255], [90, 90, 90, 255], [255, 0, 0, 255], [0, 90, 0, 255]],
    transform: [500_000, 2, 0, 4_000_000, 0, -2], crs: crsFromEpsg(32633)!, ...options,
  });
  await writer.write(Uint8Array.from(map.classes, (id) => (id < 0 ? NODATA : id)), map.height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

/** Higher than the strips of 64 rows in which it is read; pixels without data in the middle. */
const map = patchwork(150, 300, 60, 5);
const holed: SmallMap = { ...map, classes: map.classes.map((id, i) => ((i % 150 - 80) ** 2 + (Math.floor(i / 150) - 150) ** 2 < 900 ? -1 : id)) };

describe('vectorize', () => {
  it.each(['geojson', 'fgb', 'parquet'] as const)('writes every area of a map with its class, colour and ground area: %s', async (format) => {
    const output = fresh(`polygons.${format}`);
    const path = await writeMap(holed);
    const result = await vectorize({ map: path, output });
    const { features } = format === 'geojson' ? await readGeoJson(output) : format === 'fgb' ? await readFlatGeobuf(output) : await readGeoParquet(output);
    const areas = componentsOf(holed);
    expect(features.map(({ properties }) => `${Number(properties['class'])} ${Number(properties['pixels'])}`).sort()).toEqual(areas.map(({ classId, pixels }) => `${classId} ${pixels}`).sort());
    const areaOf = pixelAreas([500_000, 2, 0, 4_000_000, 0, -2], crsFromEpsg(32633), 150)!;
    const rowAreas = Array.from({ length: 300 }, (_, y) => areaOf(y)!);
    for (const [classId, name] of CLASSES.entries()) {
      const own = features.filter(({ properties }) => properties['class'] === classId);
      expect(own.every(({ properties }) => properties['name'] === name && properties['color'] === ['#008000', '#0000ff', '#5a5a5a', '#ff0000', '#005a00'][classId])).toBe(true);
      const hectares = holed.classes.reduce((sum, id, i) => sum + (id === classId ? rowAreas[Math.floor(i / 150)]! / 10_000 : 0), 0);
      expect(own.reduce((sum, { properties }) => sum + Number(properties['area_ha']), 0)).toBeCloseTo(hectares, 9);
      expect(result.classes[classId]).toMatchObject({ id: classId, name, polygons: own.length, pixels: holed.classes.filter((id) => id === classId).length });
      expect(result.classes[classId]!.areaHa).toBeCloseTo(hectares, 9);
    }
    expect(result).toMatchObject({ polygons: areas.length, format, dryRun: false, sieved: 0, crs: format === 'geojson' ? 'WGS 84' : 'WGS 84 / UTM zone 33N' });
    expect(await readdir(folder)).not.toContain(`${output}.partial`);
    expect(existsSync(`${output}.partial`)).toBe(false);
  });

  it('agrees with info on the area of the world, which is that of WGS 84', async () => {
    const path = await writeMap({ width: 36, height: 18, classes: new Array<number>(36 * 18).fill(1) }, { transform: [-180, 10, 0, 90, 0, -10], crs: crsFromEpsg(4326)! });
    const result = await vectorize({ map: path, output: fresh('world.fgb') });
    const { areaHa } = await info({ scene: path });
    expect(areaHa! / 51_006_562_172.4088 - 1).toBeCloseTo(0, 8);
    expect(result.classes.find(({ id }) => id === 1)!.areaHa! / areaHa! - 1).toBeCloseTo(0, 8);
  });

  it('gives the same bytes each time, and counts the same in a dry run without writing', async () => {
    const path = await writeMap(map);
    const [one, other] = [fresh('a.fgb'), fresh('b.fgb')];
    const first = await vectorize({ map: path, output: one, simplify: 3, minArea: 400 });
    await vectorize({ map: path, output: other, simplify: 3, minArea: 400 });
    expect((await readFile(one)).equals(await readFile(other))).toBe(true);
    const dry = await vectorize({ map: path, output: fresh('c.fgb'), simplify: 3, minArea: 400, dryRun: true });
    expect(dry).toMatchObject({ polygons: first.polygons, corners: first.corners, sieved: first.sieved, classes: first.classes, bytes: 0, dryRun: true });
    expect(existsSync(dry.output)).toBe(false);
    expect(first.sieved).toBeGreaterThan(0);
    const { features } = await readFlatGeobuf(one);
    expect(features.every(({ properties }) => Number(properties['area_ha']) >= 0.04)).toBe(true);
    expect(first.corners).toBeLessThan((await vectorize({ map: path, output: other, minArea: 400, overwrite: true })).corners / 2);
  });

  it('writes only the classes that are asked for, by name or id', async () => {
    const path = await writeMap(map);
    const output = fresh('some.geojson');
    const result = await vectorize({ map: path, output, classes: ['WATER', '3'] });
    expect(result.classes.map(({ id }) => id)).toEqual([1, 3]);
    const { features } = await readGeoJson(output);
    expect(features.length).toBe(componentsOf(map).filter(({ classId }) => classId === 1 || classId === 3).length);
    await expect(vectorize({ map: path, output: fresh('none.geojson'), classes: ['wood'] })).rejects.toMatchObject({ code: 'INVALID_OPTION', advice: `its classes are ${CLASSES.join(', ')}` });
  });

  it('refuses, before anything is written', async () => {
    const path = await writeMap(map);
    await expect(vectorize({ map: path, output: fresh('refused.shp') })).rejects.toThrow('expected a name that ends in .geojson');
    await expect(vectorize({ map: path, output: path })).rejects.toThrow('expected a name');
    const there = fresh('there.fgb');
    await writeFile(there, 'mine');
    await expect(vectorize({ map: path, output: there })).rejects.toMatchObject({ code: 'INVALID_OPTION', advice: 'add --overwrite to replace it' });
    expect(await readFile(there, 'utf8')).toBe('mine');
    await expect(vectorize({ map: await writeMap(map, { transform: undefined, crs: undefined }), output: fresh('refused.fgb') })).rejects.toThrow('expected a georeferenced raster');
    const local = await writeMap(map, { crs: undefined });
    await expect(vectorize({ map: local, output: fresh('refused.geojson') })).rejects.toMatchObject({ advice: 'write .fgb or .parquet, which keep the map\'s own coordinates' });
    for (const options of [{ minArea: 10 }, { simplify: 1 }]) await expect(vectorize({ map: local, output: fresh('refused.fgb'), ...options })).rejects.toThrow('no CRS that tells how large');
    const colours = await writeMap({ width: 10, height: 10, classes: new Array<number>(300).fill(1) }, { bands: 3, classNames: undefined, palette: undefined });
    await expect(vectorize({ map: colours, output: fresh('refused.fgb') })).rejects.toThrow('expected a map, one band of class ids (whole numbers), found 3 bands of uint8');
    expect((await readdir(folder)).filter((name) => name.includes('refused'))).toEqual([]);
  });

  it('takes a tolerance in metres for metres in degrees, too, at any latitude and beyond the poles', async () => {
    const { width, height } = map;
    for (const [top, pixel] of [[90, 180 / height], [90.25, 180 / height], [60, 40 / height]] as const) {
      const world = await writeMap(map, { crs: crsFromEpsg(4326)!, transform: [0, Math.min(pixel, 180 / width), 0, top, 0, -pixel] });
      const [exact, thinned] = [fresh('exact.parquet'), fresh('thinned.parquet')];
      await vectorize({ map: world, output: exact });
      await vectorize({ map: world, output: thinned, simplify: 1 });
      // A metre is less than any pixel is wide near the map's middle: every corner stays.
      expect((await readGeoParquet(thinned)).features.map(({ geometry }) => geometry)).toEqual((await readGeoParquet(exact)).features.map(({ geometry }) => geometry));
    }
  });

  it('says so where a raster looks like a picture', async () => {
    const shades = { ...map, classes: map.classes.map((_, i) => (i * 7) % 200) };
    const early: string[] = [];
    const context = { onWarning: (text: string) => early.push(text) };
    const { warnings } = await vectorize({ map: await writeMap(shades, { classNames: undefined, palette: undefined }), output: fresh('shades.geojson'), dryRun: true }, context);
    early.length = 0;
    const large = { ...map, width: 700, height: 600, classes: Int32Array.from({ length: 700 * 600 }, (_, i) => (i * 7919) % 251 % 200) };
    const stopped = new AbortController();
    const told = vectorize({ map: await writeMap(large as never, { classNames: undefined, palette: undefined }), output: fresh('large.geojson') }, { signal: stopped.signal, onWarning: (text) => { early.push(text); stopped.abort(); } });
    await expect(told).rejects.toThrow('interrupted');
    expect(early).toHaveLength(1);
    expect(early[0]).toMatch(/looks like a picture, not like a map of classes: .* about [\d,]+ polygons/);
    expect(warnings.join()).toMatch(/has 200 values without names or colours, in \d+ areas: it looks like a picture/);
    expect((await vectorize({ map: await writeMap(map), output: fresh('map.geojson'), dryRun: true })).warnings.join()).not.toContain('looks like');
  });

  it('works without a CRS where the format needs none, and gives no areas', async () => {
    const output = fresh('local.parquet');
    const result = await vectorize({ map: await writeMap(map, { crs: undefined }), output });
    expect(result).toMatchObject({ crs: null, polygons: componentsOf(map).length });
    const { features, geo } = await readGeoParquet(output);
    expect(geo.columns.geometry.crs).toBeNull();
    expect(features.every(({ properties }) => properties['area_ha'] === null)).toBe(true);
  });

  it('leaves a file that appears while it works, and keeps its own', async () => {
    const [whole, output] = [fresh('whole.fgb'), fresh('appears.fgb')];
    const path = await writeMap(map);
    await vectorize({ map: path, output: whole });
    await expect(vectorize({ map: path, output }, { onProgress: () => writeFileSync(output, 'theirs') })).rejects.toThrow(`${output} exists, and did not when the run began`);
    expect(await readFile(output, 'utf8')).toBe('theirs');
    expect((await readFile(join(`${output}.partial`, 'polygons'))).equals(await readFile(whole))).toBe(true);
    await vectorize({ map: path, output, overwrite: true });
    expect((await readFile(output)).equals(await readFile(whole))).toBe(true);
    expect(existsSync(`${output}.partial`)).toBe(false);
  });

  it('keeps nothing when it is interrupted, and takes over what a killed run left', async () => {
    const output = fresh('stopped.fgb');
    const path = await writeMap(map);
    const stop = new AbortController();
    const context = { signal: stop.signal, onProgress: ({ done }: { readonly done: number }) => { if (done > 100) stop.abort(); } };
    await expect(vectorize({ map: path, output }, context)).rejects.toMatchObject({ code: 'INTERRUPTED', advice: 'nothing was kept; the same command starts again' });
    expect(existsSync(output)).toBe(false);
    expect(existsSync(`${output}.partial`)).toBe(false);
    await mkdir(`${output}.partial`);
    await writeFile(join(`${output}.partial`, 'journal.jsonl'), `${JSON.stringify({ format: 'tilewright-journal/1', identity: { task: 'vectorize/1' } })}\n`);
    await writeFile(join(`${output}.partial`, 'polygons.features'), 'half');
    await vectorize({ map: path, output });
    expect(existsSync(`${output}.partial`)).toBe(false);
    expect((await readFlatGeobuf(output)).features).toHaveLength(componentsOf(map).length);
  });
});
