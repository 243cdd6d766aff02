import { allocate, bytesPerSample, dataTypeOf, type Raster, type TypedArray } from '../raster/index.js';
import { choosePacking } from './choices.js';
import { imageFields, sceneFields, TAG } from './describe.js';
import { encodeBlock } from './encode.js';
import { headerBytes, ifdBytes, writeHeader, writeIfd, type Field } from './ifd.js';
import { writeWhole } from './output.js';
import type { TiffDescription, TiffPacking } from './types.js';

export interface TiffOptions extends TiffDescription, TiffPacking {
  /** Allows the raster's samples to be changed, which saves a copy. Default: false. */
  readonly inPlace?: boolean;
}

/** Rasters up to this many bytes are one strip; others are cut into strips of about a megabyte. */
const ONE_STRIP_BYTES = 8 << 20;
const STRIP_BYTES = 1 << 20;
/** JPEG strips must be a multiple of this high. */
const STRIP_STEP = 16;

/**
 * A whole raster as one GeoTIFF in memory: classic, stripped, without overviews; pieces to be written one after the other.
 * Meant for rasters of some megabytes; {@link createCog} is for scenes.
 * @throws {InvalidOptionError} if options do not fit the raster.
 */
export async function encodeTiff(raster: Raster, options: TiffOptions = {}): Promise<Uint8Array[]> {
  const { width, height, bands } = raster;
  const shape = { width, height, bands, dtype: dataTypeOf(raster.data) };
  const packing = choosePacking(shape, options);
  const rowBytes = width * bands * bytesPerSample(shape.dtype);
  const rowsPerStrip = rowBytes * height <= ONE_STRIP_BYTES
    ? height
    : Math.min(height, Math.max(STRIP_STEP, Math.floor(STRIP_BYTES / rowBytes / STRIP_STEP) * STRIP_STEP));
  const pixels = raster.layout === 'band' ? interleave(raster)
    // Packing changes the samples in place.
    : options.inPlace === true ? raster.data : raster.data.slice(0, width * height * bands);
  const jobs: Promise<Uint8Array>[] = [];
  for (let y = 0; y < height; y += rowsPerStrip) {
    const rows = Math.min(rowsPerStrip, height - y);
    jobs.push(encodeBlock(pixels.subarray(y * width * bands, (y + rows) * width * bands), width, rows, packing));
  }
  const strips = await Promise.all(jobs);
  const counts = strips.map((strip) => strip.length);
  const fields = (offsets: readonly number[]): Field[] => [
    ...imageFields(shape, packing, options),
    ...sceneFields(shape, options),
    { tag: TAG.rowsPerStrip, type: 'long', values: [rowsPerStrip] },
    { tag: TAG.stripOffsets, type: 'long', values: offsets },
    { tag: TAG.stripByteCounts, type: 'long', values: counts },
  ];
  const first = headerBytes(false);
  let at = first + ifdBytes(fields(counts), false);
  const offsets = counts.map((count) => {
    const start = at;
    at += count;
    return start;
  });
  return [writeHeader(first, false), writeIfd(fields(offsets), { offset: first, next: 0, big: false }), ...strips];
}

/**
 * Writes a raster of some megabytes as a GeoTIFF: under a temporary name, then renamed. Returns its length in bytes.
 * @throws {InvalidOptionError} if options do not fit the raster.
 * @throws {OutputError} if the file cannot be written.
 */
export async function writeTiff(path: string, raster: Raster, options: TiffOptions = {}): Promise<number> {
  const pieces = await encodeTiff(raster, options);
  await writeWhole(path, pieces);
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function interleave(raster: Raster): TypedArray {
  const { data, width, height, bands } = raster;
  const pixels = width * height;
  const result = allocate(dataTypeOf(data), pixels * bands);
  for (let band = 0; band < bands; band++) {
    for (let i = 0, from = band * pixels, to = band; i < pixels; i++, to += bands) result[to] = data[from + i]!;
  }
  return result;
}
