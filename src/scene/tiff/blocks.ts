import { InvalidFileError } from '../../errors.js';
import { bytesPerSample } from '../../raster/index.js';
import type { DataType } from '../../raster/index.js';
import type { BlockRaster } from '../block-raster.js';
import type { ByteSource } from '../byte-source.js';
import { colourConversion, convertRaster } from './colour-conversion.js';
import { joinParts, partsInRows } from './complex-planes.js';
import { DECODED_COMPRESSIONS } from './decode.js';
import type { Directory } from './directory.js';
import { oldJpegBlocks } from './old-jpeg.js';
import { cannotHold, storedBytes } from './packed-block.js';
import type { BlockShape, DecodeContext } from './packed-block.js';
import type { TiffImage } from './pages.js';
import { isSubsampled } from './picture.js';
import type { TiffPicture } from './picture.js';
import { createRunReader, cutOff } from './run-reader.js';
import type { Place, StoredPicture } from './run-reader.js';
import { isReadSgiLog, isSgiLog } from './sgi-log.js';
import { WRAPPED_COMPRESSIONS } from './wrapped-block.js';
import { COMPRESSION, COMPRESSION_NAMES, PHOTOMETRIC, TAG } from './tags.js';

/** Uncompressed strips larger than this are read in pieces of whole rows. */
const PIECE_BYTES = 1 << 18;
/** Pieces may be so many times smaller to fit the strips, or as large as this. */
const FEW_ROWS = 8;
const LARGEST_PIECE_BYTES = 1 << 22;

/** Blocks that lie together are read together, up to so many stored bytes, and over gaps up to so many. */
const RUN_BYTES = 1 << 20;
const RUN_GAP = 4096;
/** Reading so much of a file on this machine costs less than another read. */
const LOCAL_RUN_GAP = 1 << 16;
/** Bytes of decoded blocks that one read of a file on this machine brings: the blocks of a run are there together, and copied together. */
const LOCAL_RUN_BYTES = 1 << 21;

/** Tables and markers that a tiny block may carry. */
const STORED_SLACK = 65536;

/** The largest block that is decoded in memory. */
export const MAX_BLOCK_BYTES = 1 << 29;

/**
 * The pixels of one directory. Offsets are read here; nothing is decoded before it is asked for.
 * @throws {InvalidFileError} if the compression or layout is not read, blocks are missing from the lists, or the file ends before
 * the end of a block
 */
export async function createTiffBlocks(image: TiffImage, dtype: DataType, fill: number): Promise<BlockRaster> {
  refuseUnread(image.picture, image.source.url);
  if (image.picture.isComplex && image.picture.planar) {
    return joinParts(await storedBlocks({ ...image, picture: partsInRows(image.picture) }, dtype, fill));
  }
  const raster = await storedBlocks(image, dtype, fill);
  const conversion = colourConversion(image.picture);
  return conversion === undefined ? raster : convertRaster(raster, conversion);
}

async function storedBlocks({ source, header, directory, picture }: TiffImage, dtype: DataType, fill: number): Promise<BlockRaster> {
  const planes = picture.planar ? picture.samples : 1;
  const samples = picture.planar ? 1 : picture.samples;
  const across = Math.ceil(picture.width / picture.tileWidth);
  const tilesDown = Math.ceil(picture.height / picture.tileHeight);
  const places = await readPlaces(source, directory, picture, across * tilesDown * planes);
  if (picture.compression === COMPRESSION.oldJpeg) {
    return oldJpegBlocks({ source, header, directory, picture }, Array.from({ length: across * tilesDown * planes }, (_, i) => places(i)));
  }
  const rowBytes = isSubsampled(picture)
    ? storedBytes(picture, { width: picture.tileWidth, rows: picture.tileHeight, samples }) / picture.tileHeight
    : storedBytes(picture, { width: picture.tileWidth, rows: 1, samples });
  const pieceRows = piecesOf(picture, rowBytes);
  const piecesPerTile = Math.ceil(picture.tileHeight / pieceRows);
  const down = Math.ceil(picture.height / pieceRows);
  const memoryBytes = picture.tileWidth * pieceRows * samples * bytesPerSample(dtype);
  if (memoryBytes > MAX_BLOCK_BYTES) {
    throw new InvalidFileError(source.url, `its blocks of ${picture.tileWidth} × ${picture.tileHeight} pixels need ${Math.ceil(memoryBytes / 2 ** 20)} MB each, more than the ${MAX_BLOCK_BYTES / 2 ** 20} MB that are decoded at once`,
      { advice: 'rewrite it in tiles, for example with gdal_translate -co TILED=YES -co COMPRESS=DEFLATE' });
  }
  const jpegTables = picture.compression === COMPRESSION.jpeg ? await directory.bytes(TAG.jpegTables) : undefined;
  const context: DecodeContext = {
    picture, dtype, littleEndian: header.littleEndian, jpegTables,
    lercAround: (await directory.numbers(TAG.lercParameters))?.[1] ?? 0,
    faxOptions: await directory.number(picture.compression === COMPRESSION.ccittG3 ? TAG.t4Options : TAG.t6Options) ?? 0,
  };

  const shapeOf = (key: number): BlockShape => {
    const row = Math.floor(key / across) % down;
    // Tiles are always whole; strips end with the picture.
    const needed = Math.min(pieceRows, picture.height - row * pieceRows);
    return { width: picture.tileWidth, rows: picture.tiled ? pieceRows : needed, needed, samples };
  };
  // No coding makes a block more than twice as long; a longer claim must not be allocated.
  const longest = 2 * pieceRows * rowBytes + STORED_SLACK;
  const placeOf = (key: number): Place => {
    if (piecesPerTile === 1) return clamp(places(key), longest);
    const plane = Math.floor(key / (across * down));
    const row = Math.floor(key / across) % down;
    const tile = places((plane * tilesDown + Math.floor(row / piecesPerTile)) * across + key % across);
    const skip = (row % piecesPerTile) * pieceRows * rowBytes;
    if (tile.length === 0) return tile;
    return { offset: tile.offset + skip, length: Math.max(0, Math.min(shapeOf(key).rows * rowBytes, tile.length - skip)) };
  };
  const nameOf = (key: number): string => {
    const place = `column ${key % across}, row ${Math.floor(key / across) % down}`;
    return `block ${key} (${place}${planes > 1 ? `, band ${Math.floor(key / (across * down)) + 1}` : ''})`;
  };
  const stored: StoredPicture = { source, context, placeOf, shapeOf, nameOf };
  const neededRows = (index: number): number => picture.height - (Math.floor(index / across) % tilesDown) * picture.tileHeight;
  // Told at once, not after hours of work on the rows before. One look per stored tile: a strip that is read in pieces can
  // claim to have more of them than anyone can count.
  for (let index = 0; index < across * tilesDown * planes; index++) {
    const whole = clamp(places(index), piecesPerTile === 1 ? longest : Number.MAX_SAFE_INTEGER);
    const rows = picture.tiled ? picture.tileHeight : Math.min(picture.tileHeight, picture.height - (Math.floor(index / across) % tilesDown) * picture.tileHeight);
    const place = piecesPerTile === 1 ? whole : { offset: whole.offset, length: Math.min(whole.length, rows * rowBytes) };
    if (place.offset + place.length > source.size) throw cutOff(stored, index, place);
    if (whole.length === 0) continue;
    const least = storedBytes(picture, { width: picture.tileWidth, rows: Math.min(rows, neededRows(index)), samples });
    if (cannotHold(picture.compression, whole.length, least)) {
      throw new InvalidFileError(source.url, `${nameOf(index)} cannot be decoded: expected ${least} bytes, but ${whole.length} stored bytes cannot hold them`, { advice: 'the file is damaged' });
    }
  }
  return {
    width: picture.width, height: picture.height, bands: picture.samples, dtype, planes, fill,
    blockWidth: picture.tileWidth, blockHeight: pieceRows,
    runs: (keys) => (source.readInto === undefined ? groupRuns(keys, placeOf, Infinity, RUN_GAP) : groupRuns(keys, placeOf, Math.max(1, Math.floor(LOCAL_RUN_BYTES / memoryBytes)), LOCAL_RUN_GAP)),
    ...createRunReader(stored),
  };
}

/** Compressions that do not look at samples. */
const COMPLEX_COMPRESSIONS: ReadonlySet<number> = new Set([
  COMPRESSION.none, COMPRESSION.deflate, COMPRESSION.oldDeflate, COMPRESSION.lzw, COMPRESSION.packBits, COMPRESSION.zstd, COMPRESSION.lzma,
]);

/**
 * Rows per piece: whole tiles and compressed strips cannot be divided. Pieces are counted down the picture, so all strips but a
 * lone one must hold a whole number of them.
 */
function piecesOf(picture: TiffPicture, rowBytes: number): number {
  if (picture.tiled || picture.compression !== COMPRESSION.none || isSubsampled(picture)) return picture.tileHeight;
  const most = Math.max(1, Math.min(picture.tileHeight, Math.floor(PIECE_BYTES / rowBytes)));
  if (picture.tileHeight >= picture.height) return most;
  let below = most;
  while (picture.tileHeight % below !== 0) below--;
  if (below * FEW_ROWS >= most) return below;
  // A prime number of rows: somewhat larger pieces rather than single rows.
  let above = most;
  while (picture.tileHeight % above !== 0) above++;
  return above * rowBytes <= LARGEST_PIECE_BYTES ? above : below;
}

function groupRuns(keys: readonly number[], placeOf: (key: number) => Place, most: number, widest: number): number[][] {
  const runs: number[][] = [];
  let bytes = 0;
  let end = -1;
  for (const key of keys) {
    const place = placeOf(key);
    const gap = place.offset - end;
    const fits = place.length === 0 || (gap >= 0 && gap <= widest && bytes + gap + place.length <= RUN_BYTES);
    const last = runs.at(-1);
    if (last !== undefined && end >= 0 && fits && last.length < most) {
      last.push(key);
      if (place.length > 0) bytes += gap + place.length;
    } else {
      runs.push([key]);
      bytes = place.length;
    }
    if (place.length > 0) end = place.offset + place.length;
  }
  return runs;
}

/** Offsets and lengths of all blocks, checked in number; a length or offset of 0 is a block that the file leaves out. */
async function readPlaces(source: ByteSource, directory: Directory, picture: TiffPicture, count: number): Promise<(index: number) => Place> {
  const what = picture.tiled ? 'tile' : 'strip';
  // GDAL and libtiff accept either pair of tags for either layout.
  const offsets = await directory.numbers(TAG.tileOffsets) ?? await directory.numbers(TAG.stripOffsets);
  const lengths = await directory.numbers(TAG.tileByteCounts) ?? await directory.numbers(TAG.stripByteCounts);
  if (offsets === undefined || offsets.length < count) {
    throw new InvalidFileError(source.url, `expected the offsets of ${count} ${what}s, found ${offsets?.length ?? 0}`, { advice: 'the file is damaged' });
  }
  const shape = { width: picture.tileWidth, rows: picture.tileHeight, samples: picture.planar ? 1 : picture.samples };
  const isLone = count === 1 && !picture.tiled && offsets[0]! > 0 && lengths !== undefined && !isLikely(lengths[0]!, source.size - offsets[0]!, storedBytes(picture, shape), picture.compression);
  if (lengths !== undefined && lengths.length >= count && !isLone) return (index) => placeAt(offsets[index]!, lengths[index]!);
  // Some old writers leave the lengths out where they are plain.
  if (picture.compression === COMPRESSION.none) {
    const length = storedBytes(picture, shape);
    return (index) => placeAt(offsets[index]!, Math.min(length, source.size - offsets[index]!));
  }
  if (count === 1) return (index) => placeAt(offsets[index]!, source.size - offsets[index]!);
  throw new InvalidFileError(source.url, `expected the lengths of ${count} ${what}s, found ${lengths?.length ?? 0}`, { advice: 'the file is damaged' });
}

/** Whether the length of a picture's only strip can be true; where it cannot, libtiff takes what the picture needs. */
function isLikely(length: number, rest: number, needed: number, compression: number): boolean {
  if (compression !== COMPRESSION.none) return length > 0;
  return rest < needed || (length >= needed && length <= rest);
}

function clamp(place: Place, length: number): Place {
  return place.length <= length ? place : { offset: place.offset, length };
}

function placeAt(offset: number, length: number): Place {
  // Fractions and more than any file has come from damaged tags; such a block ends beyond the file.
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return { offset: Number.MAX_SAFE_INTEGER, length: 1 };
  return offset === 0 || length === 0 ? { offset: 0, length: 0 } : { offset, length };
}

function refuseUnread(picture: TiffPicture, url: string): void {
  if (!DECODED_COMPRESSIONS.has(picture.compression)) {
    const name = COMPRESSION_NAMES.get(picture.compression) ?? `number ${picture.compression}`;
    throw new InvalidFileError(url, `its compression (${name}) is not read`, { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE' });
  }
  if (isSgiLog(picture) && !isReadSgiLog(picture)) {
    throw new InvalidFileError(url, `${COMPRESSION_NAMES.get(picture.compression)} with ${picture.samples} samples of ${picture.bits} bits is not read`, { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE' });
  }
  if (picture.isComplex && !COMPLEX_COMPRESSIONS.has(picture.compression)) {
    throw new InvalidFileError(url, `complex numbers with the compression ${COMPRESSION_NAMES.get(picture.compression) ?? picture.compression} are not read`, { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE' });
  }
  const advice = { advice: 'rewrite it, for example with gdal_translate -co COMPRESS=DEFLATE' };
  const isJpeg = picture.compression === COMPRESSION.jpeg;
  if (isJpeg && picture.bits !== 8) throw new InvalidFileError(url, `JPEG blocks with ${picture.bits} bits are not read`, advice);
  if (picture.photometric === PHOTOMETRIC.ycbcr && !isJpeg && picture.compression !== COMPRESSION.oldJpeg && (picture.bits !== 8 || picture.samples !== 3)) {
    throw new InvalidFileError(url, `YCbCr with ${picture.samples} samples of ${picture.bits} bits is not read`, advice);
  }
  const [h, v] = picture.subsampling;
  if (isSubsampled(picture) && (![1, 2, 4].includes(h) || ![1, 2, 4].includes(v))) {
    throw new InvalidFileError(url, `expected chroma for 1, 2 or 4 pixels, found ${h} × ${v}`);
  }
  const isWrapped = WRAPPED_COMPRESSIONS.has(picture.compression);
  const name = COMPRESSION_NAMES.get(picture.compression) ?? '';
  if (isWrapped && (picture.bits > 4 || (picture.samples > 1 && !picture.planar))) {
    throw new InvalidFileError(url, `${name} with ${picture.samples} samples of ${picture.bits} bits is not read`, advice);
  }
  if (picture.compression === COMPRESSION.webp && (picture.bits !== 8 || picture.planar || picture.samples < 3 || picture.samples > 4)) {
    throw new InvalidFileError(url, `${name} with ${picture.samples} samples of ${picture.bits} bits is not read`, advice);
  }
}
