import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { fromFile } from 'geotiff';
import { describe, expect, it } from 'vitest';
import { classSidecar, cogMemory, createCog, type CogOptions } from '../../src/cog/index.js';
import { layOut, levelSizes } from '../../src/cog/layout.js';
import { OutputError } from '../../src/errors.js';
import type { TypedArray } from '../../src/raster/index.js';
import { scratch } from '../places.js';
import { anyRaster, classIds, samplesOf, writeAllRows } from './rows.js';
import { checkCogLayout, structureOf } from './structure.js';

const folder = scratch();
let made = 0;

async function write(options: Omit<CogOptions, 'scratch'>, rows: TypedArray, step = 100): Promise<string> {
  const path = join(folder, `${made++}.tif`);
  const writer = await createCog({ ...options, scratch: `${path}.spool` });
  await writeAllRows(writer, rows, options.width * options.bands, step);
  const { bytes } = await writer.finish(path);
  await writer.abort();
  expect(readFileSync(path).length).toBe(bytes);
  return path;
}

/** All samples of one level, by the geotiff package. */
async function readLevel(path: string, level = 0): Promise<number[]> {
  const tiff = await fromFile(path);
  const image = await tiff.getImage(level);
  const data = await image.readRasters({ interleave: true });
  await tiff.close();
  return Array.from(data as unknown as ArrayLike<number>);
}

describe('createCog', () => {
  it('keeps every sample, whatever the size, bands, type, packing and calls', async () => {
    await fc.assert(fc.asyncProperty(
      anyRaster, fc.constantFrom('deflate', 'lzw', 'none'), fc.constantFrom(1, 7, 64, 1000), fc.constantFrom(16, 32, 48),
      async (shape, compression, step, blockSize) => {
        const rows = samplesOf(shape.dtype, shape.width * shape.height * shape.bands);
        const path = await write({ ...shape, compression, blockSize }, rows, step);
        checkCogLayout(structureOf(path));
        expect(await readLevel(path)).toEqual(Array.from(rows));
      },
    ), { numRuns: 40 });
  });

  it('writes the same bytes for any number of rows per call and any parallelism', async () => {
    const options = { width: 1100, height: 900, bands: 3, dtype: 'uint8', blockSize: 64 } as const;
    const rows = samplesOf('uint8', 1100 * 900 * 3);
    const first = readFileSync(await write({ ...options, concurrency: 1 }, rows, 900));
    for (const [concurrency, step] of [[2, 1], [5, 333], [16, 64]] as const) {
      expect(readFileSync(await write({ ...options, concurrency }, rows, step)).equals(first)).toBe(true);
    }
  });

  it('halves down to 512 pixels, each level from the one above', async () => {
    const rows = classIds(1500, 1030, 5);
    const path = await write({ width: 1500, height: 1030, bands: 1, dtype: 'uint8', overviews: 'nearest' }, rows);
    const { directories } = structureOf(path);
    expect(directories.map(({ tags }) => [tags.get(256)![0], tags.get(257)![0]])).toEqual([[1500, 1030], [750, 515], [375, 258]]);
    expect(directories.map(({ tags }) => tags.get(254)?.[0])).toEqual([undefined, 1, 1]);
    expect(await readLevel(path, 1)).toEqual(everySecond(Array.from(rows), 1500, 1030));
    expect(await readLevel(path, 2)).toEqual(everySecond(everySecond(Array.from(rows), 1500, 1030), 750, 515));
  });

  it('has no overviews where none are wanted, or none are needed', async () => {
    const rows = classIds(600, 40, 5);
    expect(structureOf(await write({ width: 600, height: 40, bands: 1, dtype: 'uint8', overviews: 'none' }, rows)).directories).toHaveLength(1);
    expect(structureOf(await write({ width: 512, height: 40, bands: 1, dtype: 'uint8' }, rows.subarray(0, 512 * 40))).directories).toHaveLength(1);
  });

  it('says what the pixels are and where', async () => {
    const path = await write({
      width: 600, height: 20, bands: 1, dtype: 'uint8', nodata: 255,
      palette: [[255, 0, 0, 255], [0, 128, 1, 255]], classNames: ['Sand & <rock>', '', 'Water'], bandNames: ['class'],
      transform: [330000, 0.5, 0, 2785000, 0, -0.5], crs: { name: 'WGS 84 / UTM zone 40N', kind: 'projected', epsg: 32640 },
      description: 'made by a test', metadata: { MODEL: 'a<b' },
    }, classIds(600, 20, 2));
    const [first, overview] = structureOf(path).directories;
    const map = first!.tags.get(320)!;
    expect([map[0], map[256], map[512], map[1], map[257], map[513]]).toEqual([65535, 0, 0, 0, 128 * 257, 257]);
    expect(first!.tags.get(262)).toEqual([3]);
    expect(first!.tags.get(33550)).toEqual([0.5, 0.5, 0]);
    expect(first!.tags.get(33922)).toEqual([0, 0, 0, 330000, 2785000, 0]);
    const keys = first!.tags.get(34735)!;
    expect(keys.slice(keys.indexOf(3072), keys.indexOf(3072) + 4)).toEqual([3072, 0, 1, 32640]);
    expect(first!.texts.get(42113)).toBe('255');
    expect(first!.texts.get(270)).toBe('made by a test');
    const xml = first!.texts.get(42112)!;
    expect(xml).toContain('<Item name="DESCRIPTION" sample="0" role="description">class</Item>');
    expect(xml).toContain('<Item name="MODEL">a&amp;lt;b</Item>');
    expect(xml).toContain('<Item name="CLASS_0">Sand &amp;amp; &amp;lt;rock&amp;gt;</Item>');
    expect(xml).not.toContain('CLASS_1');
    expect(xml).toContain('<Row index="1"><F>2</F><F>Water</F><F>0</F><F>0</F><F>0</F></Row>');
    expect(overview!.tags.get(320)).toEqual(map);
    expect(overview!.texts.get(42113)).toBe('255');
    expect(overview!.tags.has(33550)).toBe(false);
  });

  it('writes rotated transforms as a matrix, and nodata as GDAL reads it', async () => {
    const rotated = structureOf(await write({ width: 20, height: 20, bands: 1, dtype: 'float32', transform: [10, 1, 2, 20, 3, -4], nodata: Number.NaN }, new Float32Array(400)));
    expect(rotated.directories[0]!.tags.get(34264)).toEqual([1, 2, 0, 10, 3, -4, 0, 20, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(rotated.directories[0]!.texts.get(42113)).toBe('nan');
    const rounded = structureOf(await write({ width: 20, height: 20, bands: 1, dtype: 'float32', nodata: -3.4e38 }, new Float32Array(400)));
    expect(Number(rounded.directories[0]!.texts.get(42113))).toBe(Math.fround(-3.4e38));
  });

  it('marks alpha and leaves other bands without meaning', async () => {
    const meaning = async (options: Partial<CogOptions> & { readonly bands: number }): Promise<unknown> => {
      const { tags } = structureOf(await write({ width: 20, height: 20, dtype: 'uint8', ...options }, new Uint8Array(400 * options.bands))).directories[0]!;
      return [tags.get(262)![0], tags.get(338)];
    };
    expect(await meaning({ bands: 1 })).toEqual([1, undefined]);
    expect(await meaning({ bands: 3 })).toEqual([2, undefined]);
    expect(await meaning({ bands: 4, alphaBand: 3 })).toEqual([2, [2]]);
    expect(await meaning({ bands: 4 })).toEqual([2, [0]]);
    expect(await meaning({ bands: 2, alphaBand: 1 })).toEqual([1, [2]]);
    expect(await meaning({ bands: 5 })).toEqual([1, [0, 0, 0, 0]]);
    expect(await meaning({ bands: 4, photometric: 'grey' })).toEqual([1, [0, 0, 0]]);
  });

  it('writes JPEG blocks that are close to the pixels', async () => {
    const rows = new Uint8Array(300 * 200 * 3);
    for (let i = 0; i < rows.length; i++) rows[i] = (i % 900) / 6 + (i % 3) * 20;
    const path = await write({ width: 300, height: 200, bands: 3, dtype: 'uint8', compression: 'jpeg', quality: 90 }, rows);
    const { tags } = structureOf(path).directories[0]!;
    expect([tags.get(259), tags.get(262), tags.get(530)]).toEqual([[7], [6], [2, 2]]);
    const tiff = await fromFile(path);
    const rgb = Array.from(await (await tiff.getImage()).readRGB({ interleave: true }) as unknown as ArrayLike<number>);
    await tiff.close();
    expect(rgb.reduce((sum, value, i) => sum + Math.abs(value - rows[i]!), 0) / rgb.length).toBeLessThan(4);
  });

  it('writes BigTIFF when asked to', async () => {
    const rows = samplesOf('uint16', 700 * 30);
    const path = await write({ width: 700, height: 30, bands: 1, dtype: 'uint16', bigTiff: true }, rows);
    const structure = structureOf(path);
    expect(structure.big).toBe(true);
    checkCogLayout(structure);
    expect(await readLevel(path)).toEqual(Array.from(rows));
  });

  it.each([
    ['blockSize', { blockSize: 500 }, 'blockSize: expected a multiple of 16 up to 4096, got 500'],
    ['blockSize', { blockSize: 65536 }, 'blockSize: expected a multiple of 16 up to 4096, got 65536'],
    ['blockSize', { bands: 100, blockSize: 4096 }, 'blockSize: expected blocks of at most 1024 MB, got 1600 MB'],
    ['level', { compression: 'lzw', level: 5 }, 'level: expected none with compression lzw'],
    ['level', { level: 22 }, 'level: expected 1 to 9 with compression deflate, got 22'],
    ['quality', { quality: 5 }, 'quality: expected none with compression deflate'],
    ['predictor', { predictor: 3 }, 'predictor: expected 1 or 2 for uint8, got 3'],
    ['palette', { bands: 3, palette: [[0, 0, 0, 255]] }, 'palette: expected one band'],
    ['compression', { bands: 4, compression: 'jpeg' }, 'jpeg takes 1 or 3 bands'],
    ['width', { width: 0 }, 'width: expected 1 to'],
    ['bandNames', { bandNames: ['a', 'b'] }, 'bandNames: expected 1 names, got 2'],
  ] as const)('refuses a wrong %s', async (_, options, message) => {
    await expect(createCog({ width: 20, height: 20, bands: 1, dtype: 'uint8', scratch: join(folder, 'refused'), ...options })).rejects.toThrow(message);
  });

  it('refuses rows that do not fit, and to finish too early', async () => {
    const writer = await createCog({ width: 20, height: 20, bands: 1, dtype: 'uint8', scratch: join(folder, 'rows') });
    await expect(writer.write(new Uint16Array(20), 1)).rejects.toThrow('samples of uint16 for a file of uint8');
    await expect(writer.write(new Uint8Array(10), 1)).rejects.toThrow('10 samples for 1 rows of 20');
    await expect(writer.write(new Uint8Array(20 * 21), 21)).rejects.toThrow('rows up to 21 of 20');
    await expect(writer.finish(join(folder, 'early.tif'))).rejects.toThrow('0 of 20 rows were written');
    await writer.abort();
  });

  it('says which place cannot be written', async () => {
    const file = join(folder, '0.tif');
    await expect(createCog({ width: 20, height: 20, bands: 1, dtype: 'uint8', scratch: join(file, 'below') })).rejects.toThrow(OutputError);
    const writer = await createCog({ width: 20, height: 20, bands: 1, dtype: 'uint8', scratch: join(folder, 'full') });
    await writer.write(new Uint8Array(400), 20);
    if (existsSync('/dev/full')) {
      await expect(writer.finish('/dev/full')).rejects.toThrow('/dev/full: no space left on the disk');
      expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
    }
    await expect(writer.finish(join(folder, 'absent', 'a.tif'))).rejects.toThrow('missing');
    await writer.finish(join(folder, 'second-try.tif'));
    await writer.abort();
    checkCogLayout(structureOf(join(folder, 'second-try.tif')));
  });
});

describe('layout', () => {
  it('turns to BigTIFF where 4 GiB are not enough, and places every block', () => {
    const shape = { width: 2 ** 16, height: 2 ** 16, bands: 3, dtype: 'uint8' } as const;
    const packing = { compression: 'none', level: 6, matching: 'search', quality: 85, predictor: 1, dtype: 'uint8', bands: 3 } as const;
    const levels = levelSizes(shape.width, shape.height, 512);
    expect(levels).toHaveLength(8);
    const byteCounts = levels.map(({ width, height }) => new Uint32Array(Math.ceil(width / 512) * Math.ceil(height / 512)).fill(512 * 512 * 3));
    const large = layOut({ shape, packing, description: {}, blockSize: 512, levels, byteCounts });
    const blocks = byteCounts.reduce((sum, counts) => sum + counts.length, 0);
    expect(large.big).toBe(true);
    expect(large.bytes).toBe(large.head.length + blocks * (512 * 512 * 3 + 8));
    expect(large.head.readUInt16LE(2)).toBe(43);
    // The last block of the scene ends the file.
    const tail = Buffer.alloc(8);
    tail.writeBigUInt64LE(BigInt(large.bytes - 4 - 512 * 512 * 3));
    expect(large.head.includes(tail)).toBe(true);
    const small = layOut({ shape, packing, description: {}, blockSize: 512, levels, byteCounts: byteCounts.map((counts) => counts.map(() => 1000)) });
    expect(small.big).toBe(false);
    expect(small.bytes).toBe(small.head.length + blocks * 1008);
  });
});

describe('classSidecar', () => {
  it('has the names as categories and as a table', () => {
    const text = classSidecar({ classNames: ['A & B', '', 'C'], palette: [[1, 2, 3, 255]] })!;
    expect(text).toContain('<Category>A &amp; B</Category>\n      <Category></Category>\n      <Category>C</Category>');
    expect(text).toContain('<Row index="0"><F>0</F><F>A &amp; B</F><F>1</F><F>2</F><F>3</F></Row>');
    expect(classSidecar({ palette: [[1, 2, 3, 255]] })).toBeUndefined();
  });
});

describe('cogMemory', () => {
  it('depends on the width, not on the height', () => {
    const options = { width: 10_000, bands: 3, dtype: 'uint8', scratch: folder } as const;
    const low = cogMemory({ ...options, height: 10_000 });
    const high = cogMemory({ ...options, height: 100_000 });
    expect(low).toBeLessThan(120e6);
    // Place and length of every block: 12 bytes each.
    expect(high / low).toBeLessThan(1.05);
  });
});

function everySecond(values: readonly number[], width: number, height: number): number[] {
  const out: number[] = [];
  for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) out.push(values[y * width + x]!);
  return out;
}
