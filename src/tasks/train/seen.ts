import { writeWhole } from '../../train/index.js';
import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toSize, type Picture } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import { stripsOf } from '../../samples/index.js';
import { areChips, type LoadedSamples } from './samples.js';

/** Beside a trained model: what it has seen, so that `evaluate` knows it again. */
export const SEEN_FILE = 'samples-seen.bin';

const MAGIC = 'tilewright-seen-1\n';
/** Bytes of a digest that are kept: two different samples of a million are alike with a chance of 1 in 10⁷. */
const KEPT = 8;

/** Chips that are cut from pictures are read row by row: of more than this, so many are taken evenly. */
const MOST_CUT = 20_000;

interface Header { readonly kind: 'chips' | 'maps'; readonly size?: number; readonly train: number; readonly validation: number; readonly test?: number; readonly sampled?: true }

/**
 * Writes digests of the pixels of all samples that were trained on or that choices were made on: `tilewright-seen-1`, a line of JSON
 * (`kind`, edge of the chips, counts), then 8 bytes of SHA-256 per sample, training first.
 * @param loaded chips in the network's size, or pictures at full size
 */
export async function writeSeen(folder: string, loaded: LoadedSamples): Promise<void> {
  const isCut = areChips(loaded) && 'cutFrom' in loaded.samples;
  const some = (places: Int32Array): Int32Array => (isCut && places.length > MOST_CUT ? Int32Array.from({ length: MOST_CUT }, (_, at) => places[Math.floor((at * places.length) / MOST_CUT)]!) : places);
  const [train, validation] = [some(loaded.split.train), some(loaded.split.validation)];
  const sampled = train.length + validation.length < loaded.split.train.length + loaded.split.validation.length;
  const digests = Buffer.alloc((train.length + validation.length) * KEPT);
  const chip = areChips(loaded) ? new Uint8Array(loaded.samples.size ** 2 * 3) : undefined;
  [...train, ...validation].forEach((place, at) => {
    const hash = createHash('sha256');
    if (areChips(loaded)) { loaded.samples.read(place, chip!, 0); hash.update(chip!); }
    else for (const { pixels } of stripsOf(loaded.samples, place)) hash.update(pixels);
    hash.digest().copy(digests, at * KEPT, 0, KEPT);
  });
  const header: Header = { kind: loaded.samples.kind, ...(areChips(loaded) ? { size: loaded.samples.size } : {}), train: train.length, validation: validation.length, test: loaded.split.test.length, ...(sampled ? { sampled } : {}) };
  await writeWhole(folder, SEEN_FILE, Buffer.concat([Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`), digests]));
}

/** Knows samples again that a model has seen, by their pixels. */
export interface Recogniser {
  /** A chip in its own size. */
  chip(index: number, picture: Picture): Promise<void>;
  /** Takes the pixels of a whole picture piece by piece, then its end. */
  picture(): { add(pixels: Uint8Array): void; end(): void };
  /** What to say, if any were known. @param keptApart whether `--part test` would take samples of these data that the training kept apart */
  note(scored: number, keptApart: boolean): string | undefined;
}

function parseHeader(file: string, text: string): Header {
  let header: Partial<Header> | null;
  try {
    header = JSON.parse(text) as Partial<Header> | null;
  } catch {
    header = null;
  }
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const isRight = header !== null && isCount(header.train) && isCount(header.validation) && (header.kind === 'maps' || (header.kind === 'chips' && isCount(header.size)));
  if (!isRight) throw new InvalidFileError(file, 'expected the kind and the counts of a training\'s samples in its second line, found something else', { advice: 'remove it' });
  return header as Header;
}

/**
 * Reads what a model says that it has seen; undefined for models that say nothing.
 * @param folder of the model
 * @throws {InvalidFileError} if the file is damaged
 */
export async function openRecogniser(folder: string): Promise<Recogniser | undefined> {
  const file = join(folder, SEEN_FILE);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined; throw error; });
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(10, MAGIC.length);
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC || end < 0) throw new InvalidFileError(file, 'expected the digests of a training\'s samples, found something else', { advice: 'remove it' });
  const { kind, size, train, validation, sampled } = parseHeader(file, bytes.toString('utf8', MAGIC.length, end));
  const keyAt = (at: number): string => bytes.toString('latin1', end + 1 + at * KEPT, end + 1 + (at + 1) * KEPT);
  if (bytes.length !== end + 1 + (train + validation) * KEPT) throw new InvalidFileError(file, `expected ${train + validation} digests, found ${bytes.length - end - 1} bytes`, { advice: 'remove it' });
  const seen = new Map<string, 'train' | 'validation'>();
  for (let at = train + validation - 1; at >= 0; at--) seen.set(keyAt(at), at < train ? 'train' : 'validation');
  const known = { train: new Set<number>(), validation: new Set<number>() };
  const look = (hash: Hash, index: number): void => { const part = seen.get(hash.digest().toString('latin1', 0, KEPT)); if (part !== undefined) known[part].add(index); };
  let pictures = 0;
  return {
    async chip(index, picture) {
      if (kind === 'chips') look(createHash('sha256').update((await toSize(picture, size!)).data), index);
    },
    picture() {
      const hash = createHash('sha256');
      const index = pictures++;
      return { add: (pixels) => { hash.update(pixels); }, end: () => { if (kind === 'maps') look(hash, index); } };
    },
    note(scored, keptApart) {
      const [trained, chosen] = [known.train.size, known.validation.size];
      if (trained + chosen === 0) return undefined;
      const parts = [...(trained > 0 ? [`${trained} were trained on`] : []), ...(chosen > 0 ? [`${chosen} were its validation samples`] : [])];
      return `the model knows ${sampled === true ? 'at least ' : ''}${trained + chosen} of these ${scored} ${kind === 'chips' ? 'chips' : 'pictures'} by their pixels (${parts.join(', ')}): the scores are too good; score samples that it has not seen${keptApart ? ': --part test takes those of these data that its training kept apart' : ''}`;
    },
  };
}
