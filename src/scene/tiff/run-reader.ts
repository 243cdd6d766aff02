import { InvalidFileError, TilewrightError } from '../../errors.js';
import { bytesPerSample, viewAs } from '../../raster/index.js';
import type { TypedArray } from '../../raster/index.js';
import type { BlockRaster } from '../block-raster.js';
import { lendBlock } from '../block-memory.js';
import { BufferPool } from '../buffer-pool.js';
import type { ByteSource } from '../byte-source.js';
import { decodeAtOnce, decodeInThread } from './decode-threads.js';
import { decodeBlock } from './decode.js';
import { kernelWork } from './kernel-work.js';
import type { KernelWork } from './kernel-work.js';
import { PACKED_COMPRESSIONS, refuseImpossible, samplesOf, storedBytes } from './packed-block.js';
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
  if (place.offset + place.length <= source.size) {
    return new InvalidFileError(source.url, `${nameOf(key)} ends before byte ${place.offset + place.length}: the file became shorter than the ${source.size} bytes that it had when it was opened`,
      { advice: 'run again when the file is whole' });
  }
  return new InvalidFileError(source.url, `${nameOf(key)} should end at byte ${place.offset + place.length}, but the file has ${source.size}`,
    { advice: 'the file is cut off; copy or download it again' });
}

/** How runs of blocks are read and decoded, and rows of blocks where nothing has to be decoded. */
export function createRunReader(stored: StoredPicture): Pick<BlockRaster, 'decode' | 'readRows'> {
  const { source, context, placeOf, shapeOf, nameOf } = stored;
  const { compression } = context.picture;
  const isPacked = PACKED_COMPRESSIONS.has(compression);
  const buffers = new BufferPool(KEPT_BYTES, 'shared');
  const undecodable = (key: number, error: unknown): Error => (error instanceof TilewrightError ? error
    : new InvalidFileError(source.url, `${nameOf(key)} cannot be decoded: ${lowerFirst(error)}`, { cause: error }));

  const isPlain = compression === COMPRESSION.none && context.picture.fillOrder !== 2;
  /** Small blocks and those that need no decoding come at once: there may be thousands of them in a run. */
  const decodeOne = (key: number, part: Uint8Array): TypedArray | Promise<TypedArray> => {
    const shape = shapeOf(key);
    if (isPlain) {
      try {
        refuseImpossible(part, shape, context.picture);
        return samplesOf(part, shape, context);
      } catch (error) {
        throw undecodable(key, error);
      }
    }
    const work = isPacked ? kernelWork(part, shape, context) : undefined;
    const atOnce = work === undefined ? undefined : decodeAtOnce(part, work);
    return atOnce === undefined ? decodeLater(key, part, shape, work) : wholeRows(atOnce, shape, context);
  };
  const decodeLater = async (key: number, part: Uint8Array, shape: BlockShape, work: KernelWork | undefined): Promise<TypedArray> => {
    const bytes = work === undefined ? undefined : await decodeInThread(part, work);
    if (bytes !== undefined) return lendBlock(wholeRows(bytes, shape, context));
    return decodeBlock(part, shape, context).catch((error: unknown) => { throw undecodable(key, error); });
  };

  const decode = async (run: readonly number[]): Promise<(TypedArray | undefined)[]> => {
    const present = run.filter((key) => placeOf(key).length > 0);
    if (present.length === 0) return run.map(() => undefined);
    const places = present.map(placeOf);
    let start = Infinity;
    let end = 0;
    for (const place of places) {
      start = Math.min(start, place.offset);
      end = Math.max(end, place.offset + place.length);
    }
    const length = end - start;
    // What is unpacked needs its stored bytes no longer; other decoders keep them, or hand them on.
    const copies = present.length > 1 && compression === COMPRESSION.none;
    const pooled = (isPacked || copies) && source.readInto !== undefined;
    let bytes = pooled ? buffers.take(length) : await source.read(start, length);
    if (pooled) bytes = bytes.subarray(0, await source.readInto(bytes, start));
    const parts = places.map((place) => bytes.subarray(place.offset - start, place.offset - start + place.length));
    for (const [i, part] of parts.entries()) if (part.length < places[i]!.length) throw cutOff(stored, present[i]!, places[i]!);
    // Views of one large buffer would keep all of it alive in the cache.
    const owned = copies ? parts.map((part) => part.slice()) : parts;
    const results = present.map((key, i) => decodeOne(key, owned[i]!));
    const decoded = results.some((result) => result instanceof Promise) ? await Promise.all(results.map((result) => Promise.resolve(result))) : results as TypedArray[];
    if (pooled) buffers.give(bytes);
    if (present.length === run.length) return decoded;
    const byKey = new Map(present.map((key, i) => [key, decoded[i]!]));
    return run.map((key) => byKey.get(key));
  };

  const readInto = source.readInto;
  if (readInto === undefined || !liesAsInMemory(context)) return { decode };
  return {
    decode,
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

/** Samples of unpacked bytes, as many rows as there are. */
function wholeRows(bytes: Uint8Array, shape: BlockShape, { picture, dtype }: DecodeContext): TypedArray {
  const rowBytes = storedBytes(picture, { ...shape, rows: 1 });
  return viewAs(dtype, bytes.buffer, 0, Math.floor(bytes.length / rowBytes) * rowBytes / bytesPerSample(dtype));
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
