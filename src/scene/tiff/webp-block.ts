import sharp from 'sharp';

export interface WebpBlockOptions {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
}

/**
 * Decodes a block of WebP in TIFF (compression 50001) to 8-bit RGB or RGBA. A stream without alpha in a picture with four
 * samples is opaque: encoders leave alpha out where it is 255 everywhere.
 * @throws {RangeError} if the stream is none of WebP, or its size does not fit the block
 */
export async function decodeWebpBlock(block: Uint8Array, options: WebpBlockOptions): Promise<Uint8Array> {
  if (!isWebp(block)) throw new RangeError('its data are no WebP stream');
  const picture = sharp(block, { failOn: 'warning', limitInputPixels: false, ignoreIcc: true });
  const size = await picture.metadata();
  if (size.width !== options.width || size.height < options.height) {
    throw new RangeError(`expected a WebP picture of ${options.width} × ${options.height} pixels, found ${size.width} × ${size.height}`);
  }
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return info.channels === options.samples ? data : withChannels(data, info.channels, options.samples);
}

/** Whether the bytes begin like a WebP file: `RIFF`, a length, `WEBP`. */
export function isWebp(head: Uint8Array): boolean {
  const text = (from: number): string => String.fromCharCode(...head.subarray(from, from + 4));
  return text(0) === 'RIFF' && text(8) === 'WEBP';
}

function withChannels(data: Uint8Array, from: number, to: number): Uint8Array {
  if (from < 3 || to < 3 || to > 4) throw new RangeError(`expected ${to} samples per pixel, its WebP stream gave ${from}`);
  const out = new Uint8Array((data.length / from) * to);
  for (let i = 0, o = 0; i < data.length; i += from, o += to) {
    out[o] = data[i]!;
    out[o + 1] = data[i + 1]!;
    out[o + 2] = data[i + 2]!;
    if (to === 4) out[o + 3] = 255;
  }
  return out;
}
