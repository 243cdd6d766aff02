import { InvalidFileError } from '../errors.js';
import { allocate, bytesOf } from '../raster/index.js';
import type { TypedArray } from '../raster/index.js';
import { openFileSource } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import { cacheFile, ensureCacheFile, releaseCacheFile } from './cache-folder.js';
import type { BlockScene } from './create-scene.js';
import { nodataFields } from './describe-bands.js';
import { memoryRaster } from './memory-raster.js';
import { checkClaim, copyNote, createPictureScene, decodedBytes, fitsMemory } from './picture-scene.js';
import type { DecodedPicture, PictureHeader, PictureOptions } from './picture-scene.js';
import { COLOUR, readPngHeader } from './png-header.js';
import type { PngHeader } from './png-header.js';
import { decodePngRows } from './png-rows.js';
import type { Pass } from './png-rows.js';
import { SPOOL_TILE, createSpoolWriter, spoolBytes, spoolRaster } from './tile-spool.js';
import { unpackBits } from './tiff/unpack.js';

/** Decoded and written, measured on two cores (level 6). */
const COPY_BYTES_PER_SECOND = 40e6;

/** Interlaced pictures come in seven passes over the whole, so they must fit into memory. */
const MAX_INTERLACED_BYTES = 2 ** 29;

/**
 * Opens a PNG: profile from its header; pixels decoded once, at the first read, into memory or, above 64 MB, row by row
 * into a tiled copy on disk. Samples are those stored: 16 bits stay exact, packed and palette pixels stay integers, gamma
 * and profiles are not applied.
 * @throws {InvalidFileError} if the header is damaged
 */
export async function openPng(source: ByteSource, options: PictureOptions = {}): Promise<BlockScene> {
  const png = await readPngHeader(source);
  const header = pictureHeader(png);
  checkClaim(source, header);
  const bytes = decodedBytes(header);
  if (png.interlaced && bytes > MAX_INTERLACED_BYTES) {
    throw new InvalidFileError(source.url, `an interlaced PNG of ${Math.ceil(bytes / 2 ** 20)} MB cannot be read in rows`, { advice: 'write it again without interlacing' });
  }
  const inMemory = png.interlaced || fitsMemory(header, options);
  const blockSize = inMemory ? { width: png.width, height: png.height } : { width: SPOOL_TILE, height: SPOOL_TILE };
  const copy = { bytes: spoolBytes({ width: png.width, height: png.height, bands: png.samples, dtype: header.dtype }), bytesPerSecond: COPY_BYTES_PER_SECOND };
  const notes = inMemory ? header.notes : [...header.notes, copyNote('PNG', copy, options.cacheDir)];
  return createPictureScene(source, { ...header, notes }, options, blockSize, (fingerprint) =>
    (inMemory ? decodeToMemory(source, png, header) : decodeToFile(source, png, header, options, fingerprint)));
}

function pictureHeader(png: PngHeader): PictureHeader {
  const isAlpha = png.colour === COLOUR.grayAlpha || png.colour === COLOUR.rgba;
  const { transparent } = png;
  const nodata = transparent === undefined ? nodataFields([transparentIndex(png)]) : nodataFields(transparent);
  return {
    format: 'PNG',
    compression: 'DEFLATE',
    width: png.width,
    height: png.height,
    bands: png.samples,
    dtype: png.depth === 16 ? 'uint16' : 'uint8',
    ...(png.depth < 8 ? { bits: png.depth } : {}),
    ...nodata,
    ...(isAlpha ? { alphaBand: png.samples - 1 } : {}),
    isRgb: png.samples >= 3,
    ...(png.palette === undefined ? {} : { palette: png.palette }),
    notes: [],
  };
}

/** The one palette index that is wholly transparent: GDAL takes it as nodata too. */
function transparentIndex(png: PngHeader): number | undefined {
  const clear = png.palette?.flatMap((colour, i) => (colour[3] === 0 ? [i] : [])) ?? [];
  return clear.length === 1 ? clear[0] : undefined;
}

/** Turns packed bytes of a row into samples of the picture's type. The result is valid until the next call. */
function createUnpacker(png: PngHeader): (row: Uint8Array, pass: Pass) => TypedArray {
  let wide = new Uint16Array(0);
  return (row, pass) => {
    const count = pass.width * png.samples;
    if (png.depth === 8) return row.subarray(0, count);
    if (png.depth < 8) return unpackBits(row, png.depth, count, 1, new Uint8Array(count));
    if (wide.length !== count) wide = new Uint16Array(count);
    const bytes = Buffer.from(wide.buffer);
    bytes.set(row.subarray(0, count * 2));
    bytes.swap16();
    return wide;
  };
}

async function decodeToMemory(source: ByteSource, png: PngHeader, header: PictureHeader): Promise<DecodedPicture> {
  const data = allocate(header.dtype, png.width * png.height * png.samples);
  const unpack = createUnpacker(png);
  await decodePngRows(source, png, (row, index, pass) => {
    const samples = unpack(row, pass);
    const start = (pass.y + index * pass.stepY) * png.width;
    if (pass.stepX === 1) data.set(samples, start * png.samples);
    else spread(samples, data, start + pass.x, pass.stepX, png.samples);
  });
  return { raster: memoryRaster(data, { width: png.width, height: png.height, bands: png.samples, dtype: header.dtype }), release: () => Promise.resolve() };
}

function spread(row: TypedArray, data: TypedArray, pixel: number, step: number, samples: number): void {
  for (let from = 0; from < row.length; pixel += step) {
    for (let s = 0; s < samples; s++) data[pixel * samples + s] = row[from++]!;
  }
}

async function decodeToFile(source: ByteSource, png: PngHeader, header: PictureHeader, options: PictureOptions, fingerprint: string): Promise<DecodedPicture> {
  const shape = { width: png.width, height: png.height, bands: png.samples, dtype: header.dtype };
  const file = await cacheFile(options.cacheDir, fingerprint, '.tiles');
  await ensureCacheFile(file, spoolBytes(shape), async (partial) => {
    const writer = await createSpoolWriter(partial, shape);
    const unpack = createUnpacker(png);
    try {
      await decodePngRows(source, png, (row, _index, pass) => writer.writeRow(bytesOf(unpack(row, pass))));
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writer.finish();
  });
  const copy = await openFileSource(file.path);
  return {
    raster: spoolRaster(copy, shape),
    release: async () => {
      await copy.close();
      await releaseCacheFile(file);
    },
  };
}
