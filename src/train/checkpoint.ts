import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { InvalidFileError, nameFile } from '../errors.js';

/** Everything that training needs to go on as if it had not been stopped. */
export interface Checkpoint {
  /** What the run was asked for; another run does not go on from here. */
  readonly fingerprint: string;
  /** Absent in checkpoints of before it was noted. */
  readonly origin?: Origin;
  /** Finished epochs. */
  readonly epoch: number;
  /** Steps of the optimizer. */
  readonly steps: number;
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  /** Values of all weights, of the best weights, and of the optimizer's moments, each in the network's order. */
  readonly weights: readonly Float32Array[];
  readonly best: readonly Float32Array[];
  readonly moments: readonly Float32Array[];
  /** Moving average of the weights, in the network's order; empty for a run without. */
  readonly average: readonly Float32Array[];
}

/** What a checkpoint was made from, as far as it is known before any sample is decoded. */
export interface Origin {
  /** Its name. */
  readonly recipe: string;
  /** A digest of each of the recipe's sections. */
  readonly settings: Readonly<Record<string, string>>;
  /** The sections themselves, to say in what two differ. Absent in checkpoints of before they were noted. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** The data's folder, as an absolute path. */
  readonly folder?: string;
  /** How many samples the data list, and of which classes. */
  readonly listed?: { readonly entries: number; readonly classes: readonly string[] };
  /** Key of the data, which changes with their labels and with their files' sizes, but not with dates and places of the files. */
  readonly data?: string;
}

/** One line of the history. */
export interface EpochRecord {
  /** From 1, over all stages. */
  readonly epoch: number;
  /** Place of its stage in the recipe, from 0. Absent: 0. */
  readonly stage?: number;
  readonly rate: number;
  readonly loss: number;
  readonly validationLoss: number;
  readonly score: number;
  readonly seconds: number;
  readonly values: Readonly<Record<string, number>>;
}

/** How long each array is. Checkpoints of before there were averages have none. */
interface Lengths { readonly weights: number[]; readonly best: number[]; readonly moments: number[]; readonly average?: number[] }

const MAGIC = 'tilewright-checkpoint-1\n';

/** Whether a file that begins so is a checkpoint of training. */
export function isCheckpoint(start: Uint8Array): boolean {
  return Buffer.from(start).toString('latin1', 0, MAGIC.length) === MAGIC;
}

/** Writes the file beside its place and renames it, so that a kill or a full disk leaves the last one whole. */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const { weights, best, moments, average, ...rest } = checkpoint;
  const arrays = [...weights, ...best, ...moments, ...average];
  const lengthsOf = (list: readonly Float32Array[]): number[] => list.map((array) => array.length);
  const header = { ...rest, lengths: { weights: lengthsOf(weights), best: lengthsOf(best), moments: lengthsOf(moments), average: lengthsOf(average) } };
  const partial = `${file}.partial`;
  try {
    const handle = await open(partial, 'w');
    try {
      // `write` may write less than it is given, and does where the disk becomes full; `writeFile` goes on to the end or fails.
      await handle.writeFile(`${MAGIC}${JSON.stringify(header)}\n`);
      for (const array of arrays) await handle.writeFile(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw nameFile(error, file);
  }
}

/** How far a checkpoint's training got, and what it was made from, where it says so. */
export interface Progress { readonly fingerprint: string; readonly epoch: number; readonly origin?: Origin }

/** What a checkpoint says of itself, without reading its weights; undefined if there is none. */
export async function readProgress(file: string): Promise<Progress | undefined> {
  const handle = await openThere(file);
  try {
    const text = handle === undefined ? undefined : await readHeader(handle);
    return text === undefined ? undefined : JSON.parse(text.toString('utf8')) as Progress;
  } finally {
    await handle?.close();
  }
}

/**
 * Reads a checkpoint, array by array; undefined if there is none.
 * @throws {InvalidFileError} if the file is something else, cut off, or of a run with other options.
 */
export async function readCheckpoint(file: string, fingerprint: string): Promise<Checkpoint | undefined> {
  const handle = await openThere(file);
  if (handle === undefined) return undefined;
  const advice = 'remove it, or train into another folder';
  try {
    const text = await readHeader(handle);
    if (text === undefined) throw new InvalidFileError(file, 'expected a checkpoint of tilewright (version 1), found something else', { advice });
    const header = JSON.parse(text.toString('utf8')) as Omit<Checkpoint, keyof Lengths> & { lengths: Lengths };
    if (header.fingerprint !== fingerprint) throw new InvalidFileError(file, 'expected a checkpoint of the same data, network and options, found one of another run', { advice });
    const { lengths, ...rest } = header;
    let at = MAGIC.length + text.length + 1;
    const bytes = (await handle.stat()).size - at;
    const count = [lengths.weights, lengths.best, lengths.moments, lengths.average ?? []].flat().reduce((sum, length) => sum + length, 0);
    if (bytes !== count * 4) throw new InvalidFileError(file, `expected ${count * 4} bytes of weights, found ${bytes}`, { advice });
    const take = async (list: readonly number[]): Promise<Float32Array[]> => {
      const arrays: Float32Array[] = [];
      for (const length of list) {
        const array = new Float32Array(length);
        const into = new Uint8Array(array.buffer);
        for (let done = 0; done < into.length;) {
          const { bytesRead } = await handle.read(into, done, into.length - done, at);
          if (bytesRead === 0) throw new InvalidFileError(file, 'became shorter while it was read', { advice });
          done += bytesRead;
          at += bytesRead;
        }
        arrays.push(array);
      }
      return arrays;
    };
    return { ...rest, weights: await take(lengths.weights), best: await take(lengths.best), moments: await take(lengths.moments), average: await take(lengths.average ?? []) };
  } finally {
    await handle.close();
  }
}

function openThere(file: string): Promise<FileHandle | undefined> {
  return open(file).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return undefined; throw error; });
}

/** The second line of a checkpoint; undefined if the file is none. */
async function readHeader(handle: FileHandle): Promise<Buffer | undefined> {
  for (let size = 2 ** 16; ; size *= 4) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
    const found = buffer.subarray(0, bytesRead);
    if (!isCheckpoint(found)) return undefined;
    const end = found.indexOf(10, MAGIC.length);
    if (end >= 0) return found.subarray(MAGIC.length, end);
    if (bytesRead < size) return undefined;
  }
}
