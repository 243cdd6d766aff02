import * as zlib from 'node:zlib';
import sharp from 'sharp';
import { EnvironmentError } from '../errors.js';
import { bytesOf, type DataType, type TypedArray } from '../raster/index.js';
import { encodeLzw } from './pack-kernel.js';
import { predict } from './predictor.js';
import type { Compression } from './types.js';

/** How the blocks of one file are packed; every choice made. */
export interface Packing {
  readonly compression: Compression;
  readonly level: number;
  readonly matching: 'search' | 'runs';
  readonly quality: number;
  readonly predictor: 1 | 2 | 3;
  readonly dtype: DataType;
  readonly bands: number;
}

/**
 * Packs one block of `width × height` pixels, pixel-interleaved. The block's bytes are changed (predictor), and must be left
 * alone until the promise resolves. Deflate runs on libuv's pool.
 */
export function encodeBlock(block: TypedArray, width: number, height: number, packing: Packing): Promise<Uint8Array> {
  const bytes = bytesOf(block);
  predict(block, width, packing);
  switch (packing.compression) {
    case 'none': return Promise.resolve(bytes);
    case 'lzw': return Promise.resolve(encodeLzw(bytes));
    case 'jpeg': return encodeJpeg(bytes, width, height, packing);
    case 'webp': return encodeWebp(bytes, width, height, packing);
    case 'deflate': return encodeDeflate(bytes, packing);
    case 'zstd': return encodeZstd(bytes, packing.level);
  }
}

/** Output is collected in pieces of at most this many bytes; each piece costs a turn of the event loop. */
const LARGEST_PIECE = 4 << 20;

function encodeDeflate(bytes: Uint8Array, packing: Pick<Packing, 'level' | 'matching'>): Promise<Uint8Array> {
  const options: zlib.ZlibOptions = {
    level: packing.level,
    memLevel: 9,
    strategy: packing.matching === 'runs' ? zlib.constants.Z_RLE : zlib.constants.Z_DEFAULT_STRATEGY,
    chunkSize: Math.min(LARGEST_PIECE, bytes.length + (bytes.length >> 10) + 1024),
  };
  return new Promise((resolve, reject) => {
    zlib.deflate(bytes, options, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** What newer versions of Node bring (22.15, 23.8). */
type ZstdCompress = (data: Uint8Array, options: { readonly params: Readonly<Record<number, number>> }, callback: (error: Error | null, result: Buffer) => void) => void;

const zstdCompress = (zlib as unknown as { zstdCompress?: ZstdCompress }).zstdCompress;
/** `ZSTD_c_compressionLevel` of zstd.h. */
const ZSTD_LEVEL = 100;

/** @throws {EnvironmentError} if this Node has no Zstandard. */
export function checkZstd(): void {
  if (zstdCompress === undefined) {
    throw new EnvironmentError(`compression zstd needs Node 22.15 or newer, this is ${process.version}`, { advice: 'take deflate, or a newer Node' });
  }
}

function encodeZstd(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    checkZstd();
    zstdCompress!(bytes, { params: { [ZSTD_LEVEL]: level } }, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** The mask of a block as one bit per pixel, 1 where it has data, and deflated. */
export function encodeMask(mask: Uint8Array): Promise<Uint8Array> {
  const bits = new Uint8Array(mask.length / 8);
  for (let i = 0, at = 0; i < bits.length; i++, at += 8) {
    bits[i] = (mask[at] === 0 ? 0 : 128) | (mask[at + 1] === 0 ? 0 : 64) | (mask[at + 2] === 0 ? 0 : 32) | (mask[at + 3] === 0 ? 0 : 16)
      | (mask[at + 4] === 0 ? 0 : 8) | (mask[at + 5] === 0 ? 0 : 4) | (mask[at + 6] === 0 ? 0 : 2) | (mask[at + 7] === 0 ? 0 : 1);
  }
  return encodeDeflate(bits, { level: 6, matching: 'search' });
}

/** A complete JPEG stream per block (TIFF Technical Note 2 allows blocks without shared tables); colour as YCbCr 4:2:0. */
async function encodeJpeg(bytes: Uint8Array, width: number, height: number, packing: Packing): Promise<Uint8Array> {
  const raw = { width, height, channels: packing.bands as 1 | 3 };
  return await sharp(bytes, { raw })
    .toColourspace(packing.bands === 1 ? 'b-w' : 'srgb')
    .jpeg({ quality: packing.quality, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** A WebP picture per block, as libtiff takes it; lossless at quality 100. */
async function encodeWebp(bytes: Uint8Array, width: number, height: number, packing: Packing): Promise<Uint8Array> {
  const lossless = packing.quality === 100;
  return await sharp(bytes, { raw: { width, height, channels: packing.bands as 3 | 4 } })
    .webp(lossless ? { lossless, exact: true } : { quality: packing.quality })
    .toBuffer();
}
