import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg, windowTransform } from '../../src/georef/index.js';
import type { Transform } from '../../src/georef/index.js';
import type { Raster, Window } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { scratch } from '../places.js';
import { fileServer } from './file-server.js';

const work = scratch();
const TRANSFORM: Transform = [500000, 2, 0, 4600000, 0, -2];
const SIZE = { width: 3072, height: 2048 };
const SMALL = { width: 190, height: 127 };
const whole = { x: 0, y: 0, ...SIZE };

/** Waves, so that means of neighbours are alike, and a hole. */
function sampleAt(x: number, y: number): number {
  if (x > 300 && x < 500 && y > 200 && y < 420) return 0;
  return Math.round(128 + 60 * Math.sin(x / 97) + 50 * Math.cos(y / 71));
}

async function write(path: string, window: Window, overviews: 'average' | 'none', nodata?: number): Promise<void> {
  const writer = await createCog({
    width: window.width, height: window.height, bands: 1, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 128, overviews, compression: 'none',
    crs: crsFromEpsg(32633)!, transform: windowTransform(TRANSFORM, window), ...(nodata === undefined ? {} : { nodata }),
  });
  const data = Uint8Array.from({ length: window.width * window.height }, (_, i) => sampleAt(window.x + i % window.width, window.y + Math.floor(i / window.width)));
  await writer.write(data, window.height);
  await writer.finish(path);
  await writer.abort();
}

/** Lines that are no multiples of the copies' pixels, among others. */
const COLUMNS = [0, 1024, 1901, 3072];
const ROWS = [0, 1024, 2048];

async function writeGrid(name: string, overviews: 'average' | 'none', nodata?: number): Promise<string[]> {
  mkdirSync(join(work, name));
  const files: string[] = [];
  for (const [r, y] of ROWS.slice(0, -1).entries()) {
    for (const [c, x] of COLUMNS.slice(0, -1).entries()) {
      const file = join(name, `t${r}${c}.tif`);
      await write(join(work, file), { x, y, width: COLUMNS[c + 1]! - x, height: ROWS[r + 1]! - y }, overviews, nodata);
      files.push(file);
    }
  }
  return files;
}

function vrtOf(files: readonly string[], inside = '', attributes = ''): string {
  const sources = files.map((file, i) => {
    const [x, y] = [COLUMNS[i % 3]!, ROWS[Math.floor(i / 3)]!];
    const [width, height] = [COLUMNS[i % 3 + 1]! - x, ROWS[Math.floor(i / 3) + 1]! - y];
    return `<ComplexSource${attributes}><SourceFilename relativeToVRT="1">${file}</SourceFilename><SourceProperties RasterXSize="${width}" RasterYSize="${height}"/>
      <SrcRect xOff="0" yOff="0" xSize="${width}" ySize="${height}"/><DstRect xOff="${x}" yOff="${y}" xSize="${width}" ySize="${height}"/>${inside}</ComplexSource>`;
  });
  return `<VRTDataset rasterXSize="${SIZE.width}" rasterYSize="${SIZE.height}"><VRTRasterBand dataType="Byte">${inside === '' ? '' : '<NoDataValue>0</NoDataValue>'}${sources.join('')}</VRTRasterBand></VRTDataset>`;
}

/** How far valid samples of a small picture are from the waves, and how many pixels are valid. */
function compare(raster: Raster): { readonly most: number; readonly valid: number } {
  let [most, valid] = [0, 0];
  for (let i = 0; i < raster.width * raster.height; i++) {
    if (raster.mask?.[i] === 0) continue;
    valid++;
    const x = Math.round((i % raster.width + 0.5) * SIZE.width / raster.width - 0.5);
    const y = Math.round((Math.floor(i / raster.width) + 0.5) * SIZE.height / raster.height - 0.5);
    const waves = Math.round(128 + 60 * Math.sin(x / 97) + 50 * Math.cos(y / 71));
    most = Math.max(most, Math.abs(raster.data[i]! - waves));
  }
  return { most, valid };
}

describe('a small picture of a mosaic', () => {
  let files: string[] = [];
  beforeAll(async () => {
    files = await writeGrid('tiles', 'average', 0);
    await writeGrid('bare', 'none', 0);
    writeFileSync(join(work, 'mosaic.vrt'), vrtOf(files, '<NODATA>0</NODATA>'));
    writeFileSync(join(work, 'other.vrt'), vrtOf(files, '<NODATA>7</NODATA>'));
    await write(join(work, 'single.tif'), whole, 'average', 0);
  });

  it.each(['tiles', 'mosaic.vrt'])('of %s is made of its files\' reduced copies, and shows what that of one file does', async (name) => {
    const [mosaic, single] = [await openScene(join(work, name)), await openScene(join(work, 'single.tif'))];
    const [found, expected] = [await mosaic.readReduced(whole, SMALL), await single.readReduced(whole, SMALL)];
    expect(mosaic.decodedBlocks()).toBe(0);
    expect([found.width, found.height]).toEqual([SMALL.width, SMALL.height]);
    const [mine, theirs] = [compare(found), compare(expected)];
    // Half a pixel of the copy, where the waves are steepest.
    expect(theirs.most).toBeLessThanOrEqual(3);
    expect(mine.most).toBeLessThanOrEqual(5);
    expect(Math.abs(mine.valid - theirs.valid)).toBeLessThan(theirs.valid * 0.01);
    // Full pixels stay what they are.
    const window = { x: 480, y: 500, width: 64, height: 30 };
    expect((await mosaic.read(window)).data).toEqual((await single.read(window)).data);
    await Promise.all([mosaic.close(), single.close()]);
  });

  it('is made of full pixels where files have no copies, or know another nodata', async () => {
    for (const name of ['bare', 'other.vrt']) {
      const scene = await openScene(join(work, name));
      const raster = await scene.readReduced(whole, SMALL);
      expect(scene.decodedBlocks()).toBeGreaterThan(300);
      expect(raster.width).toBe(SMALL.width);
      await scene.close();
    }
  });

  it('takes few bytes from a server', async () => {
    const server = await fileServer();
    server.files.set('mosaic.vrt', { bytes: readFileSync(join(work, 'mosaic.vrt')), etag: '"1"' });
    let all = 0;
    for (const file of files) {
      const bytes = readFileSync(join(work, file));
      all += bytes.length;
      server.files.set(file, { bytes, etag: '"1"' });
    }
    const scene = await openScene(`${server.url}/mosaic.vrt`);
    const raster = await scene.readReduced(whole, SMALL);
    expect(compare(raster).most).toBeLessThanOrEqual(5);
    expect(server.count.bytes).toBeLessThan(all / 3);
    await scene.close();
  });
});
