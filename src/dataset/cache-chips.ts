import sharp from 'sharp';
import { throwIfAborted, TilewrightError } from '../errors.js';
import type { ChipSamples, Split } from '../samples/index.js';
import { cacheKeys } from './cache-key.js';
import type { ChipList } from './chip-list.js';
import { averageSquares, type Picture } from './decode.js';
import type { Problems } from './problems.js';
import { createSampleFile, openSampleFile, type SampleFile } from './sample-file.js';

export interface CacheChipsOptions {
  /** Edge that chips are brought to, in pixels. */
  readonly size: number;
  /** The cache file: read if it is of the same data and options, else written. */
  readonly file: string;
  /** What the decoded pixels depend on beside files and size. */
  readonly identity: object;
  readonly colors: readonly string[];
  readonly problems: Problems;
  /** For messages. */
  readonly source: string;
  /** Called with the key of the data ({@link CacheKeys}) before anything is decoded; may refuse. Not where there are faults already. */
  readonly onKey?: (key: string) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Pictures decoded at a time: enough to keep sharp's threads busy; all that is in memory. */
const AT_A_TIME = 32;

interface Header { readonly names: readonly string[]; readonly targets: string; readonly size: number }

/**
 * Decodes chips once into a cache file and opens it. With the same files and options the file is used as it is: nothing is
 * decoded. All pictures that cannot be decoded are reported together with the faults found before.
 * @throws {InvalidFileError} with all faults
 */
export async function cacheChips(list: ChipList, options: CacheChipsOptions): Promise<ChipSamples> {
  const { size, problems } = options;
  // Rows without pictures are known already; decoding goes on all the same, so that everything is reported at once.
  const keys = problems.faults > 0 ? undefined : await cacheKeys(list.files, { ...options.identity, size, kind: 'chips', names: list.names, tags: list.tags, targets: Buffer.from(list.targets).toString('latin1') });
  if (keys !== undefined) await options.onKey?.(keys.data);
  const key = keys?.cache ?? '';
  const kept = key === '' ? undefined : openSampleFile<Header>(options.file, key);
  if (kept !== undefined) {
    for (const { kind, count, examples } of kept.remarks) problems.remark(kind, examples, count);
    return samplesOf(list, kept, options);
  }
  const before = new Set(problems.all.map(({ kind }) => kind));
  const bytes = size * size * 3;
  const writer = await createSampleFile<Header>(options.file, key);
  try {
    for (let start = 0; start < list.names.length; start += AT_A_TIME) {
      throwIfAborted(options.signal);
      const indices = Array.from({ length: Math.min(AT_A_TIME, list.names.length - start) }, (_, offset) => start + offset);
      const decoded = await Promise.all(indices.map((index) => decodeChip(list, index, size)));
      // Told in the order of the list, whichever was decoded first.
      for (const [offset, { data, picture, error }] of decoded.entries()) {
        const file = list.fileOf(start + offset);
        if (picture === undefined) noteUnreadable(problems, error, file);
        else noteNotSquare(problems, picture, file);
        if (picture !== undefined && picture.width < size && picture.height < size) problems.remark(`chip smaller than the network's input of ${size} pixels, enlarged to it (network.size)`, `${file}: ${picture.width} × ${picture.height}`);
        await writer.write((start + offset) * bytes, data ?? new Uint8Array(bytes));
      }
      options.onProgress?.(Math.min(list.names.length, start + AT_A_TIME), list.names.length);
    }
    problems.throwIfAny(options.source);
    await writer.finish({ names: list.names, targets: Buffer.from(list.targets).toString('base64'), size }, problems.all.filter(({ kind, fault }) => !fault && !before.has(kind)));
  } catch (error) {
    await writer.abandon();
    await list.close();
    throw error;
  }
  return samplesOf(list, openSampleFile<Header>(options.file, key)!, options);
}

type DecodedChip = { readonly data: Picture['data']; readonly picture: Pick<Picture, 'width' | 'height'>; readonly error?: undefined }
  | { readonly data?: undefined; readonly picture?: undefined; readonly error: unknown };

async function decodeChip(list: ChipList, index: number, size: number): Promise<DecodedChip> {
  try {
    const picture = await list.decode(index);
    return { data: (await toSize(picture, size)).data, picture };
  } catch (error) {
    return { error };
  }
}

/** Chips are brought to a square, whatever their shape: what they show is squeezed then. */
export function noteNotSquare(problems: Problems, { width, height }: Pick<Picture, 'width' | 'height'>, file: string): void {
  if (width !== height) problems.remark('chip that is not square, squeezed to a square', `${file}: ${width} × ${height}`);
}

/**
 * An unreadable picture is a fault of the data, told by its file and why; one that is not there was reported before; anything else is not
 * the data's fault.
 */
export function noteUnreadable(problems: Problems, error: unknown, file: string): void {
  if (!(error instanceof TilewrightError)) throw error;
  // A row without a picture is known from the list.
  if (/called .*, found none$/.test(error.message)) return;
  const reason = reasonOf(error, file);
  if (error.advice === undefined) problems.add('picture that cannot be decoded', `${file}: ${reason}`);
  else problems.add(`picture that cannot be used: ${reason}, ${error.advice}`, file);
}

/** An error's message without the file that it is about, and without what is said of every such file. */
export function reasonOf({ message }: TilewrightError, file: string): string {
  const text = message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message.replace(/^[^:]*: /, '');
  return text.replace(/^expected a JPEG or PNG picture, found one that cannot be decoded: /, '');
}

function samplesOf(list: ChipList, file: SampleFile<Header>, options: CacheChipsOptions): ChipSamples {
  const { size, colors } = options;
  const bytes = size * size * 3;
  const { tags, exclusive, names, groups, targets, parts } = list;
  return {
    kind: 'chips', count: names.length, size, tags, colors, exclusive, targets, groups, ...(parts === undefined ? {} : { parts: parts satisfies Split }), fingerprint: file.fingerprint,
    nameOf: (index) => names[index]!,
    read: (index, into, offset) => file.read(index * bytes, into.subarray(offset, offset + bytes)),
    close: async () => { file.close(); await list.close(); },
  };
}

/** A square of `size` pixels: averaged where the factor is whole, else by sharp's cubic kernel (which widens when it reduces). */
export async function toSize(picture: Picture, size: number): Promise<Picture> {
  if (picture.width === picture.height && picture.width % size === 0) return averageSquares(picture, picture.width / size);
  const raw = { width: picture.width, height: picture.height, channels: 3 as const };
  return { width: size, height: size, data: await sharp(picture.data, { raw }).resize(size, size, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer() };
}
