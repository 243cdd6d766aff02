import { InvalidFileError, TilewrightError } from '../../errors.js';
import { bytesPerSample, viewAs } from '../../raster/index.js';
import type { TypedArray } from '../../raster/index.js';
import type { BlockRaster } from '../block-raster.js';
import { BufferPool } from '../buffer-pool.js';
import type { ByteSource } from '../byte-source.js';
import { BlockProblem, decodeInThread } from './decode-threads.js';
import { decodeBlock } from './decode.js';
import { PACKED_COMPRESSIONS, isDecodedHere, storedBytes } from './packed-block.js';
import type { BlockShape, DecodeContext } from './packed-block.js';
import { isSubsampled, isWideInteger } from './picture.js';
import { COMPRESSION } from './tags.js';

/** Where the stored bytes of a block are. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The blocks of one picture: where they are, what they hold, and what they are called in messages. */
export interface StoredPicture {
  readonly source: ByteSource;
  readonly context: DecodeContext;
  readonly placeOf: (key: number) => Place;
  readonly shapeOf: (key: number) => BlockShape;
  readonly nameOf: (key: number) => string;
}

/** Stored bytes that are kept between reads, to be written over: six runs of a megabyte, and what their buffers are larger. */
const KEPT_BYTES = 8 * 2 ** 20;

/** The file ends before a block does. */
export function cutOff({ source, nameOf }: Pick<StoredPicture, 'source' | 'nameOf'>, key: number, place: Place): InvalidFileError {
  return new InvalidFileError(source.url, `${nameOf(key)} should end at byte ${place.offset + place.length}, but the file has ${source.size}`,
    { advice: 'the file is cut off; copy or download it again' });
}

/** How runs of blocks are read and decoded, and rows of blocks where nothing has to be decoded. */
export function createRunReader(stored: StoredPicture): Pick<BlockRaster, 'decode' | 'readRows'> {
  const { source, context, placeOf, shapeOf, nameOf } = stored;
  const { compression } = context.picture;
  const isPacked = PACKED_COMPRESSIONS.has(compression);
  const buffers = new BufferPool(KEPT_BYTES);
  const undecodable = (key: number, error: unknown): Error => (error instanceof TilewrightError ? error
    : new InvalidFileError(source.url, `${nameOf(key)} cannot be decoded: ${lowerFirst(error)}`, { cause: error }));

  const decode = async (run: readonly number[], alone = false): Promise<(TypedArray | undefined)[]> => {
    const present = run.filter((key) => placeOf(key).length > 0);
    if (present.length === 0) return run.map(() => undefined);
    const places = present.map(placeOf);
    const start = Math.min(...places.map((place) => place.offset));
    const length = Math.max(...places.map((place) => place.offset + place.length)) - start;
    // What is unpacked needs its stored bytes no longer; other decoders keep them, or hand them on.
    const pooled = isPacked && source.readInto !== undefined;
    let bytes = pooled ? buffers.take(length) : await source.read(start, length);
    if (pooled) bytes = bytes.subarray(0, await source.readInto(bytes, start));
    const parts = places.map((place) => bytes.subarray(place.offset - start, place.offset - start + place.length));
    for (const [i, part] of parts.entries()) if (part.length < places[i]!.length) throw cutOff(stored, present[i]!, places[i]!);
    const shapes = present.map(shapeOf);
    const apart = !alone && isDecodedHere(compression) && (pooled || bytes.byteLength === bytes.buffer.byteLength) ? decodeInThread(bytes, places.map((place, i) => (
      { offset: place.offset - start, length: place.length, shape: shapes[i]! })), context) : undefined;
    let decoded: readonly TypedArray[];
    if (apart !== undefined) {
      const answer = await apart.catch((error: unknown) => { throw error instanceof BlockProblem ? undecodable(present[error.block]!, error) : error; });
      // The thread is gone, and the bytes with it.
      if (answer === undefined) return decode(run, true);
      decoded = answer.blocks;
      bytes = answer.stored;
    } else {
      decoded = await Promise.all(present.map((key, i) => (
        // Views of one large buffer would keep all of it alive in the cache.
        decodeBlock(present.length > 1 && compression === COMPRESSION.none ? parts[i]!.slice() : parts[i]!, shapes[i]!, context)
          .catch((error: unknown) => { throw undecodable(key, error); }))));
    }
    if (pooled) buffers.give(bytes);
    if (present.length === run.length) return [...decoded];
    const byKey = new Map(present.map((key, i) => [key, decoded[i]!]));
    return run.map((key) => byKey.get(key));
  };

  const readInto = source.readInto;
  if (readInto === undefined || !liesAsInMemory(context)) return { decode: (run) => decode(run) };
  return {
    decode: (run) => decode(run),
    readRows: async (key, firstRow, rows, memory) => {
      const place = placeOf(key);
      if (place.length === 0) return undefined;
      const shape = shapeOf(key);
      const least = storedBytes(context.picture, { ...shape, rows: shape.needed });
      if (place.length < least) throw undecodable(key, new RangeError(`expected ${least} bytes, found ${place.length}`));
      const rowBytes = storedBytes(context.picture, { ...shape, rows: 1 });
      const target = memory.subarray(0, rows * rowBytes);
      if (await readInto(target, place.offset + firstRow * rowBytes) < target.length) throw cutOff(stored, key, place);
      return viewAs(context.dtype, target.buffer, 0, target.length / bytesPerSample(context.dtype));
    },
  };
}

/** Whether stored samples need nothing done to them. */
function liesAsInMemory({ picture, dtype, littleEndian }: DecodeContext): boolean {
  return picture.compression === COMPRESSION.none && picture.bits === 8 * bytesPerSample(dtype) && (littleEndian || picture.bits === 8)
    && picture.fillOrder !== 2 && !isWideInteger(picture) && !isSubsampled(picture);
}

function lowerFirst(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n')[0] ?? '';
  // Names of codecs stay as they are.
  return /^[A-Z][a-z]/.test(line) ? `${line.charAt(0).toLowerCase()}${line.slice(1)}` : line;
}
