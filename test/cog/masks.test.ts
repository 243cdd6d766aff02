import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { cogMemory, createCog, resumeCog, type CogCheckpoint, type CogOptions } from '../../src/cog/index.js';
import type { TypedArray } from '../../src/raster/index.js';
import { scratch } from '../places.js';
import { anyRaster, samplesOf } from './rows.js';
import { checkCogLayout, isMask, structureOf, type Directory, type Structure } from './structure.js';

const folder = scratch();
let made = 0;

/** A disc of valid pixels. */
function disc(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => (((i % width) - width / 2) ** 2 + (Math.floor(i / width) - height / 2) ** 2 < (width * height) / 8 ? 255 : 0));
}

async function write(options: Omit<CogOptions, 'scratch'>, rows: TypedArray, mask?: Uint8Array, step = 100): Promise<string> {
  const path = join(folder, `${made++}.tif`);
  const writer = await createCog({ ...options, scratch: `${path}.spool` });
  for (let y = 0; y < options.height; y += step) {
    const count = Math.min(step, options.height - y);
    await writer.write(rows.subarray(y * options.width * options.bands, (y + count) * options.width * options.bands), count, mask?.subarray(y * options.width, (y + count) * options.width));
  }
  await writer.finish(path);
  await writer.abort();
  return path;
}

/** The pixels of a mask's directory, by hand. */
function maskOf({ file }: Structure, { tags }: Directory): number[] {
  const [width, height, size] = [tags.get(256)![0]!, tags.get(257)![0]!, tags.get(322)![0]!];
  const across = Math.ceil(width / size);
  const blocks = tags.get(324)!.map((offset, i) => inflateSync(file.subarray(offset, offset + tags.get(325)![i]!)));
  return Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const block = blocks[Math.floor(y / size) * across + Math.floor(x / size)]!;
    return (block[(y % size) * (size / 8) + ((x % size) >> 3)]! >> (7 - (x % 8))) & 1;
  });
}

describe('internal masks', () => {
  it('keep every bit, whatever the size and the calls', async () => {
    await fc.assert(fc.asyncProperty(anyRaster, fc.constantFrom(1, 7, 1000), fc.array(fc.boolean(), { minLength: 97, maxLength: 97 }), async (shape, step, holes) => {
      const mask = Uint8Array.from({ length: shape.width * shape.height }, (_, i) => (holes[i % 97] ? 255 : 0));
      const path = await write({ ...shape, mask: true, blockSize: 32 }, samplesOf(shape.dtype, mask.length * shape.bands), mask, step);
      const structure = structureOf(path);
      checkCogLayout(structure);
      expect(structure.directories.map(isMask)).toEqual([false, true]);
      expect(maskOf(structure, structure.directories[1]!)).toEqual([...mask].map((value) => value / 255));
    }), { numRuns: 15 });
  });

  it('follow their pictures at every level, as bits of the masks\' own kind', async () => {
    const [width, height] = [1500, 1030];
    const mask = disc(width, height);
    const path = await write({ width, height, bands: 3, dtype: 'uint8', mask: true }, samplesOf('uint8', width * height * 3), mask);
    const structure = structureOf(path);
    checkCogLayout(structure);
    expect(structure.directories.map(({ tags }) => [tags.get(256)![0], tags.get(257)![0], tags.get(254)?.[0]])).toEqual([
      [1500, 1030, undefined], [1500, 1030, 4], [750, 515, 1], [750, 515, 5], [375, 258, 1], [375, 258, 5],
    ]);
    const { tags } = structure.directories[1]!;
    expect([258, 259, 262, 277].map((tag) => tags.get(tag))).toEqual([[1], [8], [4], [1]]);
    const reduced = maskOf(structure, structure.directories[3]!);
    for (let i = 0; i < 750 * 515; i += 7) {
      const at = 2 * Math.floor(i / 750) * width + 2 * (i % 750);
      expect(reduced[i]).toBe([at, at + 1, at + width, at + width + 1].some((pixel) => mask[pixel] !== 0) ? 1 : 0);
    }
  });

  it('count all pixels of rows without one as valid, and are refused where the file has none', async () => {
    const path = await write({ width: 40, height: 200, bands: 1, dtype: 'uint8', mask: true }, samplesOf('uint8', 8000));
    const structure = structureOf(path);
    expect(maskOf(structure, structure.directories[1]!).every((bit) => bit === 1)).toBe(true);
    const writer = await createCog({ width: 4, height: 4, bands: 1, dtype: 'uint8', scratch: join(folder, 'none') });
    await expect(writer.write(new Uint8Array(16), 4, new Uint8Array(16))).rejects.toThrow('a mask for a file without one');
    await writer.abort();
  });

  it.each(['average', 'mode', 'bilinear', 'nearest'] as const)('and %s overviews go on from a checkpoint with the same bytes', async (overviews) => {
    const options = { width: 900, height: 1111, bands: 2, dtype: 'uint16', mask: true, overviews, blockSize: 64, nodata: 7 } as const;
    const rows = samplesOf('uint16', 900 * 1111 * 2);
    const mask = disc(900, 1111);
    const expected = readFileSync(await write(options, rows, mask, 1111));
    const place = join(folder, `resumed-${overviews}`);
    let writer = await createCog({ ...options, scratch: place });
    for (const count of [1, 62, 1, 65, 130, 253, 333, 266]) {
      const y = writer.rowsWritten;
      await writer.write(rows.subarray(y * 1800, (y + count) * 1800), count, mask.subarray(y * 900, (y + count) * 900));
      const { state, carry } = await writer.checkpoint();
      const noted: CogCheckpoint = { state: JSON.parse(JSON.stringify(state)) as CogCheckpoint['state'], carry: carry.slice() };
      const lost = Math.min(50, 1111 - writer.rowsWritten);
      if (lost > 0) await writer.write(rows.subarray(0, lost * 1800), lost);
      await writer.close();
      writer = await resumeCog({ ...options, scratch: place }, noted);
    }
    await writer.finish(`${place}.tif`);
    await writer.abort();
    expect(readFileSync(`${place}.tif`).equals(expected)).toBe(true);
  });

  it('take a byte per pixel of a row of blocks more', () => {
    const options = { width: 10_000, height: 10_000, bands: 3, dtype: 'uint8', scratch: folder } as const;
    const more = cogMemory({ ...options, mask: true }) - cogMemory(options);
    expect(more).toBeGreaterThan(10_000 * 512);
    expect(more).toBeLessThan(40e6);
  });
});

describe('statistics', () => {
  interface Numbers { readonly MINIMUM: number; readonly MAXIMUM: number; readonly MEAN: number; readonly STDDEV: number; readonly VALID_PERCENT: number }

  function statisticsOf(path: string, band: number): Partial<Numbers> {
    const xml = structureOf(path).directories[0]!.texts.get(42112) ?? '';
    return Object.fromEntries([...xml.matchAll(new RegExp(`<Item name="STATISTICS_(\\w+)" sample="${band}">([^<]*)<`, 'g'))].map((match) => [match[1], Number(match[2])])) as Partial<Numbers>;
  }

  it('are those of the valid samples', async () => {
    await fc.assert(fc.asyncProperty(anyRaster, fc.constantFrom(undefined, 7), fc.boolean(), fc.constantFrom(1, 50), async (shape, nodata, masked, step) => {
      const pixels = shape.width * shape.height;
      const rows = samplesOf(shape.dtype, pixels * shape.bands);
      const mask = masked ? disc(shape.width, shape.height) : undefined;
      const path = await write({ ...shape, ...(nodata === undefined ? {} : { nodata }), mask: masked, statistics: true }, rows, mask, step);
      for (let band = 0; band < shape.bands; band++) {
        const values: number[] = [];
        for (let i = 0; i < pixels; i++) if ((mask?.[i] ?? 255) !== 0 && rows[i * shape.bands + band] !== nodata) values.push(rows[i * shape.bands + band]!);
        const found = statisticsOf(path, band);
        if (values.length === 0) {
          expect(found).toEqual({});
          continue;
        }
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
        const scale = Math.max(1, ...values.map(Math.abs));
        expect(found.MINIMUM).toBeCloseTo(Math.min(...values), 6);
        expect(found.MAXIMUM).toBeCloseTo(Math.max(...values), 6);
        expect(Math.abs(found.MEAN! - mean) / scale).toBeLessThan(1e-12);
        expect(Math.abs(found.STDDEV! - deviation) / scale).toBeLessThan(1e-9);
        expect(found.VALID_PERCENT).toBeCloseTo((100 * values.length) / pixels, 1);
      }
    }), { numRuns: 25 });
  });

  it('leave transparent pixels out, and are left out for classes', async () => {
    const rows = Uint8Array.of(10, 255, 20, 255, 99, 0, 99, 0);
    const path = await write({ width: 2, height: 2, bands: 2, dtype: 'uint8', alphaBand: 1 }, rows);
    expect(statisticsOf(path, 0)).toMatchObject({ MINIMUM: 10, MAXIMUM: 20, MEAN: 15, STDDEV: 5, VALID_PERCENT: 50 });
    expect(statisticsOf(path, 1)).toMatchObject({ MINIMUM: 0, MAXIMUM: 255, VALID_PERCENT: 100 });
    expect(statisticsOf(await write({ width: 2, height: 2, bands: 1, dtype: 'uint8', classNames: ['a'] }, new Uint8Array(4)), 0)).toEqual({});
  });
});

describe('scales, offsets and units', () => {
  it('are written as GDAL writes them', async () => {
    const path = await write({ width: 2, height: 2, bands: 2, dtype: 'int16', scaling: [{ scale: 0.01, offset: -273.15 }, { scale: 1, offset: 0 }], units: ['K', ''], statistics: false }, new Int16Array(8));
    const xml = structureOf(path).directories[0]!.texts.get(42112)!;
    expect([...xml.matchAll(/<Item ([^>]*)>([^<]*)</g)].map((match) => `${match[1]!}: ${match[2]!}`)).toEqual([
      'name="OFFSET" sample="0" role="offset": -273.15', 'name="SCALE" sample="0" role="scale": 0.01', 'name="UNITTYPE" sample="0" role="unittype": K',
    ]);
    await expect(createCog({ width: 2, height: 2, bands: 2, dtype: 'int16', units: ['m'], scratch: join(folder, 'units') })).rejects.toThrow('units: expected one of each of 2 bands, got 1');
  });
});

describe('compressions', () => {
  it('give the same bytes for any number of threads, LZW in threads of its own included', async () => {
    const rows = samplesOf('int16', 700 * 600 * 2);
    const options = { width: 700, height: 600, bands: 2, dtype: 'int16', compression: 'lzw', blockSize: 64, mask: true } as const;
    const first = readFileSync(await write({ ...options, concurrency: 1 }, rows));
    for (const concurrency of [2, 5]) expect(readFileSync(await write({ ...options, concurrency }, rows)).equals(first)).toBe(true);
  });

  it('write WebP blocks, exact at quality 100', async () => {
    const [width, height] = [100, 70];
    const rows = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? (i % 12 === 3 ? 0 : 255) : (i * 7) % 251));
    const path = await write({ width, height, bands: 4, dtype: 'uint8', alphaBand: 3, compression: 'webp', quality: 100, blockSize: 128 }, rows);
    const { file, directories } = structureOf(path);
    const { tags } = directories[0]!;
    expect([tags.get(259), tags.get(262), tags.get(338)]).toEqual([[50001], [2], [2]]);
    const block = file.subarray(tags.get(324)![0], tags.get(324)![0]! + tags.get(325)![0]!);
    const { data, info } = await sharp(block).raw().toBuffer({ resolveWithObject: true });
    expect([info.format, info.width, info.channels]).toEqual(['raw', 128, 4]);
    for (let y = 0; y < height; y++) expect(data.subarray(y * 512, y * 512 + width * 4).equals(Buffer.from(rows.subarray(y * width * 4, (y + 1) * width * 4)))).toBe(true);
    const lossy = await write({ width, height, bands: 3, dtype: 'uint8', compression: 'webp', quality: 50 }, new Uint8Array(width * height * 3).fill(90));
    expect(readFileSync(lossy).length).toBeLessThan(2000);
  });

  it('say in one line what they cannot hold', async () => {
    const base = { width: 20, height: 20, bands: 1, dtype: 'uint8', scratch: join(folder, 'refused') } as const;
    await expect(createCog({ ...base, compression: 'webp' })).rejects.toThrow('webp takes 3 bands, or 4 with alpha last, of uint8');
    await expect(createCog({ ...base, bands: 3, dtype: 'uint16', compression: 'webp' })).rejects.toThrow('got 3 of uint16');
    const hasZstd = 'zstdCompress' in await import('node:zlib');
    const zstd = createCog({ ...base, compression: 'zstd' });
    if (hasZstd) await (await zstd).abort();
    else await expect(zstd).rejects.toThrow(`compression zstd needs Node 22.15 or newer, this is ${process.version}`);
  });
});
