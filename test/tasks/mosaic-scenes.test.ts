import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg, windowTransform } from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import { openScene } from '../../src/scene/index.js';
import { segment } from '../../src/tasks/segment.js';
import { tile } from '../../src/tasks/tile.js';
import { scratch } from '../places.js';
import { brightestBand } from './known-models.js';

const folder = scratch();
const TRANSFORM: Transform = [500000, 2, 0, 4000000, 0, -2];
const SIZE = { width: 260, height: 210 };
const CUTS = { columns: [0, 40, 100, 170, 200, 260], rows: [0, 50, 80, 120, 180, 210] };

const pixels = Uint8Array.from({ length: SIZE.width * SIZE.height * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
const whole = join(folder, 'whole.tif');
const grid = join(folder, 'grid');
const vrt = join(folder, 'grid.vrt');
let model = '';

async function write(path: string, x: number, y: number, width: number, height: number): Promise<void> {
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) data.set(pixels.subarray(((y + row) * SIZE.width + x) * 3, ((y + row) * SIZE.width + x + width) * 3), row * width * 3);
  const writer = await createCog({
    width, height, bands: 3, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 32, overviews: 'none', crs: crsFromEpsg(32633)!, transform: windowTransform(TRANSFORM, { x, y }),
  });
  await writer.write(data, height);
  await writer.finish(path);
  await writer.abort();
}

beforeAll(async () => {
  model = brightestBand(folder);
  mkdirSync(grid);
  await write(whole, 0, 0, SIZE.width, SIZE.height);
  const sources: string[] = [];
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 5; column++) {
      const [x, y] = [CUTS.columns[column]!, CUTS.rows[row]!];
      const [width, height] = [CUTS.columns[column + 1]! - x, CUTS.rows[row + 1]! - y];
      await write(join(grid, `t_${row}_${column}.tif`), x, y, width, height);
      sources.push(`<SimpleSource><SourceFilename relativeToVRT="1">grid/t_${row}_${column}.tif</SourceFilename><SourceBand>BAND</SourceBand>`
        + `<SrcRect xOff="0" yOff="0" xSize="${width}" ySize="${height}"/><DstRect xOff="${x}" yOff="${y}" xSize="${width}" ySize="${height}"/></SimpleSource>`);
    }
  }
  const bands = [1, 2, 3].map((band) => `<VRTRasterBand dataType="Byte" band="${band}">${sources.join('').replaceAll('BAND', String(band))}</VRTRasterBand>`);
  writeFileSync(vrt, `<VRTDataset rasterXSize="${SIZE.width}" rasterYSize="${SIZE.height}"><SRS>EPSG:32633</SRS><GeoTransform>${TRANSFORM.join(', ')}</GeoTransform>${bands.join('')}</VRTDataset>`);
});

async function pixelsOf(path: string): Promise<Uint8Array> {
  const scene = await openScene(path);
  const { data } = await scene.read({ x: 0, y: 0, width: scene.profile.width, height: scene.profile.height });
  await scene.close();
  return data as Uint8Array;
}

describe('a mosaic as a scene', () => {
  it('has the map of the single file, pixel for pixel', async () => {
    const options = { model, patchSize: 64, overlap: 16 };
    await segment({ ...options, scene: whole, output: join(folder, 'single.tif') });
    const expected = await pixelsOf(join(folder, 'single.tif'));
    for (const [i, scene] of [grid, vrt].entries()) {
      const output = join(folder, `map${i}.tif`);
      const result = await segment({ ...options, scene, output });
      expect([result.width, result.height]).toEqual([SIZE.width, SIZE.height]);
      expect(Buffer.compare(await pixelsOf(output), expected)).toBe(0);
    }
  });

  it('is cut into the tiles of the single file', async () => {
    for (const [name, scene] of [['of_whole', whole], ['of_grid', grid], ['of_vrt', vrt]] as const) await tile({ scene, folder: join(folder, name), patchSize: 100, overlap: 10, format: 'npy' });
    const names = readdirSync(join(folder, 'of_whole')).filter((name) => name.endsWith('.npy'));
    expect(names.length).toBe(9);
    for (const other of ['of_grid', 'of_vrt']) {
      for (const name of names) expect(readFileSync(join(folder, other, name)).equals(readFileSync(join(folder, 'of_whole', name)))).toBe(true);
    }
  });

  it('does not get an output among its files', async () => {
    const options = { model, patchSize: 64, overwrite: true };
    await expect(segment({ ...options, scene: grid, output: join(grid, 'map.tif') })).rejects.toThrow(/would become a part of it/);
    await expect(segment({ ...options, scene: vrt, output: join(grid, 't_0_0.tif') })).rejects.toThrow(/is one of the files of the scene/);
    await expect(tile({ scene: grid, folder: grid })).rejects.toThrow(/holds files of the scene/);
    expect(readdirSync(grid).filter((name) => !name.endsWith('.scratch')).length).toBe(25);
  });
});
