import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { tileXyz } from '../../src/tasks/xyz.js';
import { nearestZoom, overviewZoom, tilesAbove, tilesOf, zoomResolution } from '../../src/tasks/xyz/web-mercator.js';
import { root, scratch } from '../places.js';
import { runCommand, type Moment } from './killed-command.js';

const folder = scratch();
const fixtures = join(root, 'fixtures/convert');
const golden = (JSON.parse(readFileSync(join(fixtures, 'convert.json'), 'utf8')) as { readonly tile: { readonly zoom: number; readonly x: number; readonly y: number } }).tile;

async function pixelsOf(path: string): Promise<Buffer> {
  return await sharp(path).ensureAlpha().toColourspace('srgb').raw().toBuffer();
}

function tilesIn(place: string): string[] {
  return readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(png|webp)$/.test(name)).sort();
}

/** Tiles that the journal of an unfinished run knows; others may be there, written and not yet noted. */
function notedIn(place: string): string[] {
  const lines = readFileSync(join(place, 'tiles.partial', 'journal.jsonl'), 'utf8').trim().split('\n').slice(1);
  return lines.flatMap((line) => (JSON.parse(line) as { readonly state: { readonly tiles: readonly (readonly number[])[] } }).state.tiles)
    .map(([zoom, x, y]) => join(place, String(zoom), String(x), `${y}.png`));
}

describe('tileXyz on a full disk', () => {
  it('leaves no folder', async (test) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      test.skip('a small disk cannot be mounted here');
    }
    try {
      await expect(tileXyz({ scene: join(fixtures, 'rgba.tif'), folder: join(disk, 'deep', 'web') })).rejects.toThrow(/MB are needed/);
      expect(readdirSync(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('tileXyz', () => {
  it('makes the tiles that GDAL makes', async () => {
    const place = join(folder, 'golden');
    const result = await tileXyz({ scene: join(fixtures, 'rgba.tif'), folder: place, zoom: [13, golden.zoom] });
    expect(result).toMatchObject({ minZoom: 13, maxZoom: 15, resampling: 'bilinear', dryRun: false });
    const ours = await pixelsOf(join(place, String(golden.zoom), String(golden.x), `${golden.y}.png`));
    const theirs = await pixelsOf(join(fixtures, 'tile.png'));
    let worst = 0;
    let valid = 0;
    let differing = 0;
    for (let i = 0; i < ours.length; i += 4) {
      if (ours[i + 3] !== theirs[i + 3]) differing++;
      else if (ours[i + 3] === 255) for (let b = 0; b < 3; b++) worst = Math.max(worst, Math.abs(ours[i + b]! - theirs[i + b]!));
      if (theirs[i + 3] === 255) valid++;
    }
    expect(valid).toBeGreaterThan(5000);
    expect(differing).toBeLessThanOrEqual(3);
    expect(worst).toBeLessThanOrEqual(1);
    const json = JSON.parse(readFileSync(join(place, 'tilejson.json'), 'utf8')) as { readonly bounds: number[] };
    expect(json).toMatchObject({ tilejson: '3.0.0', scheme: 'xyz', minzoom: 13, maxzoom: 15, format: 'png', tiles: ['{z}/{x}/{y}.png'] });
    // The extent of the scene's four corners by pyproj.
    [55.313133326862, 25.166963804353, 55.319146843667, 25.171545004973].forEach((value, i) => expect(json.bounds[i]).toBeCloseTo(value, 6));
  });

  it('makes each tile of the four below it, of their valid pixels only, and leaves out empty ones', async () => {
    const place = join(folder, 'golden');
    for (const zoom of [14, 13]) {
      const tiles = tilesIn(join(place, String(zoom)));
      expect(tiles.length).toBeGreaterThan(0);
      for (const name of tiles) {
        const [x, y] = name.replace('.png', '').split('/').map(Number) as [number, number];
        const ours = await pixelsOf(join(place, String(zoom), name));
        const below = new Map<string, Buffer>();
        for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
          const child = join(place, String(zoom + 1), String(2 * x + dx), `${2 * y + dy}.png`);
          if (existsSync(child)) below.set(`${dx},${dy}`, await pixelsOf(child));
        }
        expect(below.size).toBeGreaterThan(0);
        let wrong = 0;
        for (let i = 0; i < 256 * 256; i++) {
          const [column, row] = [2 * (i % 256), 2 * Math.floor(i / 256)];
          const tile = below.get(`${column >> 8},${row >> 8}`);
          const at = ((row & 255) * 256 + (column & 255)) * 4;
          const four = [0, 4, 1024, 1028].map((step) => tile?.subarray(at + step, at + step + 4)).filter((pixel) => pixel !== undefined && pixel[3] === 255);
          if (ours[i * 4 + 3] !== (four.length > 0 ? 255 : 0)) wrong++;
          for (let band = 0; band < 3; band++) {
            const expected = four.length === 0 ? 0 : Math.floor(four.reduce((sum, pixel) => sum + pixel![band]!, 0) / four.length + 0.5);
            if (ours[i * 4 + band] !== expected) wrong++;
          }
        }
        expect(wrong).toBe(0);
      }
    }
    for (const name of tilesIn(place)) expect((await pixelsOf(join(place, name))).some((value, i) => i % 4 === 3 && value === 255)).toBe(true);
  });

  it('keeps classes apart and in their colours', async () => {
    const place = join(folder, 'classes');
    await tileXyz({ scene: join(fixtures, 'classes.tif'), folder: place, format: 'webp' });
    const colours = new Set<string>();
    for (const name of tilesIn(place)) {
      const pixels = await pixelsOf(join(place, name));
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] !== 0) colours.add(pixels.subarray(i, i + 4).join());
    }
    expect([...colours].sort()).toEqual(['0,0,255,255', '0,255,0,255', '255,0,0,255']);
  });

  it('passes rows of tiles up the levels wherever the scene begins', async () => {
    const path = join(folder, 'white.tif');
    const [width, height] = [1500, 1300];
    const writer = await createCog({ width, height, bands: 1, dtype: 'uint8', scratch: `${path}.scratch`, transform: [6_160_000, 4.777314267823516, 0, 2_890_000, 0, -4.777314267823516], crs: crsFromEpsg(3857)! });
    await writer.write(new Uint8Array(width * height).fill(200), height);
    await writer.finish(path);
    await writer.abort();
    const place = join(folder, 'white');
    const result = await tileXyz({ scene: path, folder: place });
    expect(result).toMatchObject({ maxZoom: 15, minZoom: 12 });
    for (let zoom = 15; zoom >= 12; zoom--) {
      let area = 0;
      for (const name of tilesIn(join(place, String(zoom)))) {
        const pixels = await pixelsOf(join(place, String(zoom), name));
        const valid = pixels.filter((_, i) => i % 4 === 0 && pixels[i + 3] !== 0);
        area += valid.length;
        expect(valid.every((value) => value === 200)).toBe(true);
      }
      const expected = (width * height) / 4 ** (15 - zoom);
      // A pixel more around the edges at most.
      expect(Math.abs(area - expected)).toBeLessThan(2 * (width + height) / 2 ** (15 - zoom) + 8);
    }
  });

  it('refuses other folders, scenes without a place, and wrong options; replaces its own tiles', async () => {
    const scene = join(fixtures, 'rgb.tif');
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'mine.txt'), 'mine');
    await expect(tileXyz({ scene, folder: other })).rejects.toThrow('holds other files, such as mine.txt');
    await expect(tileXyz({ scene, folder: join(folder, 'golden') })).rejects.toThrow('holds');
    await expect(tileXyz({ scene, folder: join(folder, 'no'), zoom: [5, 3] })).rejects.toThrow('the smaller one first, got 5-3');
    await expect(tileXyz({ scene, folder: join(folder, 'no'), bands: [0, 1] })).rejects.toThrow('expected 1 or 3 bands');
    const picture = join(folder, 'picture.png');
    await sharp({ create: { width: 20, height: 10, channels: 3, background: '#123456' } }).png().toFile(picture);
    await expect(tileXyz({ scene: picture, folder: join(folder, 'no') })).rejects.toThrow('no place in Web Mercator');
    expect(existsSync(join(folder, 'no'))).toBe(false);
    const place = join(folder, 'again');
    await tileXyz({ scene, folder: place, zoom: [14, 15] });
    await tileXyz({ scene, folder: place, zoom: [13, 13], overwrite: true });
    expect(readdirSync(place).sort()).toEqual(['13', 'tilejson.json']);
  });

  it('goes on after kill -9 at any moment with the tiles of an uninterrupted run, and makes none twice that was noted', async () => {
    const scene = join(folder, 'tall.tif');
    const [width, height] = [300, 6000];
    const writer = await createCog({ width, height, bands: 3, dtype: 'uint8', scratch: `${scene}.scratch`, transform: [6_160_000, 4.777314267823516, 0, 2_890_000, 0, -4.777314267823516], crs: crsFromEpsg(3857)! });
    await writer.write(Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i) >> 7), height);
    await writer.finish(scene);
    await writer.abort();
    const [place, whole] = [join(folder, 'killed'), join(folder, 'not-killed')];
    await tileXyz({ scene, folder: whole });
    const command = ['tile', scene, '--xyz', place, '--json'];
    for (const moment of [
      { call: 'datasync', nth: 1, when: 'before' }, { call: 'datasync', nth: 2, when: 'after' }, { call: 'datasync', nth: 2, when: 'before' }, { call: 'rename', nth: 12, when: 'after' },
    ] satisfies Moment[]) {
      expect(await runCommand(folder, command, moment)).toBe('killed');
      expect(existsSync(join(place, 'tilejson.json'))).toBe(false);
    }
    const noted = notedIn(place);
    expect(noted.length).toBeGreaterThan(4);
    const before = noted.map((path) => statSync(path).mtimeMs);
    const result = JSON.parse(await runCommand(folder, command)) as { readonly written: number; readonly bytes: number };
    expect(noted.map((path) => statSync(path).mtimeMs)).toEqual(before);
    const names = tilesIn(whole);
    expect(tilesIn(place)).toEqual(names);
    for (const name of names) expect(readFileSync(join(place, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
    expect(result.written).toBe(names.length);
    expect(result.bytes).toBe(names.reduce((sum, name) => sum + statSync(join(whole, name)).size, 0));
    expect(readdirSync(place).sort()).toEqual(readdirSync(whole).sort());
  });

  it('does not go on where tiles of the unfinished run are gone', async () => {
    const scene = join(folder, 'tall.tif');
    const place = join(folder, 'lost');
    expect(await runCommand(folder, ['tile', scene, '--xyz', place], { call: 'datasync', nth: 2, when: 'after' })).toBe('killed');
    rmSync(notedIn(place)[0]!);
    await expect(tileXyz({ scene, folder: place })).rejects.toThrow('is gone');
    expect(await tileXyz({ scene, folder: place, overwrite: true })).toMatchObject({ written: tilesIn(place).length });
  });

  it('does not go on where a tile of the unfinished run has other content of the same length', async () => {
    const scene = join(folder, 'tall.tif');
    const place = join(folder, 'touched');
    expect(await runCommand(folder, ['tile', scene, '--xyz', place], { call: 'datasync', nth: 2, when: 'after' })).toBe('killed');
    const [first] = notedIn(place);
    const content = readFileSync(first!);
    content[content.length - 20]! ^= 1;
    writeFileSync(first!, content);
    await expect(tileXyz({ scene, folder: place })).rejects.toThrow('not what was written');
  });

  it('cuts a scene across the antimeridian into tiles on both sides of the world', async () => {
    const { places } = JSON.parse(readFileSync(join(fixtures, 'antimeridian.json'), 'utf8')) as { readonly places: readonly (readonly [number, number, number])[] };
    const place = join(folder, 'antimeridian');
    const result = await tileXyz({ scene: join(fixtures, 'antimeridian.tif'), folder: place });
    expect(result.minZoom).toBeGreaterThanOrEqual(1);
    expect(result.bounds.slice(0, 3).filter((_, i) => i !== 1)).toEqual([-180, 180]);
    const zoom = result.maxZoom;
    expect(readdirSync(join(place, String(zoom))).map(Number).sort((a, b) => a - b)).toEqual(expect.arrayContaining([0, 2 ** zoom - 1]));
    expect(result.tiles).toBeLessThan(100);
    for (const [lon, lat, value] of places) {
      const across = ((lon + 180) / 360) * 2 ** zoom;
      const down = (0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * 2 ** zoom;
      const pixels = await pixelsOf(join(place, String(zoom), String(Math.floor(across)), `${Math.floor(down)}.png`));
      const at = (Math.floor((down % 1) * 256) * 256 + Math.floor((across % 1) * 256)) * 4;
      expect(pixels[at + 3]).toBe(255);
      // Values grow by two from column to column, with noise of two.
      expect(Math.abs(pixels[at]! - value)).toBeLessThanOrEqual(4);
    }
    await expect(tileXyz({ scene: join(fixtures, 'antimeridian.tif'), folder: join(folder, 'no'), zoom: [0, 5] })).rejects.toThrow('crosses the antimeridian');
  });

  it('refuses levels far beyond the scene, and more tiles than anybody wants', async () => {
    const scene = join(fixtures, 'rgb.tif');
    await expect(tileXyz({ scene, folder: join(folder, 'no'), zoom: [10, 24] })).rejects.toMatchObject({ message: expect.stringContaining('at level 24 a pixel of the scene would be') as string, advice: expect.stringContaining('take 18 at most') as string });
    const world = join(folder, 'world.tif');
    const writer = await createCog({ width: 64, height: 64, bands: 1, dtype: 'uint8', scratch: `${world}.scratch`, transform: [-20037508, 626172, 0, 20037508, 0, -626172], crs: crsFromEpsg(3857)! });
    await writer.write(new Uint8Array(64 * 64).fill(9), 64);
    await writer.finish(world);
    await writer.abort();
    const dry = await tileXyz({ scene: world, folder: join(folder, 'no'), dryRun: true, zoom: [0, 2] });
    expect(dry.tiles).toBe(21);
    expect(dry.estimatedSeconds).toBeGreaterThan(0);
    expect(dry.estimatedSeconds).toBeLessThan(600);
    await expect(tileXyz({ scene: world, folder: join(folder, 'no'), zoom: [0, 12] })).rejects.toThrow('at level 12');
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it('starts anew with other levels after an interruption, and leaves no tiles of it', async () => {
    const scene = join(fixtures, 'rgb.tif');
    const [place, whole] = [join(folder, 'stopped'), join(folder, 'never-stopped')];
    const controller = new AbortController();
    const stop = { signal: controller.signal, onProgress: () => { if (tilesIn(place).length > 0) controller.abort(); } };
    await expect(tileXyz({ scene, folder: place, zoom: [14, 17] }, stop)).rejects.toThrow('interrupted');
    expect(tilesIn(place).length).toBeGreaterThan(0);
    await tileXyz({ scene, folder: place, zoom: [14, 15], format: 'webp', overwrite: true });
    await tileXyz({ scene, folder: whole, zoom: [14, 15], format: 'webp' });
    expect(readdirSync(place, { recursive: true }).sort()).toEqual(readdirSync(whole, { recursive: true }).sort());
  });

  it('replaces nothing but tiles, and never the scene', async () => {
    const place = join(folder, 'web');
    mkdirSync(join(place, '12', '7'), { recursive: true });
    const inside = join(place, '12', 'scene.tif');
    copyFileSync(join(fixtures, 'rgb.tif'), inside);
    writeFileSync(join(place, '12', '7', 'notes.txt'), 'mine');
    writeFileSync(join(place, '12', '7', '3.png'), 'a tile');
    writeFileSync(join(place, 'tilejson.json'), '{"minzoom":10,"maxzoom":14}');
    await expect(tileXyz({ scene: inside, folder: place, overwrite: true })).rejects.toThrow('which is read');
    await tileXyz({ scene: join(fixtures, 'rgb.tif'), folder: place, zoom: [15, 15], overwrite: true });
    expect(readFileSync(inside).equals(readFileSync(join(fixtures, 'rgb.tif')))).toBe(true);
    expect(readdirSync(join(place, '12', '7'))).toEqual(['notes.txt']);
  });

  it('runs as a command, and says which options do not go together', async () => {
    const main = join(root, 'dist/cli/main.js');
    const run = (...words: string[]): Promise<{ stdout: string }> => promisify(execFile)(process.execPath, [main, 'tile', join(fixtures, 'rgb.tif'), ...words]);
    const { stdout } = await run('--xyz', join(folder, 'command'), '--zoom', '14-15', '--format', 'webp', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ minZoom: 14, maxZoom: 15 });
    expect(tilesIn(join(folder, 'command')).every((name) => name.endsWith('.webp'))).toBe(true);
    await expect(run()).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('or --xyz') as string });
    await expect(run(join(folder, 'a'), '--zoom', '3')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('goes with --xyz only') as string });
    await expect(run('--xyz', join(folder, 'b'), '--overlap', '3')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('no overlap') as string });
    await expect(run(join(folder, 'c'), '--format', 'webp')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('expected tif, png, jpg, npy') as string });
  });
});

describe('the levels of Web Mercator', () => {
  it('are the world in powers of two', () => {
    expect(zoomResolution(0)).toBeCloseTo(156543.03392804097, 8);
    expect([nearestZoom(0.3), nearestZoom(10), nearestZoom(1e6)]).toEqual([19, 14, 0]);
    expect(tilesOf([-20037508.34, -20037508.34, 20037508.34, 20037508.34], 3)).toEqual({ zoom: 3, left: 0, right: 7, top: 0, bottom: 7 });
    expect(tilesAbove({ zoom: 3, left: 3, right: 5, top: 1, bottom: 6 })).toEqual({ zoom: 2, left: 1, right: 2, top: 0, bottom: 3 });
    expect(overviewZoom([0, 0, 20037508.34, 1])).toBe(1);
    expect(tilesOf([3e7, 0, 3.1e7, 1], 5)).toBeUndefined();
  });
});
