import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { InvalidFileError, TilewrightError } from '../errors.js';
import type { TypedArray } from '../raster/index.js';
import { derivedRaster } from './block-raster.js';
import type { BlockRaster } from './block-raster.js';
import type { ByteSource } from './byte-source.js';
import { openFileSource } from './byte-source.js';
import { cacheFile, ensureCacheFile, releaseCacheFile } from './cache-folder.js';
import type { BlockScene } from './create-scene.js';
import { firstLineOf } from './first-line.js';
import { readAppendedMask } from './jpeg-mask.js';
import { MARKER, adobeTransform, isFrame, parseFrame, readSegments } from './jpeg-segments.js';
import type { Frame, Segment } from './jpeg-segments.js';
import type { SceneLevel } from './level.js';
import { memoryRaster } from './memory-raster.js';
import { checkClaim, copyNote, createPictureScene, fitsMemory } from './picture-scene.js';
import type { DecodedPicture, PictureHeader, PictureOptions } from './picture-scene.js';
import { createTiffBlocks } from './tiff/blocks.js';
import { readTiffHeader } from './tiff/directory.js';
import { readPicture } from './tiff/picture.js';
import { PHOTOMETRIC } from './tiff/tags.js';

/** Whether the bytes begin like a JPEG. */
export function isJpeg(head: Uint8Array): boolean {
  return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;
}

/** Edge of the tiles of the decoded copy. */
const COPY_TILE = 512;

/** Decoded and written, measured on two cores (baseline, quality 85). */
const COPY_BYTES_PER_SECOND = 250e6;

/** Two segments fit into this. */
const HEADER_STEP = 131072;

/** Headers (EXIF, colour profiles, previews) longer than this are not believed. */
const MAX_HEADER = 64 * 2 ** 20;

/** Coefficients of a progressive picture are held in memory, two bytes per sample, until all scans are read. */
const MAX_PROGRESSIVE_BYTES = 2 ** 31;
const NOTABLE_PROGRESSIVE_BYTES = 2 ** 26;

/**
 * Opens a JPEG: profile from its header; pixels decoded once, at the first read, into memory or, above 64 MB, into a tiled
 * copy on disk. Four components become RGB by `(255 − C)(255 − K) / 255`, without a print profile; EXIF orientation is
 * not applied.
 * @throws {InvalidFileError} if the header is damaged, or the kind is not read (lossless, arithmetic, 12 bits)
 */
export async function openJpeg(source: ByteSource, options: PictureOptions = {}): Promise<BlockScene> {
  const { segments, end } = await readHeader(source);
  const frame = frameOf(segments, source.url);
  const orientation = segments.map((segment) => exifOrientation(segment)).find((value) => value !== undefined);
  const isCmyk = frame.components === 4;
  const bytes = frame.width * frame.height * frame.components;
  const inMemory = fitsMemory({ width: frame.width, height: frame.height, bands: isCmyk ? 3 : frame.components, dtype: 'uint8' }, options);
  const header: PictureHeader = {
    format: 'JPEG',
    compression: 'JPEG',
    width: frame.width,
    height: frame.height,
    bands: isCmyk ? 3 : frame.components,
    dtype: 'uint8',
    isRgb: isCmyk || frame.components === 3,
    notes: [
      ...(inMemory ? [] : [copyNote('JPEG', { bytes, bytesPerSecond: COPY_BYTES_PER_SECOND }, options.cacheDir)]),
      ...(await endsEarly(source, end) ? ['it has no end mark: the file may be cut off, and pixels may be missing'] : []),
      ...(isCmyk ? [`four components (${segments.some((segment) => (adobeTransform(segment) ?? 0) === 2) ? 'YCCK' : 'CMYK'}) are turned into RGB without a colour profile`] : []),
      ...(orientation === undefined || orientation === 1 ? [] : [`EXIF orientation ${orientation} is not applied: pixels are as stored`]),
      ...(frame.progressive && frame.width * frame.height * frame.components > NOTABLE_PROGRESSIVE_BYTES / 2
        ? [`progressive JPEG: decoding it once holds about ${Math.ceil((frame.width * frame.height * frame.components * 2) / 2 ** 20)} MB`] : []),
    ],
  };
  checkClaim(source, header);
  const mask = await readAppendedMask(source, frame);
  const blockSize = inMemory ? { width: frame.width, height: frame.height } : { width: COPY_TILE, height: COPY_TILE };
  return createPictureScene(source, header, options, blockSize, async (fingerprint) => {
    try {
      return inMemory ? await decodeToMemory(source, frame) : await decodeToFile(source, frame, options, fingerprint);
    } catch (error) {
      if (error instanceof TilewrightError || (error as NodeJS.ErrnoException).code !== undefined) throw error;
      throw damaged(source, error);
    }
  }, { ...(mask === undefined ? {} : { mask }), levels: inMemory ? [] : shrunkLevels(source, frame, header.bands) });
}

function damaged(source: ByteSource, error: unknown): InvalidFileError {
  return new InvalidFileError(source.url, `the JPEG data are damaged or cut off: ${firstLineOf(error)}`, { cause: error });
}

/** How many times smaller libjpeg can decode, by leaving out high frequencies: area averages at a fraction of the cost. */
const SHRINKS = [2, 4, 8] as const;

/** Shrunken pictures that are larger are not worth holding; the decoded copy has their pixels too. */
const MAX_SHRUNK_BYTES = 64 * 2 ** 20;

function shrunkLevels(source: ByteSource, frame: Frame, bands: number): SceneLevel[] {
  const path = source.path;
  if (path === undefined) return [];
  return SHRINKS.flatMap((shrink) => {
    const width = Math.ceil(frame.width / shrink);
    const height = Math.ceil(frame.height / shrink);
    if (width * height * frame.components > MAX_SHRUNK_BYTES) return [];
    const decode = async (): Promise<TypedArray[]> => {
      try {
        const { data, info } = await pipeline(path, frame.components).resize(width, height, { fit: 'fill' }).raw().toBuffer({ resolveWithObject: true });
        if (info.channels !== frame.components) throw new RangeError(`expected ${frame.components} components, found ${info.channels}`);
        return [frame.components === 4 ? cmykToRgb(data) : data];
      } catch (error) {
        throw damaged(source, error);
      }
    };
    const raster: BlockRaster = { ...memoryRaster(new Uint8Array(0), { width, height, bands, dtype: 'uint8' }), decode };
    return [{ width, height, blockWidth: width, blockHeight: height, pixels: () => Promise.resolve(raster) }];
  });
}

/** Bytes at the end in which the end mark is looked for; some programs write more behind it. */
const TAIL_BYTES = 65536;

async function endsEarly(source: ByteSource, headerEnd: number): Promise<boolean> {
  const start = Math.max(headerEnd, source.size - TAIL_BYTES);
  const tail = Buffer.from(await source.read(start, source.size - start));
  return tail.lastIndexOf(Uint8Array.of(0xff, MARKER.eoi)) < 0;
}

/** The segments before the first scan, and where that begins. */
async function readHeader(source: ByteSource): Promise<{ segments: Segment[]; end: number }> {
  const segments: Segment[] = [];
  let at = 0;
  while (at < Math.min(source.size, MAX_HEADER)) {
    const bytes = await source.read(at, HEADER_STEP);
    const part = readSegments(bytes);
    segments.push(...part.segments);
    if (part.complete) return { segments, end: at + part.next };
    if (part.next === 0) break;
    at += part.next;
  }
  return { segments, end: at };
}

function frameOf(segments: readonly Segment[], url: string): Frame {
  const found = segments.find((segment) => isFrame(segment.marker));
  const frame = found === undefined ? undefined : parseFrame(found);
  if (frame === undefined) throw new InvalidFileError(url, 'the JPEG has no picture: its header ends before the frame', { advice: 'the file is cut off or damaged' });
  if (frame.unusual) throw new InvalidFileError(url, 'lossless, hierarchical and arithmetic-coded JPEGs are not read', { advice: 'convert it to an ordinary JPEG, a PNG or a TIFF' });
  if (frame.precision !== 8) throw new InvalidFileError(url, `JPEGs with ${frame.precision} bits per sample are not read`, { advice: 'convert it to a 16-bit PNG or TIFF' });
  if (frame.width === 0 || frame.height === 0) throw new InvalidFileError(url, `expected a width and height from 1, found ${frame.width} × ${frame.height}`);
  if (![1, 3, 4].includes(frame.components)) throw new InvalidFileError(url, `expected 1, 3 or 4 JPEG components, found ${frame.components}`);
  return frame;
}

/** Tag 274 of the EXIF segment's first directory. */
function exifOrientation(segment: Segment): number | undefined {
  const { data } = segment;
  if (segment.marker !== MARKER.app1 || Buffer.from(data.subarray(0, 6)).toString('latin1') !== 'Exif\0\0' || data.length < 22) return undefined;
  const view = new DataView(data.buffer, data.byteOffset + 6, data.byteLength - 6);
  const littleEndian = view.getUint8(0) === 0x49;
  const start = view.getUint32(4, littleEndian);
  if (start + 2 > view.byteLength) return undefined;
  const count = view.getUint16(start, littleEndian);
  for (let i = 0, at = start + 2; i < count && at + 12 <= view.byteLength; i++, at += 12) {
    if (view.getUint16(at, littleEndian) === 274) return view.getUint16(at + 8, littleEndian);
  }
  return undefined;
}

/** A pipeline that gives the samples as libjpeg does: no profile, no orientation, no change of the number of bands. */
function pipeline(input: string | Uint8Array, components: number): Sharp {
  const picture = sharp(input, { failOn: 'warning', limitInputPixels: false, sequentialRead: true, ignoreIcc: true });
  if (components === 1) return picture.toColourspace('b-w');
  // libvips would turn CMYK into sRGB through a print profile. It turns all files of four components around: CMYK files
  // store 255 for no ink, whether an Adobe marker says so or not (Pillow and GDAL do the same).
  return components === 4 ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture;
}

async function decodeToMemory(source: ByteSource, frame: Frame): Promise<DecodedPicture> {
  const { data, info } = await pipeline(await source.read(0, source.size), frame.components).raw().toBuffer({ resolveWithObject: true });
  const shape = { width: frame.width, height: frame.height, bands: info.channels, dtype: 'uint8' as const };
  if (info.channels !== frame.components || data.length !== frame.width * frame.height * frame.components) {
    throw new RangeError(`expected ${frame.width} × ${frame.height} × ${frame.components} samples, found ${info.width} × ${info.height} × ${info.channels}`);
  }
  const raster = memoryRaster(frame.components === 4 ? cmykToRgb(data) : data, { ...shape, bands: frame.components === 4 ? 3 : frame.components });
  return { raster, release: () => Promise.resolve() };
}

/**
 * libvips writes the copy, row of tiles by row of tiles, in bounded memory (measured: about 220 MB for 20,000²); reading it
 * then takes the ordinary way of an uncompressed TIFF.
 */
async function decodeToFile(source: ByteSource, frame: Frame, options: PictureOptions, fingerprint: string): Promise<DecodedPicture> {
  if (frame.progressive && frame.width * frame.height * frame.components * 2 > MAX_PROGRESSIVE_BYTES) {
    throw new InvalidFileError(source.url, `a progressive JPEG of ${frame.width} × ${frame.height} pixels needs more than 2 GB to decode`,
      { advice: 'convert it to a tiled TIFF on a large machine first' });
  }
  const path = source.path;
  if (path === undefined) throw new InvalidFileError(source.url, 'a JPEG of this size is decoded from a file on this machine', { advice: 'download it first' });
  const file = await cacheFile(options.cacheDir, fingerprint, '.tif');
  const bytes = frame.width * frame.height * frame.components;
  await ensureCacheFile(file, bytes, async (partial) => {
    await pipeline(path, frame.components)
      .tiff({ compression: 'none', tile: true, tileWidth: COPY_TILE, tileHeight: COPY_TILE, bigtiff: true })
      .toFile(partial);
  });
  const copy = await openFileSource(file.path);
  try {
    const raster = await openCopy(copy, frame);
    return {
      raster: frame.components === 4 ? rgbOfCmyk(raster) : raster,
      release: async () => {
        await copy.close();
        await releaseCacheFile(file);
      },
    };
  } catch (error) {
    await copy.close();
    throw error;
  }
}

async function openCopy(copy: ByteSource, frame: Frame): Promise<BlockRaster> {
  const header = await readTiffHeader(copy);
  const directory = header.directories[0]!;
  const picture = await readPicture(directory, copy.url);
  const raster = await createTiffBlocks({ source: copy, header, directory, picture: { ...picture, photometric: PHOTOMETRIC.minIsBlack } }, 'uint8', 0);
  if (raster.width !== frame.width || raster.height !== frame.height || raster.bands !== frame.components) {
    throw new RangeError(`expected a copy of ${frame.width} × ${frame.height} × ${frame.components}, found ${raster.width} × ${raster.height} × ${raster.bands}`);
  }
  return raster;
}

function rgbOfCmyk(raster: BlockRaster): BlockRaster {
  return derivedRaster(raster, {
    bands: 3,
    decode: async (run) => (await raster.decode(run)).map((block) => (block === undefined ? undefined : cmykToRgb(block))),
  });
}

/** `R = (255 − C)(255 − K) / 255`, rounded, and so on. */
export function cmykToRgb(data: TypedArray): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const k = 255 - data[from + 3]!;
    out[to] = divide255((255 - data[from]!) * k);
    out[to + 1] = divide255((255 - data[from + 1]!) * k);
    out[to + 2] = divide255((255 - data[from + 2]!) * k);
  }
  return out;
}

function divide255(value: number): number {
  return (value + 127) / 255 | 0;
}
