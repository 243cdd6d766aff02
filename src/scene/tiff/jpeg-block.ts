import sharp from 'sharp';
import { MARKER, isFrame, parseFrame, readSegments } from '../jpeg-segments.js';
import { PHOTOMETRIC } from './tags.js';

export interface JpegBlockOptions {
  readonly width: number;
  readonly height: number;
  /** Rows that are inside the picture; a stream may have no more of them, as in libtiff. */
  readonly needed: number;
  /** Samples per pixel of the block's plane. */
  readonly samples: number;
  readonly photometric: number;
  /** The tables that all blocks share (tag 347), a JPEG stream without a picture. */
  readonly tables: Uint8Array | undefined;
}

/**
 * Decodes a block of JPEG in TIFF (TIFF Technical Note 2) to 8-bit samples, YCbCr turned into RGB. What the colours are is
 * told by the TIFF, not by the stream; so the stream gets the markers that make libjpeg agree with the TIFF.
 * @throws {RangeError} if the stream's size does not fit the block
 */
export async function decodeJpegBlock(block: Uint8Array, options: JpegBlockOptions): Promise<Uint8Array> {
  const { segments } = readSegments(block);
  const found = segments.find((segment) => isFrame(segment.marker));
  const frame = found === undefined ? undefined : parseFrame(found);
  if (frame === undefined) throw new RangeError('its JPEG stream has no frame header');
  if (frame.precision !== 8 || frame.unusual) throw new RangeError(`JPEG with ${frame.precision} bits or an unusual coding is not read`);
  if (frame.components !== options.samples) throw new RangeError(`expected ${options.samples} JPEG components, found ${frame.components}`);
  if (frame.width !== options.width || frame.height < options.needed) {
    throw new RangeError(`expected a JPEG of ${options.width} × ${options.height} pixels, found ${frame.width} × ${frame.height}`);
  }
  const stream = spliceTables(block, options.tables, options.samples === 1 ? undefined : options.photometric === PHOTOMETRIC.ycbcr ? 1 : 0);
  const data = await decodePicture(stream, options.samples);
  const length = options.width * options.needed * options.samples;
  if (data.length < length) throw new RangeError(`expected ${length} bytes, its JPEG stream gave ${data.length}`);
  return data;
}

/**
 * Raw samples of a small JPEG, colours as libjpeg gives them: gray, RGB, or four components as stored. Profiles
 * are not applied, and data that end early are an error.
 */
export async function decodePicture(stream: Uint8Array, samples: number): Promise<Uint8Array> {
  const picture = sharp(stream, { failOn: 'warning', limitInputPixels: false, ignoreIcc: true });
  // libvips would otherwise turn gray into RGB, and CMYK into sRGB through a print profile.
  const { data, info } = await (samples === 1 ? picture.toColourspace('b-w')
    : samples === 4 ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture).raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== samples) throw new RangeError(`expected ${samples} samples per pixel, its JPEG stream gave ${info.channels}`);
  // libvips turns all pictures of four components around, as most CMYK files need it.
  if (samples === 4) for (let i = 0; i < data.length; i++) data[i] = 255 - data[i]!;
  return data;
}

/** `FF EE`, length 14, `Adobe`, version 100, no flags, and the transform as last byte. */
const ADOBE_SEGMENT = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0] as const;

/**
 * Puts the shared tables and a colour marker at the start of a block's stream, and takes out its own JFIF and Adobe
 * markers.
 */
export function spliceTables(block: Uint8Array, tables: Uint8Array | undefined, transform: number | undefined): Uint8Array {
  const marker = transform === undefined ? [] : [...ADOBE_SEGMENT, transform];
  const shared = tables === undefined ? [] : readSegments(tables).segments.map((segment) => tables.subarray(segment.start, segment.end));
  const { segments } = readSegments(block);
  const colour = segments.filter((segment) => segment.marker === MARKER.app0 || segment.marker === MARKER.app14);
  const parts: Uint8Array[] = [Uint8Array.of(0xff, MARKER.soi), Uint8Array.from(marker), ...shared];
  let from = 2;
  for (const segment of colour) {
    parts.push(block.subarray(from, segment.start));
    from = segment.end;
  }
  parts.push(block.subarray(from));
  return Buffer.concat(parts);
}
