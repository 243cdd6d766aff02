import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { formatInfo, info } from '../../src/tasks/info.js';
import type { InfoResult } from '../../src/tasks/info.js';
import { root, scratch } from '../places.js';

const run = promisify(execFile);
const work = scratch();
const folder = join(root, 'fixtures', 'scene');
const command = join(root, 'dist', 'cli', 'main.js');

describe('info', () => {
  it('tells a scene in numbers and texts that survive JSON', async () => {
    const result = await info({ scene: join(folder, 'nodata_nan.tif') });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({
      format: 'GTiff', width: 37, height: 29, bands: 1, dtype: 'float32', nodata: 'NaN', mask: 'nodata', compression: 'LZW',
      transform: [500000, 2.5, 0, 4600000, 0, -2.5], crs: { epsg: 32631, name: 'WGS 84 / UTM zone 31N' },
    });
    // 2.5 m on the central meridian, where UTM's scale is 0.9996.
    expect(result.gsd?.x).toBeCloseTo(2.5 / 0.9996, 5);
    expect(result.areaHa).toBeCloseTo((37 * 29 * 6.25) / 0.9996 ** 2 / 10_000, 6);
    expect(result.lonLat?.upperLeft[0]).toBeCloseTo(3, 9);
  });

  it('is a table for people', async () => {
    const text = formatInfo(await info({ scene: join(folder, 'rgba_lzw_p2.tif') }));
    expect(text).toContain('size           37 × 29 pixels');
    expect(text).toContain('mask           alpha (band 4)');
    expect(text).toContain('WGS 84 / UTM zone 31N (EPSG:32631)');
    expect(formatInfo(await info({ scene: join(folder, 'rgb.png') }))).toContain('crs        none');
    // What a division leaves behind is not shown; JSON has it.
    const file = await info({ scene: join(folder, 'rgba_lzw_p2.tif') });
    expect(formatInfo({ ...file, transform: [0.1 + 0.2, 0.35272000000000003, 0, 9050677.061350001, 0, -0.35272000000000003] })).toMatch(/origin +0.3, 9050677.06135\npixel +0.35272 × -0.35272\n/);
  });

  it('prints JSON on stdout as a command', async () => {
    const { stdout, stderr } = await run(process.execPath, [command, 'info', join(folder, 'overviews.tif'), '--json']);
    const result = JSON.parse(stdout) as InfoResult;
    expect(result.overviews).toEqual([{ width: 74, height: 58 }, { width: 37, height: 29 }]);
    expect(stderr).toBe('');
  });

  it('tells control points, camera models, scales and statistics', async () => {
    const formats = join(folder, 'formats');
    const gcps = await info({ scene: join(formats, 'gcps.tif') });
    expect(gcps).toMatchObject({ transform: null, gcps: { epsg: 4326, points: [{ column: 0, row: 0, x: 3, y: 42, z: 5 }, {}, {}, {}] } });
    expect(formatInfo(gcps)).toMatch(/control points +4 in WGS 84/);
    expect(formatInfo(await info({ scene: join(formats, 'rpc_rpb.tif') }))).toMatch(/camera model +RPC, centre 3\.000000, 41\.000000, height 100 m/);
    const text = formatInfo(await info({ scene: join(formats, 'aux_all.tif') }));
    expect(text).toMatch(/values +sample × 8 \+ 7 m/);
    expect(text).toMatch(/statistics +4 to 9, mean 5\.5/);
    expect(text).toMatch(/beside it +aux_all\.tif\.aux\.xml/);
  });

  it('says that a JPEG was cut off, without decoding it', async () => {
    const bytes = readFileSync(join(folder, 'rgb.jpg'));
    const path = join(work, 'cut.jpg');
    writeFileSync(path, bytes.subarray(0, bytes.length - 200));
    expect((await info({ scene: path })).notes.join()).toContain('cut off');
    expect((await info({ scene: join(folder, 'rgb.jpg') })).notes).toEqual([]);
  });

  it('draws a preview, and does not replace one unasked', async () => {
    const preview = join(work, 'preview.png');
    const result = await info({ scene: join(folder, 'formats', 'large_classes.tif'), preview });
    expect(result.preview).toBe(preview);
    expect(await sharp(preview).metadata()).toMatchObject({ format: 'png', width: 64, height: 48 });
    await expect(info({ scene: join(folder, 'rgb.png'), preview })).rejects.toThrow(/--preview: .* exists/);
    await info({ scene: join(folder, 'formats', 'large.tif'), preview, overwrite: true });
    expect(await sharp(preview).metadata()).toMatchObject({ width: 72, height: 56 });
  });

  it('takes another picture of the file, counted from 1 on the command line', async () => {
    const { stdout } = await run(process.execPath, [command, 'info', join(folder, 'formats', 'pages.tif'), '--page', '3', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ bands: 3, page: { index: 2, count: 3 } });
    await expect(run(process.execPath, [command, 'info', join(folder, 'formats', 'pages.tif'), '--page', '4'])).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('has 3 pictures, got 4') as string });
  });

  it('ends with code 3 and one line for a file that is no raster, 2 for an unknown option', async () => {
    await expect(run(process.execPath, [command, 'info', join(folder, 'expected.json')]))
      .rejects.toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^tilewright: .*expected a GeoTIFF, JPEG, PNG, WebP or VRT, found text that begins with .*\n$/) as string });
    await expect(run(process.execPath, [command, 'info', 'x.tif', '--wrong'])).rejects.toMatchObject({ code: 2 });
  });
});
