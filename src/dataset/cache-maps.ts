import sharp from 'sharp';
import { InvalidFileError, throwIfAborted, TilewrightError } from '../errors.js';
import { IGNORE, type MapSamples, type PictureEntry } from '../samples/index.js';
import { reasonOf } from './cache-chips.js';
import { cacheKeys } from './cache-key.js';
import { reduceMask } from './colours.js';
import { averageSquares } from './decode.js';
import type { MapList, MapRows } from './map-list.js';
import type { Problems } from './problems.js';
import { createSampleFile, openSampleFile, type SampleFile, type SampleFileWriter } from './sample-file.js';

export interface CacheMapsOptions {
  /** Pictures are averaged over squares of so many pixels, masks take the most frequent class. Default 1. */
  readonly reduce?: number;
  /** Instead: every picture is brought to this size, interpolated linearly; masks take the nearest pixel, so classes are never mixed. */
  readonly resize?: readonly [width: number, height: number];
  readonly file: string;
  readonly identity: object;
  readonly problems: Problems;
  readonly source: string;
  /** Called with the key of the data ({@link CacheKeys}) before anything is decoded; may refuse. Not where there are faults already. */
  readonly onKey?: (key: string) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

interface CachedPicture extends PictureEntry {
  /** Offset of the pixels; the mask follows them. */
  readonly at: number;
  /** Pixels by class. */
  readonly counts: readonly number[];
}

interface Header { readonly pictures: readonly CachedPicture[] }

/** Rows of a picture of no more bytes than this are read at once and cut in memory: less work than a read per row. */
const SPAN = 4 * 1024 * 1024;
/** Bytes of pixels that are read, reduced and written at a time. */
const PIECE = 16 * 1024 * 1024;

/** As {@link MapSamples}, with what was counted while the masks were read. */
export interface CachedMaps extends MapSamples {
  /** By picture: pixels of each class, ignored ones left out. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Decodes pictures and masks once into a cache file, some rows at a time, and opens it. With the same files and options the
 * file is used as it is.
 * @throws {InvalidFileError} with all faults
 */
export async function cacheMaps(list: MapList, options: CacheMapsOptions): Promise<CachedMaps> {
  const { problems } = options;
  const identity = { ...options.identity, kind: 'maps', reduce: options.reduce ?? 1, resize: options.resize ?? null, names: list.entries.map(({ group, name }) => [group, name]), classes: list.classes, ...(list.ignored === undefined ? {} : { ignored: list.ignored }) };
  const keys = problems.faults > 0 ? undefined : await cacheKeys(list.files, identity);
  if (keys !== undefined) await options.onKey?.(keys.data);
  const key = keys?.cache ?? '';
  const kept = key === '' ? undefined : openSampleFile<Header>(options.file, key);
  if (kept !== undefined) {
    for (const { kind, count, examples } of kept.remarks) problems.remark(kind, examples, count);
    return samplesOf(list, kept);
  }
  const writer = await createSampleFile<Header>(options.file, key);
  try {
    const before = new Set(problems.all.map(({ kind }) => kind));
    const pictures: CachedPicture[] = [];
    let at = 0;
    for (const entry of list.entries) {
      throwIfAborted(options.signal);
      const written = await writeEntry(entry, { writer, at, classes: list.classes.length, options });
      if (written !== undefined) {
        pictures.push({ name: entry.name, group: entry.group, at, ...written });
        at += written.width * written.height * 4;
      }
      options.onProgress?.(pictures.length, list.entries.length);
    }
    list.classes.forEach(({ name }, id) => { if (pictures.every((picture) => picture.counts[id] === 0)) problems.remark('class without a pixel', name); });
    problems.throwIfAny(options.source);
    await writer.finish({ pictures }, problems.all.filter(({ kind, fault }) => !fault && !before.has(kind)));
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return samplesOf(list, openSampleFile<Header>(options.file, key)!);
}

interface Target { readonly writer: SampleFileWriter<Header>; readonly at: number; readonly classes: number; readonly options: CacheMapsOptions }
type Written = Pick<CachedPicture, 'width' | 'height' | 'counts'>;

async function writeEntry(entry: MapList['entries'][number], target: Target): Promise<Written | undefined> {
  let rows: MapRows | undefined;
  try {
    rows = await entry.open();
    if (rows.width === 0) return undefined;
    return await (target.options.resize === undefined ? writeReduced(rows, target) : writeResized(rows, target.options.resize, target));
  } catch (error) {
    if (!(error instanceof TilewrightError) || !(error instanceof InvalidFileError)) throw error;
    noteUnusable(target.options.problems, error);
    return undefined;
  } finally {
    await rows?.close();
  }
}

/** A file of a pair or scene that cannot be read, or not without being told more. */
export function noteUnusable(problems: Problems, error: InvalidFileError): void {
  const reason = reasonOf(error, error.file);
  if (error.advice === undefined) problems.add('file that cannot be decoded', `${error.file}: ${reason}`);
  else problems.add(`file that cannot be used: ${reason}, ${error.advice}`, error.file);
}

async function writeReduced(rows: MapRows, { writer, at, classes, options }: Target): Promise<Written> {
  const reduce = options.reduce ?? 1;
  const width = Math.floor(rows.width / reduce);
  const height = Math.floor(rows.height / reduce);
  const counts = new Array<number>(classes).fill(0);
  const step = Math.max(1, Math.floor(PIECE / (rows.width * 3 * reduce)));
  for (let y = 0; y < height; y += step) {
    throwIfAborted(options.signal);
    const count = Math.min(step, height - y);
    const { pixels, mask } = await rows.read(y * reduce, count * reduce);
    const small = averageSquares({ width: rows.width, height: count * reduce, data: pixels }, reduce).data;
    const smallMask = reduceMask(mask, rows.width, count * reduce, reduce);
    countClasses(counts, smallMask);
    await writer.write(at + y * width * 3, small);
    await writer.write(at + width * height * 3 + y * width, smallMask);
  }
  return { width, height, counts };
}

async function writeResized(rows: MapRows, [width, height]: readonly [number, number], { writer, at, classes }: Target): Promise<Written> {
  const { pixels, mask } = await rows.read(0, rows.height);
  const raw = { width: rows.width, height: rows.height, channels: 3 as const };
  const image = await sharp(pixels, { raw, limitInputPixels: false }).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * rows.height) / height) * rows.width;
    for (let x = 0; x < width; x++) ids[y * width + x] = mask[row + Math.floor(((x + 0.5) * rows.width) / width)]!;
  }
  const counts = new Array<number>(classes).fill(0);
  countClasses(counts, ids);
  await writer.write(at, image);
  await writer.write(at + width * height * 3, ids);
  return { width, height, counts };
}

function countClasses(counts: number[], mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== IGNORE) counts[mask[i]!]!++;
}

function samplesOf(list: MapList, file: SampleFile<Header>): CachedMaps {
  const { pictures } = file.header;
  const readPart: MapSamples['readWindow'] = (index, { x, y, width, height }) => {
    const picture = pictures[index]!;
    const pixels = new Uint8Array(width * height * 3);
    const mask = new Uint8Array(width * height);
    const maskAt = picture.at + picture.width * picture.height * 3;
    if (width === picture.width) {
      file.read(picture.at + y * width * 3, pixels);
      file.read(maskAt + y * width, mask);
    } else if (picture.width * height * 3 <= SPAN) {
      const rows = new Uint8Array(picture.width * height * 3);
      file.read(picture.at + y * picture.width * 3, rows);
      for (let row = 0; row < height; row++) { const from = (row * picture.width + x) * 3; pixels.set(rows.subarray(from, from + width * 3), row * width * 3); }
      file.read(maskAt + y * picture.width, rows.subarray(0, picture.width * height));
      for (let row = 0; row < height; row++) { const from = row * picture.width + x; mask.set(rows.subarray(from, from + width), row * width); }
    } else {
      for (let row = 0; row < height; row++) {
        const from = (y + row) * picture.width + x;
        file.read(picture.at + from * 3, pixels.subarray(row * width * 3, (row + 1) * width * 3));
        file.read(maskAt + from, mask.subarray(row * width, (row + 1) * width));
      }
    }
    return { width, height, pixels, mask };
  };
  return {
    kind: 'maps', count: pictures.length, classes: list.classes.map(({ name }) => name),
    colors: list.classes.map(({ color }) => `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`),
    pictures: pictures.map(({ name, group, width, height }) => ({ name, group, width, height })), counts: pictures.map((picture) => picture.counts),
    ...(list.parts === undefined ? {} : { parts: list.parts }), fingerprint: file.fingerprint,
    read: (index) => { const { name, group, width, height } = pictures[index]!; return { name, group, ...readPart(index, { x: 0, y: 0, width, height }) }; },
    readWindow: readPart,
    close: async () => { file.close(); await list.close(); },
  };
}
