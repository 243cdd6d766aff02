import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createGrid } from '../../src/grid/index.js';
import { bytesOf, type Raster } from '../../src/raster/index.js';
import {
  checkPicture, encodeNpy, encodePicture, manifestText, nameWidths, parseTileName, readManifest, readNpy, TILE_FORMATS, tileName, type TileManifest,
} from '../../src/tiles/index.js';
import { anyRaster, samplesOf } from '../cog/rows.js';
import { scratch } from '../places.js';

const folder = scratch();

describe('tile names', () => {
  it('say row, column and offset', () => {
    expect(tileName({ row: 3, column: 12, x: 5376, y: 1344 }, nameWidths(14, 13, 5672), 'tif')).toBe('r0003_c0012_y1344_x5376.tif');
  });

  it('can be read again, and sort as the tiles lie', () => {
    const number = fc.integer({ min: 0, max: 200_000 });
    fc.assert(fc.property(fc.array(fc.record({ row: number, column: number, x: number, y: number }), { minLength: 2 }), fc.constantFrom(...TILE_FORMATS), (places, format) => {
      const widths = nameWidths(200_001, 200_001, 200_000);
      for (const place of places) expect(parseTileName(tileName(place, widths, format))).toEqual({ ...place, format });
      const order = (a: { row: number; column: number; x: number; y: number }, b: typeof a): number => a.row - b.row || a.column - b.column || a.y - b.y || a.x - b.x;
      expect(places.map((place) => tileName(place, widths, format)).sort()).toEqual([...places].sort(order).map((place) => tileName(place, widths, format)));
    }));
  });

  it('are not mistaken', () => {
    for (const name of ['tiles.json', 'r1_c1_y0.tif', 'r0000_c0000_y0000_x0000.tif.tmp', '../r0000_c0000_y0000_x0000.tif', 'r0_c0_y0_x0.gif']) expect(parseTileName(name)).toBeUndefined();
  });
});

describe('NumPy files', () => {
  it('have the bytes that NumPy writes', () => {
    // numpy.save of numpy.arange(6, dtype='<u2').reshape(1, 2, 3), NumPy 2.4.
    const raster: Raster = { data: Uint16Array.of(0, 1, 2, 3, 4, 5), width: 2, height: 1, bands: 3, layout: 'pixel' };
    const expected = Buffer.from('934e554d5059010076007b276465736372273a20273c7532272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028312c20322c2033292c207d', 'hex');
    const bytes = Buffer.concat(encodeNpy(raster));
    expect(bytes.subarray(0, expected.length).equals(expected)).toBe(true);
    expect(bytes.length).toBe(128 + 12);
    expect(bytes.subarray(128).equals(Buffer.from(bytesOf(raster.data)))).toBe(true);
  });

  it('come back as they were', async () => {
    await fc.assert(fc.asyncProperty(anyRaster, async ({ width, height, bands, dtype }) => {
      const data = samplesOf(dtype, width * height * bands);
      const path = join(folder, 'one.npy');
      writeFileSync(path, Buffer.concat(encodeNpy({ data, width, height, bands, layout: 'pixel' })));
      expect(await readNpy(path)).toEqual({ data, width, height, bands, layout: 'pixel' });
    }), { numRuns: 30 });
  });

  it('are refused when cut short, of another kind or another order', async () => {
    const raster: Raster = { data: new Float64Array(6), width: 2, height: 1, bands: 3, layout: 'pixel' };
    const bytes = Buffer.concat(encodeNpy(raster));
    const cases: readonly [Buffer, string][] = [
      [bytes.subarray(0, 150), 'expected 48 bytes of samples, found 22'],
      [Buffer.from('hello, this is text'), 'expected a NumPy file'],
      [Buffer.from(bytes.toString('latin1').replace('False', 'True '), 'latin1'), 'expected C order'],
      [Buffer.from(bytes.toString('latin1').replace('<f8', '<c8'), 'latin1'), 'found \'<c8\''],
    ];
    for (const [content, message] of cases) {
      const path = join(folder, 'bad.npy');
      writeFileSync(path, content);
      await expect(readNpy(path)).rejects.toThrow(message);
    }
  });
});

describe('pictures', () => {
  // Grey with alpha is proved by the round trips of tile and mosaic: sharp reads it as four channels.
  it.each([[1, 'uint8'], [3, 'uint8'], [4, 'uint8'], [1, 'uint16'], [3, 'uint16'], [4, 'uint16']] as const)('PNG holds %i bands of %s exactly', async (bands, dtype) => {
    const data = samplesOf(dtype, 33 * 21 * bands);
    const png = await encodePicture({ data, width: 33, height: 21, bands, layout: 'pixel' }, 'png', { quality: 90 });
    const picture = sharp(png);
    const { channels, depth, width, height } = await picture.metadata();
    expect([channels, depth, width, height]).toEqual([bands, dtype === 'uint8' ? 'uchar' : 'ushort', 33, 21]);
    const space = bands < 3 ? (dtype === 'uint8' ? 'b-w' : 'grey16') : dtype === 'uint8' ? 'srgb' : 'rgb16';
    const raw = await picture.toColourspace(space).raw({ depth: dtype === 'uint8' ? 'uchar' : 'ushort' }).toBuffer();
    expect(raw.equals(Buffer.from(bytesOf(data)))).toBe(true);
  });

  it.each([
    ['png', 1, 'float32', false, 'png holds uint8 or uint16, the scene has float32'],
    ['png', 6, 'uint16', false, 'png holds 1 to 4 bands, the scene has 6'],
    ['jpg', 3, 'uint16', false, 'jpg holds uint8, the scene has uint16'],
    ['jpg', 4, 'uint8', false, 'jpg holds 1 or 3 bands, the scene has 4'],
    ['jpg', 1, 'uint8', true, 'jpg is lossy and would change class ids'],
  ] as const)('%s does not take %i bands of %s (ids: %s)', (format, bands, dtype, categorical, message) => {
    expect(() => checkPicture(format, { bands, dtype, categorical })).toThrow(message);
  });
});

describe('tiles.json', () => {
  const grid = createGrid({ width: 5, height: 3, patchSize: 3, overlap: 1 });
  const manifest: TileManifest = {
    format: 'tilewright-tiles', version: 1, source: { path: 'a.tif', fingerprint: 'f' }, tileFormat: 'npy', lossless: true, options: {}, sourceBands: [0],
    scene: { width: 5, height: 3, bands: 1, dtype: 'float32', nodata: Number.NaN, transform: [1, 2, 3, 4, 5, 6] }, grid,
    tiles: [
      { file: 'r0000_c0000_y0000_x0000.npy', row: 0, column: 0, window: { x: 0, y: 0, width: 3, height: 3 }, bytes: 10, crc32: 1 },
      { file: 'r0000_c0001_y0000_x0002.npy', row: 0, column: 1, window: { x: 2, y: 0, width: 3, height: 3 }, bytes: 10, crc32: 2 },
    ],
  };
  const path = join(folder, 'tiles.json');

  it('comes back as it was, NaN too', async () => {
    writeFileSync(path, manifestText(manifest));
    expect(await readManifest(path)).toEqual(manifest);
    expect(await readManifest(join(folder, 'absent.json'))).toBeUndefined();
  });

  it.each([
    ['no JSON', 'tiles', 'expected JSON'],
    ['another format', JSON.stringify({ format: 'x' }), 'expected "format": "tilewright-tiles", found "x"'],
    ['a format that is nested deeper than a writer goes', `{"format": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 'expected "format": "tilewright-tiles", found a list'],
    ['a later version', manifestText(manifest).replace('"version": 1', '"version": 2'), 'expected version 1, found 2'],
    ['a path for a name', manifestText(manifest).replace('r0000_c0000_y0000_x0000.npy', '../../r0000_c0000_y0000_x0000.npy'), 'does not fit the grid'],
    ['a tile off the grid', manifestText(manifest).replace('"window":{"x":2', '"window":{"x":1'), 'tile 1 ("r0000_c0001_y0000_x0002.npy") does not fit the grid'],
  ])('is refused with %s', async (_, text, message) => {
    writeFileSync(path, text);
    await expect(readManifest(path)).rejects.toThrow(message);
  });
});
