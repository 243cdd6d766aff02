import { InvalidFileError } from '../../errors.js';
import type { BlockRaster } from '../block-raster.js';
import { MARKER, isFrame, parseFrame, readSegments } from '../jpeg-segments.js';
import { decodePicture, spliceTables } from './jpeg-block.js';
import type { TiffImage } from './pages.js';
import { PHOTOMETRIC, TAG } from './tags.js';
import { createYcbcrTable, ycbcrToRgb } from './ycbcr.js';

interface Place { readonly offset: number; readonly length: number }

const TABLE_BYTES = 64;
const CODE_LENGTHS = 16;
/** Streams are decoded as a whole; such files are small and old. */
const MAX_PIXELS = 2 ** 26;
const END_OF_IMAGE = Uint8Array.of(0xff, MARKER.eoi);

/**
 * Old-style JPEG (TIFF 6.0, section 22; compression 6), which TIFF Technical Note 2 withdrew: a JPEG stream somewhere in the
 * file, or bare data with the tables in tags.
 * @throws {InvalidFileError} if it is stored in another way
 */
export async function oldJpegBlocks(image: TiffImage, places: readonly Place[]): Promise<BlockRaster> {
  const { source, picture } = image;
  const { width, height, samples, bits, planar } = picture;
  const refuse = (message: string): never => { throw new InvalidFileError(source.url, message, { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE' }); };
  if (bits !== 8 || planar || (samples !== 1 && samples !== 3)) refuse(`old-style JPEG with ${samples} ${planar ? 'separate ' : ''}samples of ${bits} bits is not read`);
  if (width * height > MAX_PIXELS || picture.tileWidth * picture.tileHeight > MAX_PIXELS) refuse(`old-style JPEG of ${width} × ${height} pixels is not read`);
  const shape = { width, height, bands: samples, dtype: 'uint8' as const, planes: 1, fill: 0, runs: (keys: readonly number[]) => keys.map((key) => [key]) };
  const decode = async (stream: Uint8Array, name: string, least: { readonly width: number; readonly height: number }): Promise<Uint8Array> => {
    try {
      return await samplesOf(stream, image, least);
    } catch (error) {
      throw new InvalidFileError(source.url, `${name} of old-style JPEG cannot be decoded: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`, { cause: error });
    }
  };
  const whole = await wholeStream(image, places);
  if (whole !== undefined) {
    return { ...shape, blockWidth: width, blockHeight: height, decode: async () => [await decode(whole, 'the stream', { width, height })] };
  }
  const tables = await tablesOf(image) ?? refuse('old-style JPEG without its tables is not read');
  const across = Math.ceil(width / picture.tileWidth);
  return {
    ...shape, blockWidth: picture.tileWidth, blockHeight: picture.tileHeight,
    decode: (run) => Promise.all(run.map(async (key) => {
      const place = places[key]!;
      if (place.length === 0) return undefined;
      const left = height - Math.floor(key / across) * picture.tileHeight;
      const rows = picture.tiled ? picture.tileHeight : Math.min(picture.tileHeight, left);
      const data = await source.read(place.offset, place.length);
      const isStream = data[0] === 0xff && data[1] === MARKER.soi;
      const stream = isStream ? data : Buffer.concat([tables, frameAndScan(image, rows), data, END_OF_IMAGE]);
      return decode(stream, `block ${key}`, { width: picture.tileWidth, height: Math.min(rows, left) });
    })),
  };
}

/** Red, green, blue or gray; chroma is turned by the numbers in the TIFF, not by those of JPEG. */
async function samplesOf(stream: Uint8Array, { picture }: TiffImage, least: { readonly width: number; readonly height: number }): Promise<Uint8Array> {
  const { segments } = readSegments(stream);
  const found = segments.find((part) => isFrame(part.marker));
  const frame = found === undefined ? undefined : parseFrame(found);
  if (frame === undefined || frame.components !== picture.samples || frame.width !== least.width || frame.height < least.height) {
    throw new RangeError(`expected a JPEG of ${least.width} × ${least.height} × ${picture.samples}, found ${frame === undefined ? 'none' : `${frame.width} × ${frame.height} × ${frame.components}`}`);
  }
  // Old writers leave nonsense in the scan's last three bytes, which say something of progressive streams only.
  const scan = segments.find((part) => part.marker === MARKER.sos);
  if (!frame.progressive && scan !== undefined) stream.set([0, 63, 0], scan.end - 3);
  const data = await decodePicture(spliceTables(stream, undefined, picture.samples === 1 ? undefined : 0), picture.samples);
  if (picture.photometric !== PHOTOMETRIC.ycbcr || picture.samples !== 3) return data;
  return ycbcrToRgb(data, createYcbcrTable(picture.ycbcrCoefficients, picture.referenceBlackWhite));
}

/** The stream that tag 513 points to, with the data of the strips behind it where they stand elsewhere. */
async function wholeStream({ source, directory, picture }: TiffImage, places: readonly Place[]): Promise<Uint8Array | undefined> {
  const offset = await directory.number(TAG.jpegInterchange) ?? 0;
  if (offset <= 0 || offset >= source.size || picture.tiled) return undefined;
  const length = await directory.number(TAG.jpegInterchangeLength) ?? 0;
  const first = places[0] ?? { offset: 0, length: 0 };
  const end = Math.min(source.size, Math.max(offset + length, ...places.slice(0, 65536).map((place) => place.offset + place.length)));
  if (first.offset >= offset && first.offset < end && (length === 0 || first.offset < offset + length)) {
    return Buffer.concat([await source.read(offset, end - offset), END_OF_IMAGE]);
  }
  const { segments } = readSegments(await source.read(offset, Math.min(length, 65536)));
  const scan = segments.find((segment) => segment.marker === MARKER.sos);
  if (scan === undefined) return undefined;
  const parts = await Promise.all(places.map((place) => source.read(place.offset, place.length)));
  return Buffer.concat([await source.read(offset, scan.end), ...parts, END_OF_IMAGE]);
}

/** Start of image, quantisation and Huffman tables, restart interval. `undefined` if the tags have none. */
async function tablesOf({ source, directory, picture }: TiffImage): Promise<Uint8Array | undefined> {
  const q = await directory.numbers(TAG.jpegQTables);
  const dc = await directory.numbers(TAG.jpegDcTables);
  const ac = await directory.numbers(TAG.jpegAcTables);
  if (q === undefined || dc === undefined || ac === undefined || Math.min(q.length, dc.length, ac.length) < picture.samples) return undefined;
  const parts: Uint8Array[] = [Uint8Array.of(0xff, MARKER.soi)];
  for (let i = 0; i < picture.samples; i++) {
    parts.push(segment(0xdb, Buffer.concat([Uint8Array.of(i), await source.read(q[i]!, TABLE_BYTES)])));
    for (const [kind, offset] of [[0, dc[i]!], [0x10, ac[i]!]] as const) {
      const lengths = await source.read(offset, CODE_LENGTHS);
      const values = await source.read(offset + CODE_LENGTHS, Math.min(256, lengths.reduce((sum, count) => sum + count, 0)));
      parts.push(segment(0xc4, Buffer.concat([Uint8Array.of(kind | i), lengths, values])));
    }
  }
  const restart = await directory.number(TAG.jpegRestartInterval) ?? 0;
  if (restart > 0) parts.push(segment(0xdd, Uint8Array.of(restart >> 8, restart & 255)));
  return Buffer.concat(parts);
}

function frameAndScan({ picture }: TiffImage, rows: number): Uint8Array {
  const { samples, tileWidth, subsampling } = picture;
  const sampling = samples === 3 && picture.photometric === PHOTOMETRIC.ycbcr ? subsampling[0] << 4 | subsampling[1] : 0x11;
  const components = Array.from({ length: samples }, (_, i) => [i + 1, i === 0 ? sampling : 0x11, i]).flat();
  const scan = Array.from({ length: samples }, (_, i) => [i + 1, i << 4 | i]).flat();
  return Buffer.concat([
    segment(0xc0, Uint8Array.of(8, rows >> 8, rows & 255, tileWidth >> 8, tileWidth & 255, samples, ...components)),
    segment(MARKER.sos, Uint8Array.of(samples, ...scan, 0, 63, 0)),
  ]);
}

function segment(marker: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255), data]);
}
