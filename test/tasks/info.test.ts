import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatInfo, info } from '../../src/tasks/info.js';
import type { InfoResult } from '../../src/tasks/info.js';
import { root } from '../places.js';

const run = promisify(execFile);
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
  });

  it('prints JSON on stdout as a command', async () => {
    const { stdout, stderr } = await run(process.execPath, [command, 'info', join(folder, 'overviews.tif'), '--json']);
    const result = JSON.parse(stdout) as InfoResult;
    expect(result.overviews).toEqual([{ width: 74, height: 58 }, { width: 37, height: 29 }]);
    expect(stderr).toBe('');
  });

  it('ends with code 3 and one line for a file that is no raster, 2 for an unknown option', async () => {
    await expect(run(process.execPath, [command, 'info', join(folder, 'expected.json')]))
      .rejects.toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^tilewright: .*expected a GeoTIFF, JPEG or PNG, found text that begins with .*\n$/) as string });
    await expect(run(process.execPath, [command, 'info', 'x.tif', '--wrong'])).rejects.toMatchObject({ code: 2 });
  });
});
