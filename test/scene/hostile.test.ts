import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { hasShared, root, scratch, shared } from '../places.js';
import { readAll } from './read.js';

const folder = join(root, 'fixtures', 'scene');
const work = scratch();

/** No damaged file may take longer, in milliseconds. */
const PATIENCE = 2000;

/** Opens and reads; returns the error. */
async function failure(path: string): Promise<Error> {
  const start = performance.now();
  let error: unknown;
  try {
    const scene = await openScene(path);
    try {
      await readAll(scene);
    } finally {
      await scene.close();
    }
  } catch (caught) {
    error = caught;
  }
  expect(performance.now() - start).toBeLessThan(PATIENCE);
  expect(error).toBeInstanceOf(InvalidFileError);
  expect((error as Error).message).not.toContain('\n');
  return error as Error;
}

/** A file of the fixtures with some bytes changed. */
function changed(name: string, change: (bytes: Buffer) => Buffer | void): string {
  const bytes = readFileSync(join(folder, name));
  const path = join(work, `${Math.random().toString(36).slice(2)}-${name}`);
  writeFileSync(path, change(bytes) ?? bytes);
  return path;
}

interface Field { readonly tag: number; readonly type: number; readonly values: readonly number[] }

/** A little-endian TIFF of one directory; values longer than four bytes are not needed here. */
function tiff(fields: readonly Field[], options: { next?: number; tail?: Uint8Array } = {}): Buffer {
  const head = Buffer.alloc(8 + 2 + fields.length * 12 + 4);
  head.write('II', 0, 'latin1');
  head.writeUInt16LE(42, 2);
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(fields.length, 8);
  fields.forEach(({ tag, type, values }, i) => {
    const at = 10 + i * 12;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(values.length > 1 ? values[0]! : 1, at + 4);
    head.writeUInt32LE(values.at(-1)!, at + 8);
  });
  head.writeUInt32LE(options.next ?? 0, head.length - 4);
  return Buffer.concat([head, options.tail ?? Buffer.alloc(0)]);
}

/** One value of type LONG. */
const long = (tag: number, value: number): Field => ({ tag, type: 4, values: [value] });
/** A count and the offset where its values would stand. */
const far = (tag: number, count: number, offset: number): Field => ({ tag, type: 4, values: [count, offset] });

function written(name: string, bytes: Uint8Array): string {
  const path = join(work, name);
  writeFileSync(path, bytes);
  return path;
}

describe('a path that is no raster', () => {
  it('says what is there instead', async () => {
    expect((await failure(join(work, 'nothing.tif'))).message).toContain('no such file');
    expect((await failure(work)).message).toContain('the folder holds no GeoTIFF');
    expect((await failure(written('empty.tif', new Uint8Array(0)))).message).toContain('is empty');
    expect((await failure(written('text.tif', Buffer.from('name,class\n1,water\n')))).message).toContain('text that begins with "name,class 1');
    expect((await failure(written('short.tif', Buffer.from('II*\0')))).message).toContain('cut off');
    expect((await failure('ftp://example.org/a.tif')).message).toContain('a URL that begins with https://');
  });

  it('is known by its bytes, not by its name', async () => {
    const path = join(work, 'really-a-png.tif');
    copyFileSync(join(folder, 'rgb.png'), path);
    const scene = await openScene(path);
    expect(scene.profile.format).toBe('PNG');
    await scene.close();
  });
});

describe('a TIFF that is cut off', () => {
  it('is refused when it is opened, wherever it ends', async () => {
    for (const name of ['rgb_tiled_deflate.tif', 'uint16_strips_none.tif', 'bigtiff_big_endian_deflate_p3.tif', 'jpeg_ycbcr.tif']) {
      const whole = readFileSync(join(folder, name));
      for (const share of [0.02, 0.2, 0.5, 0.8, 0.99]) {
        const error = await failure(changed(name, (bytes) => bytes.subarray(0, Math.max(9, Math.floor(whole.length * share)))));
        expect(error.message).toMatch(/cut off|but the file|has no directory|damaged|offsets of|lengths of|ends/);
      }
    }
  });
});

describe('a TIFF that lies', () => {
  const size = [long(256, 64), long(257, 64)];

  it('about its size is refused without allocating it', async () => {
    const before = process.memoryUsage.rss();
    expect((await failure(written('wide.tif', tiff([long(256, 0x7fffffff), long(257, 0x7fffffff), long(273, 8), long(279, 100)])))).message).toMatch(/MB|offsets/);
    expect((await failure(written('tiles.tif', tiff([long(256, 60000), long(257, 60000), long(322, 1), long(323, 1), far(324, 1000000, 8), far(325, 1000000, 8)])))).message).toContain('claims');
    expect((await failure(written('tile.tif', tiff([...size, long(322, 0x80000000), long(323, 16), long(324, 8), long(325, 16)])))).message).toContain('blocks');
    expect((await failure(written('bomb.tif', tiff([long(256, 20000), long(257, 20000), long(258, 8), long(259, 8), long(273, 8), long(278, 20000), long(279, 50)])))).message).toContain('cannot hold');
    expect((await failure(written('zero.tif', tiff([long(256, 0), long(257, 64)])))).message).toContain('width and height');
    expect((await failure(written('samples.tif', tiff([...size, long(277, 0)])))).message).toContain('samples per pixel');
    expect(process.memoryUsage.rss() - before).toBeLessThan(150e6);
  });

  it('about its chain of directories is read as far as it goes', async () => {
    const bytes = tiff([long(256, 2), long(257, 2), long(258, 8), long(273, 8), long(279, 4)], { next: 8 });
    const scene = await openScene(written('circle.tif', bytes));
    expect(scene.profile.notes.join()).toContain('circle');
    await scene.close();
    expect((await failure(written('nowhere.tif', Buffer.from('49492a00ffffff7f', 'hex')))).message).toContain('expected a directory at byte 2147483647');
  });

  it('about how much it has to say is refused or read without all of that', async () => {
    const before = process.memoryUsage.rss();
    const sparse = (name: string, bytes: Buffer): string => {
      const path = written(name, bytes);
      truncateSync(path, 2 ** 30);
      return path;
    };
    const shorts = (tag: number): Field => ({ tag, type: 3, values: [2 ** 28, 4096] });
    // Lists of a quarter of a billion numbers, in a file that is long enough for them.
    expect((await failure(sparse('bits.tif', tiff([...size, shorts(258), long(273, 8), long(279, 4096)])))).message).toContain('expected at most 1048576 numbers in tag 258');
    expect((await failure(sparse('extra.tif', tiff([...size, long(258, 8), long(273, 8), long(279, 4096), shorts(338)])))).message).toContain('in tag 338');
    expect((await failure(sparse('strips.tif', tiff([...size, far(273, 2 ** 27, 4096), long(279, 4096)])))).message).toContain('expected at most 16777216 blocks in tag 273');
    // Directories that lie over each other, two bytes apart, each with as many tags as it can have.
    const many = Buffer.alloc(900_000, 0xff);
    tiff([]).copy(many);
    many.writeUInt32LE(18, 4);
    expect((await failure(written('tags.tif', many))).message).toContain('expected a directory at byte 18');
    // A kind of which a million values are claimed, in each of thousands of directories: only its first is read.
    const directories = Array.from({ length: 3000 }, (_, i) => tiff([far(254, 2 ** 18, 8), long(256, 2), long(257, 2), long(258, 8), long(273, 8), long(279, 4)], { next: 8 + (i + 1) * 78 }).subarray(8));
    const scene = await openScene(written('kinds.tif', Buffer.concat([tiff([]).subarray(0, 8), ...directories, Buffer.alloc(2 ** 20)])));
    await scene.close();
    expect(process.memoryUsage.rss() - before).toBeLessThan(150e6);
  });

  it('about nothing is read, however many blocks it has', async () => {
    const rows = 200_000;
    const head = tiff([long(256, 2), long(257, rows), long(258, 8), long(259, 1), long(262, 1), far(273, rows, 1000), long(277, 1), long(278, 1), far(279, rows, 1000 + 4 * rows)]);
    const file = Buffer.alloc(1000 + 10 * rows);
    head.copy(file);
    for (let row = 0; row < rows; row++) {
      file.writeUInt32LE(1000 + 8 * rows + 2 * row, 1000 + 4 * row);
      file.writeUInt32LE(2, 1000 + 4 * rows + 4 * row);
      file.writeUInt16LE(row % 65536, 1000 + 8 * rows + 2 * row);
    }
    const scene = await openScene(written('narrow.tif', file));
    const { data } = await readAll(scene);
    await scene.close();
    for (const row of [0, 1, 70_000, rows - 1]) expect([data[2 * row], data[2 * row + 1]]).toEqual([row % 256, Math.floor((row % 65536) / 256)]);
  });

  it('about its codec is named with its block', async () => {
    const flip = (bytes: Buffer): void => { for (let i = 400; i < 900; i += 7) bytes[i] = bytes[i]! ^ 0x5a; };
    for (const name of ['rgb_tiled_deflate.tif', 'rgb_tiled_lzw.tif', 'jpeg_ycbcr.tif']) {
      const error = await failure(changed(name, flip));
      expect(error.message).toMatch(/block \d+ \(column \d+, row \d+\)|tag|offsets|directory|circle|expected/);
    }
    expect((await failure(written('codec.tif', tiff([...size, long(259, 12345)])))).message).toContain('compression (number 12345)');
  });
});

describe('a JPEG or PNG that is cut off', () => {
  it('is an error, never a picture with gray rows', async () => {
    for (const name of ['rgb.jpg', 'progressive.jpg', 'gray.jpg', 'cmyk_adobe.jpg', 'rgb.png', 'gray16.png', 'palette.png']) {
      for (const share of [0.05, 0.5, 0.9, 0.98]) {
        const error = await failure(changed(name, (bytes) => bytes.subarray(0, Math.floor(bytes.length * share))));
        expect(error.message).toMatch(/cut off|ends|no picture/);
      }
    }
  });

  it('or has a wrong byte among the pixels of a PNG is an error', async () => {
    const error = await failure(changed('rgb.png', (bytes) => { bytes[Math.floor(bytes.length / 2)]! ^= 1; }));
    expect(error.message).toMatch(/checksum|damaged/);
  });

  it('leaves no copy behind when decoding into a file fails', async () => {
    const cacheDir = join(work, 'cache');
    mkdirSync(cacheDir);
    for (const name of ['rgb.jpg', 'rgb.png']) {
      const path = changed(name, (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.8)));
      const scene = await openScene(path, { inMemoryBytes: 0, cacheDir });
      await expect(readAll(scene)).rejects.toThrow(InvalidFileError);
      await scene.close();
    }
    expect(readdirSync(cacheDir)).toEqual([]);
  });
});

describe('files that GDAL refuses', () => {
  const damaged = [
    'gdal/block_width_above_32bit.tif', 'gdal/byte_buggy_packbits.tif', 'gdal/corrupted_deflate_singlestrip.tif',
    'gdal/excessive-memory-TIFFFillTile.tif', 'gdal/gtiff/missing_tilebytecounts_and_offsets.tif', 'gdal/hugeblocksize.tif',
    'gdal/toomanyblocks.tif', 'gdal/png/idat_broken.png', 'image-tiff/fuzz_images/oor_panic/colormap-shl-overflow.tiff',
    'image-tiff/fuzz_images/oor_panic/graydepth-invert-overflow-5a0aad5024cc4ff3.tiff',
    'image-tiff/fuzz_images/oor_panic/sample-get-lzw-stuck.tiff', 'pillow/crash-2020-10-test.tif',
    'pillow/crash-86214e58da443d2b80820cff9677a38a33dcbbca.tif', 'pillow/seek_too_large.tif', 'rasterio/corrupt.tif',
    'sharp/truncated.jpg', 'twelvemonkeys/broken-jpeg/broken-no-sof-ascii-transfer-mode.jpg',
    'gdal/int12_ycbcr_contig.tif', 'gdal/irregular_tile_size_jpeg_in_tiff.tif', 'gdal/mandrilmini_12bitjpeg.tif', 'gdal/uint33.tif',
    'twelvemonkeys/jpeg-lossless/gradient_ls.jpg',
  ];
  it.skipIf(!hasShared('geotiff')).each(damaged)('%s', async (name) => {
    expect(existsSync(join(shared, 'geotiff', name))).toBe(true);
    const before = process.memoryUsage().rss;
    await failure(join(shared, 'geotiff', name));
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  });
});

describe('a BigTIFF whose directory lies beyond what numbers count exactly', () => {
  it('is refused without an infinite byte', async () => {
    const head = Buffer.alloc(16, 255);
    head.write('II', 0, 'latin1');
    [43, 8, 0].forEach((value, i) => head.writeUInt16LE(value, 2 + 2 * i));
    await expect(openScene(written('far.tif', head))).rejects.toThrow('expected a directory at a byte beyond 9007199254740991');
  });
});
