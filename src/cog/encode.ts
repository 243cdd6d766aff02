import { constants, deflate, type ZlibOptions } from 'node:zlib';
import sharp from 'sharp';
import { bytesOf, bytesPerSample, type DataType, type TypedArray } from '../raster/index.js';
import { encodeLzw } from './lzw.js';
import { differenceFloatRows, differenceRows } from './predictor.js';
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
  const { predictor, bands, dtype } = packing;
  const bytes = bytesOf(block);
  if (predictor === 2) differenceRows(block, width * bands, bands);
  else if (predictor === 3) differenceFloatRows(bytes, width * bands, bytesPerSample(dtype), bands);
  switch (packing.compression) {
    case 'none': return Promise.resolve(bytes);
    case 'lzw': return Promise.resolve(encodeLzw(bytes));
    case 'jpeg': return encodeJpeg(bytes, width, height, packing);
    case 'deflate': return encodeDeflate(bytes, packing);
  }
}

/** Output is collected in pieces of at most this many bytes; each piece costs a turn of the event loop. */
const LARGEST_PIECE = 4 << 20;

function encodeDeflate(bytes: Uint8Array, packing: Packing): Promise<Uint8Array> {
  const options: ZlibOptions = {
    level: packing.level,
    memLevel: 9,
    strategy: packing.matching === 'runs' ? constants.Z_RLE : constants.Z_DEFAULT_STRATEGY,
    chunkSize: Math.min(LARGEST_PIECE, bytes.length + (bytes.length >> 10) + 1024),
  };
  return new Promise((resolve, reject) => {
    deflate(bytes, options, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** A complete JPEG stream per block (TIFF Technical Note 2 allows blocks without shared tables); colour as YCbCr 4:2:0. */
async function encodeJpeg(bytes: Uint8Array, width: number, height: number, packing: Packing): Promise<Uint8Array> {
  const raw = { width, height, channels: packing.bands as 1 | 3 };
  return await sharp(bytes, { raw })
    .toColourspace(packing.bands === 1 ? 'b-w' : 'srgb')
    .jpeg({ quality: packing.quality, chromaSubsampling: '4:2:0' })
    .toBuffer();
}
