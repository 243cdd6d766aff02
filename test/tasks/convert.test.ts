import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createCog, writeTiff } from '../../src/cog/index.js';
import { OutputError } from '../../src/errors.js';
import { crsFromEpsg, gridToGrid, pixelToCrs, type Transform } from '../../src/georef/index.js';
import { fullWindow, viewAs, type DataType, type Raster, type SceneProfile, type TypedArray } from '../../src/raster/index.js';
import { checkRoom } from '../../src/run/index.js';
import { openScene } from '../../src/scene/index.js';
import { convert, type ConvertOptions, type ConvertResult } from '../../src/tasks/convert.js';
import { MAX_ERROR, positionsOf } from '../../src/tasks/rows/warped-rows.js';
import { checkCogLayout, structureOf } from '../cog/structure.js';
import { runCommand, type Moment } from './killed-command.js';
import { hasShared, root, scratch, shared } from '../places.js';

const folder = scratch();
const fixtures = join(root, 'fixtures/convert');
const scene = (name: string): string => join(fixtures, name);
let made = 0;

/** Numbers of a tag of a file's first directory. */
function numbersOf(path: string, tag: number): readonly number[] | undefined {
  return structureOf(path).directories[0]!.tags.get(tag);
}

interface Golden {
  readonly warps: readonly {
    readonly scene: string; readonly crs: number; readonly resolution: number | null; readonly method: 'nearest' | 'bilinear' | 'average';
    readonly width: number; readonly height: number; readonly transform: Transform; readonly mask: string; readonly expected: string;
  }[];
  readonly inside: string;
}

const golden = JSON.parse(readFileSync(join(fixtures, 'convert.json'), 'utf8')) as Golden;

function unpack(text: string, dtype: DataType = 'uint8'): TypedArray {
  const bytes = Uint8Array.from(inflateSync(Buffer.from(text, 'base64')));
  return viewAs(dtype, bytes.buffer);
}

interface Converted { readonly path: string; readonly result: ConvertResult; readonly profile: SceneProfile; readonly raster: Raster }

async function run(options: Omit<ConvertOptions, 'output'>): Promise<Converted> {
  const path = join(folder, `${made++}.tif`);
  const result = await convert({ ...options, output: path });
  checkCogLayout(structureOf(path));
  expect(existsSync(`${path}.partial`)).toBe(false);
  return { path, result, ...await read(path) };
}

async function read(path: string): Promise<{ profile: SceneProfile; raster: Raster }> {
  const opened = await openScene(path);
  const raster = await opened.read(fullWindow(opened.profile));
  await opened.close();
  return { profile: opened.profile, raster };
}

describe('convert', () => {
  it.each(['rgb.tif', 'rgba.tif', 'masked.tif', 'dem.tif', 'classes.tif'])('keeps pixels, masks, place and names of %s', async (name) => {
    const before = await read(scene(name));
    const { profile, raster, result } = await run({ scene: scene(name) });
    expect(raster.data).toEqual(before.raster.data);
    expect(raster.mask).toEqual(before.raster.mask);
    for (const key of ['transform', 'nodata', 'alphaBand', 'palette', 'bandNames', 'classNames', 'dtype', 'maskSource'] as const) expect(profile[key]).toEqual(before.profile[key]);
    expect(profile.crs?.epsg).toBe(before.profile.crs?.epsg);
    expect(result.lossless).toBe(true);
    expect(result.missing).toBe({ none: 'none', alpha: 'alpha', internal: 'mask', external: 'mask', nodata: 'nodata' }[before.profile.maskSource]);
  });

  it('keeps the bands and the window that are asked for', async () => {
    const window = { x: 7, y: 11, width: 31, height: 23 };
    const { profile, raster } = await run({ scene: scene('rgb.tif'), bands: [2, 0], window });
    const whole = await read(scene('rgb.tif'));
    const expected = Array.from({ length: 31 * 23 }, (_, i) => {
      const at = ((11 + Math.floor(i / 31)) * 60 + 7 + (i % 31)) * 3;
      return [whole.raster.data[at + 2]!, whole.raster.data[at]!];
    }).flat();
    expect([...raster.data]).toEqual(expected);
    expect(profile.transform).toEqual([330070, 10, 0, 2784890, 0, -10]);
  });

  it.each([
    ['rgb.tif', 'mask'], ['rgba.tif', 'alpha'], ['masked.tif', 'mask'], ['classes.tif', 'nodata'],
  ] as const)('crops %s to an area and hides what lies outside of it, as GDAL rasterises it', async (name, missing) => {
    const before = await read(scene(name));
    const { profile, raster, result } = await run({ scene: scene(name), area: join(fixtures, 'area.geojson') });
    expect(result.missing).toBe(missing);
    const x = Math.round((profile.transform![0] - 330000) / 10);
    const y = Math.round((2785000 - profile.transform![3]) / 10);
    const inside = unpack(golden.inside);
    let count = 0;
    for (let i = 0; i < raster.width * raster.height; i++) {
      const at = (y + Math.floor(i / raster.width)) * 60 + x + (i % raster.width);
      const valid = inside[at] === 1 && (before.raster.mask?.[at] ?? 255) === 255;
      expect(raster.mask![i] === 255).toBe(valid);
      if (!valid) continue;
      count++;
      for (let b = 0; b < raster.bands; b++) expect(raster.data[i * raster.bands + b]).toBe(before.raster.data[at * raster.bands + b]);
    }
    // Nothing of the area is cut off.
    if (name === 'rgb.tif') expect(count).toBe([...inside].filter((value) => value === 1).length);
  });

  it.each(golden.warps)('makes of $scene in EPSG:$crs what GDAL makes of it ($method, resolution $resolution)', async (warp) => {
    const { profile, raster } = await run({ scene: scene(warp.scene), epsg: warp.crs, resampling: warp.method, ...(warp.resolution === null ? {} : { gsd: warp.resolution }) });
    expect([raster.width, raster.height]).toEqual([warp.width, warp.height]);
    warp.transform.forEach((value, i) => expect(Math.abs(profile.transform![i]! - value)).toBeLessThanOrEqual(1e-7 * Math.abs(warp.transform[i === 3 ? 3 : 0]) + 1e-9));
    const mask = unpack(warp.mask);
    const expected = unpack(warp.expected, profile.dtype);
    let worst = 0;
    let differing = 0;
    for (let i = 0; i < warp.width * warp.height; i++) {
      const valid = raster.mask === undefined || raster.mask[i] !== 0;
      if (valid !== (mask[i] !== 0)) {
        differing++;
        continue;
      }
      if (!valid) continue;
      for (let b = 0; b < raster.bands; b++) worst = Math.max(worst, Math.abs(raster.data[i * raster.bands + b]! - expected[i * raster.bands + b]!));
    }
    // Positions are within a hundredth of a pixel of GDAL's, so pixels on a border may fall to its other side.
    expect(differing).toBeLessThanOrEqual(2);
    const steepest = { uint8: 2, uint16: 20, float32: 2 }[profile.dtype as 'uint8' | 'uint16' | 'float32'];
    expect(worst).toBeLessThanOrEqual(warp.method === 'nearest' ? 0 : steepest);
  });

  it('goes on beyond 180 degrees with a scene across the antimeridian, as GDAL does with longitudes that run on', async () => {
    const expected = JSON.parse(readFileSync(join(fixtures, 'antimeridian.json'), 'utf8')) as { readonly width: number; readonly height: number; readonly transform: Transform; readonly pixels: string; readonly mask: string };
    const { profile, raster } = await run({ scene: scene('antimeridian.tif'), epsg: 4326, resampling: 'nearest' });
    expect([profile.width, profile.height]).toEqual([expected.width, expected.height]);
    expected.transform.forEach((value, i) => expect(profile.transform![i]).toBeCloseTo(value, 9));
    expect(profile.transform![0]).toBeLessThan(180);
    expect(profile.transform![0] + profile.width * profile.transform![1]).toBeGreaterThan(180);
    const [pixels, mask] = [unpack(expected.pixels), unpack(expected.mask)];
    let different = 0;
    for (let i = 0; i < pixels.length; i++) if ((raster.mask![i] !== 0) !== (mask[i] !== 0) || (mask[i] !== 0 && raster.data[i] !== pixels[i])) different++;
    // None does; a pixel's middle may lie within a hundredth of a pixel of a border.
    expect(different).toBeLessThanOrEqual(2);
    expect(mask.filter((value) => value !== 0).length).toBeGreaterThan(0.8 * mask.length);
    // And back, from longitudes of either kind.
    const back = await run({ scene: join(folder, `${made - 1}.tif`), epsg: 32760, resampling: 'nearest' });
    expect(back.raster.data.filter((value) => value !== 0).length).toBeGreaterThan(5000);
  });

  it('keeps positions within the stated error, also where projections bend', () => {
    const source = { transform: [-2_500_000, 5000, 0, 2_500_000, 0, -5000] as Transform, crs: crsFromEpsg(3031)! };
    const toScene = gridToGrid({ transform: [-180, 0.02, 0, -70, 0, -0.02], crs: crsFromEpsg(4326)! }, source)!;
    const block = { x: 300, y: 8, width: 256, height: 40 };
    const { xs, ys } = positionsOf(toScene, block, false);
    let worst = 0;
    for (let i = 0; i < xs.length; i++) {
      const [x, y] = toScene(block.x + (i % 256) + 0.5, block.y + Math.floor(i / 256) + 0.5)!;
      worst = Math.max(worst, Math.hypot(x - xs[i]!, y - ys[i]!));
    }
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThanOrEqual(MAX_ERROR);
    expect(pixelToCrs(source.transform, 0, 0)).toEqual([-2_500_000, 2_500_000]);
  });

  it('turns alpha and nodata into a mask where the compression is lossy', async () => {
    const before = await read(scene('rgba.tif'));
    const { profile, raster, result } = await run({ scene: scene('rgba.tif'), compression: 'jpeg', quality: 95 });
    expect([profile.bands, profile.maskSource, profile.alphaBand, result.lossless]).toEqual([3, 'internal', undefined, false]);
    expect(raster.mask).toEqual(before.raster.mask);
  });

  it('refuses an output that is the scene or the area, under any name', async () => {
    const copy = join(folder, 'copy.tif');
    copyFileSync(scene('rgb.tif'), copy);
    linkSync(copy, join(folder, 'link.tif'));
    for (const output of [copy, join(folder, 'link.tif'), join(folder, '.', 'copy.tif')]) {
      await expect(convert({ scene: copy, output, overwrite: true })).rejects.toThrow('is the scene');
    }
    expect(readFileSync(copy)).toEqual(readFileSync(scene('rgb.tif')));
    await expect(convert({ scene: copy, output: join(folder, 'a.png') })).rejects.toThrow('ends in .tif or .tiff');
  });

  it.each([
    [{ epsg: 999999 }, 'EPSG:999999 is not known'], [{ epsg: 5714 }, 'EPSG:5714 is a system of heights'], [{ epsg: 4978 }, 'centre of the Earth'],
    [{ gsd: -1 }, 'expected metres per pixel'], [{ gsd: 1e-3 }, 'times those of the scene'], [{ bands: [3] }, 'the scene has bands 1 to 3, got 4'],
    [{ window: { x: 50, y: 0, width: 20, height: 10 } }, 'expected a part of the scene of 60 × 50 pixels'], [{ resampling: 'nearest' }, 'without --crs or --gsd'],
    [{ compression: 'jpeg', bands: [0, 1] }, 'jpeg takes 1 or 3 bands'], [{ area: join(fixtures, 'convert.json') }, 'expected at least one polygon'],
    [{ area: join(fixtures, 'absent.geojson') }, 'there is no such file'],
  ] as const)('refuses %o', async (options, message) => {
    const output = join(folder, 'refused.tif');
    await expect(convert({ scene: scene('rgb.tif'), output, ...options })).rejects.toThrow(message);
    expect(existsSync(output)).toBe(false);
  });

  it('says that heights do not count', async () => {
    const { warnings } = await convert({ scene: scene('rgb.tif'), output: join(folder, 'heights.tif'), epsg: 4979, dryRun: true });
    expect(warnings).toContainEqual(expect.stringContaining('EPSG:4979 has heights, too'));
  });

  it('refuses an area elsewhere, and a scene without a place', async () => {
    const elsewhere = join(folder, 'elsewhere.geojson');
    writeFileSync(elsewhere, JSON.stringify({ type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] }));
    await expect(convert({ scene: scene('rgb.tif'), output: join(folder, 'no.tif'), area: elsewhere })).rejects.toThrow(/polygons of .* lie outside of .*rgb/);
    // So far away that the CRS has no place for it.
    writeFileSync(elsewhere, JSON.stringify({ type: 'Polygon', coordinates: [[[-165, 0], [-164, 0], [-164, 1], [-165, 0]]] }));
    await expect(convert({ scene: scene('rgb.tif'), output: join(folder, 'no.tif'), area: elsewhere })).rejects.toThrow(/polygons of .* lie outside of .*rgb/);
    const picture = join(folder, 'picture.png');
    await sharp({ create: { width: 20, height: 10, channels: 3, background: '#123456' } }).png().toFile(picture);
    await expect(convert({ scene: picture, output: join(folder, 'no.tif'), epsg: 3857 })).rejects.toThrow('has no georeference');
  });

  it('says beforehand where pixels become so fine or so large that it looks like a mistake, and where a CRS is far from its place', async () => {
    const warningsOf = async (options: Partial<ConvertOptions>): Promise<string> => (await convert({ scene: scene('rgb.tif'), output: join(folder, 'none.tif'), dryRun: true, ...options })).warnings.join('\n');
    const { transform } = (await run({ scene: scene('rgb.tif') })).profile;
    const gsd = transform![1];
    expect(await warningsOf({ gsd: gsd / 3 })).toBe('');
    expect(await warningsOf({ gsd: gsd / 10 })).toMatch(/makes pixels 10 times finer than the scene's/);
    expect(await warningsOf({ gsd: gsd * 3 })).toBe('');
    expect(await warningsOf({ gsd: 1e6 })).toMatch(/leaves 1 × 1 pixels of the scene's .*: is it in metres\?/);
    expect(await warningsOf({ epsg: 3857 })).toBe('');
    expect(await warningsOf({ epsg: 32601 })).toMatch(/UTM zone 1N is meant for places around longitude -177/);
    expect(await warningsOf({ epsg: 3031 })).toMatch(/stretches lengths/);
    // Told before the first rows of a real run, not with its result.
    const told: string[] = [];
    await convert({ scene: scene('rgb.tif'), output: join(folder, 'told.tif'), gsd: gsd / 10 }, { onWarning: (text) => told.push(text), onProgress: () => told.push('rows') });
    expect(told.slice(0, 2)).toEqual([expect.stringMatching(/10 times finer/), 'rows']);
    expect(told.filter((text) => text !== 'rows')).toHaveLength(1);
  });

  it('refuses an output in a folder that is not there, as GDAL does, and makes none', async () => {
    for (const dryRun of [false, true]) {
      await expect(convert({ scene: scene('rgb.tif'), output: join(folder, 'mistyped', 'out.tif'), dryRun })).rejects.toThrow(/mistyped: no such folder to write into/);
    }
    expect(existsSync(join(folder, 'mistyped'))).toBe(false);
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    const output = join(folder, 'dry.tif');
    const result = await convert({ scene: scene('rgb.tif'), output, dryRun: true, epsg: 3857 });
    expect(result).toMatchObject({ dryRun: true, resampling: 'bilinear', missing: 'mask', crs: 'WGS 84 / Pseudo-Mercator', bytes: 0 });
    expect(result.estimatedBytes).toBeGreaterThan(1000);
    expect([existsSync(output), existsSync(`${output}.partial`)]).toEqual([false, false]);
  });

  it('goes on after an interruption with the bytes of an uninterrupted run, warped and with a mask', async () => {
    const large = join(folder, 'large.tif');
    const [width, height] = [700, 3300];
    const writer = await createCog({ width, height, bands: 1, dtype: 'uint8', scratch: `${large}.scratch`, transform: [330000, 1, 0, 2785000, 0, -1], crs: crsFromEpsg(32640)! });
    await writer.write(Uint8Array.from({ length: width * height }, (_, i) => (i % width) * (i / width) / 5000), height);
    await writer.finish(large);
    await writer.abort();
    const options = { scene: large, epsg: 3857, overviews: 'bilinear' } as const;
    const { path } = await run(options);
    const output = join(folder, 'stopped.tif');
    const resumed: number[] = [];
    for (let done = false; !done;) {
      const controller = new AbortController();
      let steps = 0;
      const result = await convert({ ...options, output }, {
        signal: controller.signal, onProgress: ({ done: rows, total }) => { if (++steps === 6 && rows < total) controller.abort(); },
      }).catch((error: Error) => error.message);
      if (typeof result !== 'string') [done] = [true, resumed.push(result.resumedAt)];
      else expect(result).toBe('interrupted');
    }
    expect(resumed[0]).toBeGreaterThan(1000);
    expect(readFileSync(output).equals(readFileSync(path))).toBe(true);
  });

  it('replaces what lies beside a file with it, and only when told to', async () => {
    const output = join(folder, 'beside.tif');
    writeFileSync(`${output}.aux.xml`, '<PAMDataset/>');
    await expect(convert({ scene: scene('rgb.tif'), output })).rejects.toThrow(/beside\.tif\.aux\.xml.*exists/);
    expect(readFileSync(`${output}.aux.xml`, 'utf8')).toBe('<PAMDataset/>');
    copyFileSync(scene('masked.tif'), `${output}.msk`);
    await convert({ scene: scene('rgb.tif'), output, overwrite: true });
    expect([`${output}.msk`, `${output}.aux.xml`].map((path) => existsSync(path))).toEqual([false, false]);
  });

  it('keeps nodata that differs from band to band as a mask, and its values as they are', async () => {
    const vrt = join(folder, 'nodata.vrt');
    const band = (number: number, value: number): string => `<VRTRasterBand dataType="Byte" band="${number}"><NoDataValue>${value}</NoDataValue><SimpleSource><SourceFilename relativeToVRT="0">${scene('rgb.tif')}</SourceFilename><SourceBand>${number}</SourceBand></SimpleSource></VRTRasterBand>`;
    const { profile } = await read(scene('rgb.tif'));
    writeFileSync(vrt, `<VRTDataset rasterXSize="${profile.width}" rasterYSize="${profile.height}">${band(1, 10)}${band(2, 200)}${band(3, 30)}</VRTDataset>`);
    const before = await read(vrt);
    expect(before.profile.bandNodata).toEqual([10, 200, 30]);
    const { profile: after, raster, result } = await run({ scene: vrt });
    expect(result.missing).toBe('mask');
    expect(after.nodata).toBeUndefined();
    expect(raster.mask ?? new Uint8Array(before.raster.mask!.length).fill(255)).toEqual(before.raster.mask);
    expect(Buffer.compare(Buffer.from(raster.data.buffer), Buffer.from(before.raster.data.buffer))).toBe(0);
  });

  it('says what is wrong with an area that holds no rings of positions', async () => {
    const area = join(folder, 'flat.geojson');
    writeFileSync(area, '{"type":"Polygon","coordinates":[[1,2],[3,4]]}');
    await expect(convert({ scene: scene('rgb.tif'), output: join(folder, 'never.tif'), area })).rejects.toMatchObject({ code: 'INVALID_FILE', message: expect.stringContaining('rings of positions') as string });
  });

  it('leaves a file that appears while it works, keeps its own, and goes on when told how', async () => {
    const source = { scene: scene('classes.tif') };
    const { path: whole } = await run(source);
    const output = join(folder, 'appears.tif');
    for (const name of [output, `${output}.aux.xml`, `${output}.msk`]) {
      const meanwhile = { onProgress: () => writeFileSync(name, 'theirs') };
      await expect(convert({ ...source, output }, meanwhile)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(`${name} exists, and did not when the run began`) as string });
      expect(readFileSync(name, 'utf8')).toBe('theirs');
      expect(readFileSync(join(`${output}.partial`, 'converted.tif')).equals(readFileSync(whole))).toBe(true);
      await expect(convert({ ...source, output })).rejects.toThrow('exists');
      expect(readFileSync(name, 'utf8')).toBe('theirs');
      rmSync(name);
    }
    await convert({ ...source, output });
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
    expect([existsSync(`${output}.partial`), existsSync(`${output}.msk`)]).toEqual([false, false]);
  });

  it('keeps alpha and colours what they are', async () => {
    const { path, profile, raster, result } = await run({ scene: scene('rgba.tif'), bands: [0, 1, 3] });
    expect(result.missing).toBe('alpha');
    expect(profile.alphaBand).toBe(2);
    expect(raster.mask).toEqual((await read(scene('rgba.tif'))).raster.mask);
    // Photometric 1 is grey; of the two extra samples the second is alpha.
    expect([numbersOf(path, 262), numbersOf(path, 338)]).toEqual([[1], [0, 2]]);
    const first = await run({ scene: scene('rgba.tif'), bands: [3, 0] });
    expect([first.result.missing, first.profile.alphaBand, first.profile.maskSource]).toEqual(['mask', undefined, 'internal']);
    expect(first.raster.mask).toEqual(raster.mask);
    await expect(run({ scene: scene('rgba.tif'), bands: [0, 1, 3], compression: 'jpeg' })).rejects.toThrow('jpeg takes 1 or 3 bands without alpha');

    const wide = join(folder, 'wide.tif');
    await writeTiff(wide, { width: 20, height: 10, bands: 3, layout: 'pixel', data: new Uint16Array(600).map((_, i) => i * 100) }, { photometric: 'rgb' });
    expect(numbersOf((await run({ scene: wide })).path, 262)).toEqual([2]);
    expect(numbersOf((await run({ scene: wide, bands: [2, 1, 0] })).path, 262)).toEqual([2]);
    expect(numbersOf((await run({ scene: wide, bands: [0, 1] })).path, 262)).toEqual([1]);
  });

  it('keeps control points and camera models, moved with the window', async () => {
    const list = (from: number): string => Array.from({ length: 20 }, (_, i) => from + i / 32).join(' ');
    const items = {
      LINE_OFF: 15, SAMP_OFF: 25, LAT_OFF: 25.5, LONG_OFF: 55.25, HEIGHT_OFF: 10, LINE_SCALE: 16, SAMP_SCALE: 26, LAT_SCALE: 0.5, LONG_SCALE: 0.25, HEIGHT_SCALE: 500,
      LINE_NUM_COEFF: list(1), LINE_DEN_COEFF: list(2), SAMP_NUM_COEFF: list(3), SAMP_DEN_COEFF: list(4),
    };
    const vrt = join(folder, 'camera.vrt');
    const gcps = '<GCPList Projection="EPSG:4326"><GCP Id="1" Pixel="0.5" Line="0" X="55" Y="25" Z="3"/><GCP Id="2" Pixel="60" Line="0" X="56" Y="25"/><GCP Id="3" Pixel="0" Line="30" X="55" Y="24"/></GCPList>';
    const rpc = `<Metadata domain="RPC">${Object.entries(items).map(([key, value]) => `<MDI key="${key}">${value}</MDI>`).join('')}</Metadata>`;
    const vrtOf = (place: string): string => `<VRTDataset rasterXSize="60" rasterYSize="40">${place}${rpc}<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="0">${scene('rgb.tif')}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`;
    writeFileSync(vrt, vrtOf(gcps));
    const before = (await read(vrt)).profile;
    const { profile, result } = await run({ scene: vrt, window: { x: 5, y: 7, width: 30, height: 20 } });
    expect(result).toMatchObject({ lossless: true });
    expect(result.warnings.filter((warning) => warning.startsWith('the output does not carry'))).toEqual([]);
    expect(profile.gcps?.crs?.epsg).toBe(4326);
    expect(profile.gcps?.points.map(({ column, row, x, y, z }) => [column, row, x, y, z])).toEqual([[-4.5, -7, 55, 25, 3], [55, -7, 56, 25, 0], [-5, 23, 55, 24, 0]]);
    expect(profile.rpc).toEqual({ ...before.rpc!, lineOffset: 8, sampleOffset: 20 });
    writeFileSync(vrt, vrtOf(`<SRS>EPSG:32640</SRS><GeoTransform>330000, 10, 0, 2785000, 0, -10</GeoTransform>${gcps}`));
    const both = await run({ scene: vrt });
    expect(both.result).toMatchObject({ lossless: false, warnings: expect.arrayContaining([expect.stringMatching(/does not carry.*3 ground control points/)]) as string[] });
    expect(both.profile.rpc).toEqual(before.rpc);
    const moved = await run({ scene: vrt, gsd: 20 });
    expect(moved.result.warnings.filter((warning) => warning.startsWith('the output does not carry'))).toEqual([expect.stringContaining('control points'), expect.stringContaining('camera model')]);
    expect(moved.profile.rpc).toBeUndefined();
  });

  it('carries along what the scene says of itself and its bands, as GDAL does, with statistics of what is written', async () => {
    const described = JSON.parse(readFileSync(join(fixtures, 'described.json'), 'utf8')) as {
      readonly items: Record<string, string>;
      readonly bands: readonly { readonly items: Record<string, string>; readonly description: string; readonly scale: number; readonly offset: number; readonly unit: string; readonly nodata: number; readonly statistics: readonly number[] }[];
    };
    const { profile } = await run({ scene: scene('described.tif'), bands: [1, 0], window: { x: 3, y: 4, width: 30, height: 20 } });
    expect(profile.metadata?.items).toEqual(described.items);
    expect(described.items).toMatchObject({ SENSOR: 'A & B <"quoted">', CLOUDS: '4', STATION: 'Dubai' });
    expect(profile.metadata?.bands).toEqual(described.bands.map(({ items }) => items));
    expect(profile.bandNames).toEqual(described.bands.map(({ description }) => description));
    expect(profile.scaling).toEqual(described.bands.map(({ scale, offset }) => ({ scale, offset })));
    expect(profile.units).toEqual(described.bands.map(({ unit }) => unit));
    expect(profile.nodata).toBe(described.bands[0]!.nodata);
    described.bands.forEach(({ statistics: [min, max, mean, stdDev] }, band) => {
      const found = profile.statistics![band]!;
      expect([found.min, found.max]).toEqual([min, max]);
      expect(found.mean).toBeCloseTo(mean!, 6);
      expect(found.stdDev).toBeCloseTo(stdDev!, 6);
    });
  });

  const gradient = async (path: string, width: number, height: number): Promise<void> => {
    const writer = await createCog({ width, height, bands: 1, dtype: 'uint8', scratch: `${path}.scratch`, transform: [330000, 1, 0, 2785000, 0, -1], crs: crsFromEpsg(32640)!, classNames: ['a', 'b'] });
    await writer.write(Uint8Array.from({ length: width * height }, (_, i) => (i % width) * (i / width) / 5000), height);
    await writer.finish(path);
    await writer.abort();
  };

  it('survives kill -9 at any moment, and gives the bytes of an uninterrupted run', async () => {
    const large = join(folder, 'killed-scene.tif');
    await gradient(large, 300, 5200);
    const command = (output: string): string[] => ['convert', large, output, '--crs', 'EPSG:3857', '--overviews', 'average', '--json'];
    const [whole, output] = [join(folder, 'killed-whole.tif'), join(folder, 'killed.tif')];
    await runCommand(folder, command(whole));
    const steps = { begun: 0, resumed: 0 };
    for (const moment of [
      // While rows are written: as the first and the third note in the journal is written, as blocks get to the disk, once more behind the last.
      { call: 'datasync', nth: 1, when: 'before' }, { call: 'datasync', nth: 3, when: 'after' }, { call: 'datasync', nth: 2, when: 'before' }, { call: 'datasync', nth: 5, when: 'after' },
      // As the finished file gets its name: before, between its two names, and with nothing left to do but to tidy up.
      { call: 'link', path: 'converted.tif', when: 'before' }, { call: 'link', path: 'converted.tif', when: 'after' }, { call: 'rm', path: 'killed.tif.partial', when: 'before' },
    ] satisfies Moment[]) {
      // A run that finds its last file in place has no second name to give: it is not killed at this moment.
      expect(await runCommand(folder, command(output), moment)).toBe('killed');
      steps.begun++;
      if (existsSync(output)) expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
    }
    const result = JSON.parse(await runCommand(folder, command(output))) as { resumedAt: number };
    expect(steps.begun).toBe(7);
    expect(result.resumedAt).toBeGreaterThan(4000);
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
    expect(readFileSync(`${output}.aux.xml`)).toEqual(readFileSync(`${whole}.aux.xml`));
    expect(existsSync(`${output}.partial`)).toBe(false);
  });

  it('goes on where its file stands under its final name already, and only where it is its own', async () => {
    const source = join(folder, 'renamed-scene.tif');
    await gradient(source, 60, 50);
    const [whole, output] = [join(folder, 'renamed-whole.tif'), join(folder, 'renamed.tif')];
    await convert({ scene: source, output: whole });
    const command = ['convert', source, output];
    expect(await runCommand(folder, command, { call: 'rm', path: 'renamed.tif.partial', when: 'before' })).toBe('killed');
    expect([existsSync(output), existsSync(`${output}.partial`)]).toEqual([true, true]);
    await convert({ scene: source, output });
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
    expect(existsSync(`${output}.partial`)).toBe(false);
    await expect(convert({ scene: source, output })).rejects.toThrow('exists');
    // The same kill, but then somebody writes another file there.
    rmSync(output);
    rmSync(`${output}.aux.xml`);
    expect(await runCommand(folder, command, { call: 'rm', path: 'renamed.tif.partial', when: 'before' })).toBe('killed');
    writeFileSync(output, 'theirs');
    await expect(convert({ scene: source, output })).rejects.toThrow(`${output} exists`);
    expect(readFileSync(output, 'utf8')).toBe('theirs');
  });

  it('runs as a command', async () => {
    const output = join(folder, 'command.tif');
    const main = join(root, 'dist/cli/main.js');
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'convert', scene('masked.tif'), output, '--compress', 'lzw', '--bands', '2', '--crs', 'EPSG:3857', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ bands: 1, compression: 'lzw', missing: 'mask', crs: 'WGS 84 / Pseudo-Mercator' });
    await expect(promisify(execFile)(process.execPath, [main, 'convert', scene('rgb.tif'), output])).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('exists') as string });
  });

  it.skipIf(!hasShared('scenes'))('keeps real scenes pixel for pixel', async () => {
    for (const name of ['drone_ortho_rgba_uint8_utm50s.tif', 'worldview_ms4_uint16_utm31_1m.tif', 'dem_float32_nodata_epsg3031_32m.tif']) {
      const before = await read(join(shared, 'scenes', name));
      const { raster, profile } = await run({ scene: join(shared, 'scenes', name) });
      expect(Buffer.compare(Buffer.from(raster.data.buffer), Buffer.from(before.raster.data.buffer))).toBe(0);
      expect(raster.mask).toEqual(before.raster.mask);
      expect(profile.transform).toEqual(before.profile.transform);
    }
  });
});

describe('checkRoom', () => {
  it('says what is needed and what is free, before a folder is made', async () => {
    const absent = join(folder, 'absent', 'deep');
    await expect(checkRoom(absent, 2 ** 60)).rejects.toThrow(OutputError);
    await expect(checkRoom(absent, 2 ** 60)).rejects.toThrow(/the disk has \d+ MB left, about 1152921504607 MB are needed/);
    await expect(checkRoom(absent, 1)).resolves.toBeUndefined();
    expect(existsSync(absent)).toBe(false);
  });

  it('is asked by convert on a disk that is too small for the output, before anything is written there', async (test) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      test.skip('a small disk cannot be mounted here');
    }
    try {
      const large = join(folder, 'noise.tif');
      const [width, height] = [1200, 1200];
      const writer = await createCog({ width, height, bands: 1, dtype: 'uint8', scratch: `${large}.scratch` });
      let state = 7;
      await writer.write(Uint8Array.from({ length: width * height }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24), height);
      await writer.finish(large);
      await writer.abort();
      await expect(convert({ scene: large, output: join(disk, 'out.tif') })).rejects.toMatchObject({ code: 'OUTPUT', message: expect.stringMatching(/the disk has 1\.0 MB left, about 3\.\d MB are needed/) as string });
      expect(readdirSync(disk)).toEqual([]);
      // What fits is written.
      expect(await convert({ scene: large, output: join(disk, 'part.tif'), window: { x: 0, y: 0, width: 300, height: 300 } })).toMatchObject({ width: 300 });
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
