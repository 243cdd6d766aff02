import * as lerc from 'lerc';
import { memoryError } from '../../errors.js';
import { bytesPerSample } from '../../raster/index.js';
import type { DataType, TypedArray } from '../../raster/index.js';
import { inflateBlock } from './inflate.js';
import { decodeZstd } from './zstd.js';

export interface LercBlockOptions {
  readonly width: number;
  /** Rows that may be stored, and rows that must be. */
  readonly rows: number;
  readonly needed: number;
  readonly samples: number;
  readonly dtype: DataType;
  /** Second value of tag 50674: 0 nothing around LERC, 1 deflate, 2 Zstandard. */
  readonly around: number;
}

const PIXEL_TYPE = { int8: 'S8', uint8: 'U8', int16: 'S16', uint16: 'U16', int32: 'S32', uint32: 'U32', float32: 'F32', float64: 'F64' } as const;

/** A LERC stream of noise is a little longer than its samples. */
const SLACK = 65536;

let loading: Promise<void> | undefined;

/**
 * Decodes a block of LERC in TIFF (compression 34887) with Esri's own WebAssembly decoder. Pixels that its mask leaves out
 * are NaN, or 0 where the type has none; in a picture with alpha the mask may stand for it, as libtiff writes it.
 * @throws {Error} if the stream is damaged, or its size or type does not fit
 */
export async function decodeLercBlock(stored: Uint8Array, options: LercBlockOptions): Promise<TypedArray> {
  const { width, samples, dtype, needed, rows } = options;
  const stream = await unwrap(stored, options);
  await (loading ??= lerc.load().catch((error: unknown) => { throw memoryError(error); }));
  const info = lerc.getBlobInfo(stream);
  if (info.width !== width || info.height < needed || info.height > rows) {
    throw new RangeError(`expected a LERC block of ${width} × ${needed} pixels, found ${info.width} × ${info.height}`);
  }
  if (info.bandCount * info.depthCount > samples) throw new RangeError(`expected ${samples} samples per pixel in LERC, found ${info.bandCount} × ${info.depthCount}`);
  const { pixels, mask, bandMasks, depthCount, pixelType } = lerc.decode(stream, { returnInterleaved: true });
  if (pixelType !== PIXEL_TYPE[dtype]) throw new RangeError(`expected LERC samples of ${dtype}, found ${pixelType}`);
  const count = width * info.height;
  const first = pixels[0] as TypedArray;
  const hole = dtype === 'float32' || dtype === 'float64' ? Number.NaN : 0;
  if (pixels.length === 1 && depthCount === samples) {
    if (mask !== null) fillHoles(first, mask, samples, hole);
    return first;
  }
  const out = new (first.constructor as new (length: number) => TypedArray)(count * samples);
  if (pixels.length === samples && depthCount === 1) {
    for (const [band, part] of pixels.entries()) {
      const own = bandMasks?.[band] ?? mask;
      for (let i = 0; i < count; i++) out[i * samples + band] = own !== null && own[i] === 0 ? hole : part[i]!;
    }
    return out;
  }
  if (pixels.length !== 1 || depthCount !== samples - 1) throw new RangeError(`expected ${samples} samples per pixel in LERC, found ${pixels.length} × ${depthCount}`);
  for (let i = 0; i < count; i++) {
    for (let s = 0; s < depthCount; s++) out[i * samples + s] = first[i * depthCount + s]!;
    out[i * samples + depthCount] = mask === null || mask[i] !== 0 ? 255 : 0;
  }
  return out;
}

async function unwrap(stored: Uint8Array, { around, width, rows, samples, dtype }: LercBlockOptions): Promise<Uint8Array> {
  const raw = width * rows * samples * bytesPerSample(dtype);
  const most = raw + Math.ceil(raw / 4) + SLACK;
  switch (around) {
    case 0: return stored;
    case 1: return inflateBlock(stored, Math.min(most, stored.length * 1040));
    case 2: return decodeZstd(stored, most);
    default: throw new RangeError(`compression ${around} around LERC is not known`);
  }
}

function fillHoles(data: TypedArray, mask: Uint8Array, samples: number, hole: number): void {
  for (let i = 0; i < mask.length; i++) if (mask[i] === 0) data.fill(hole, i * samples, (i + 1) * samples);
}
