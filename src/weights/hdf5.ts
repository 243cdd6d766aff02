import { Worker } from 'node:worker_threads';
import { InvalidFileError } from '../errors.js';
import type { Hdf5Dataset, Hdf5Listing, Hdf5Reply, Hdf5Request } from './hdf5-protocol.js';
import type { NamedTensor, WeightType } from './types.js';
import { claimedBytes, namedTensor } from './values.js';

/** An HDF5 file: listed, its data sets read one at a time. */
export interface Hdf5File {
  readonly listing: Hdf5Listing;
  tensor(dataset: Hdf5Dataset, facts: Pick<NamedTensor, 'name' | 'layer'>): NamedTensor;
  close(): Promise<void>;
}

/** Longest time for one answer: reading a listing of thousands of layers takes seconds on a busy machine. */
const PATIENCE = 60_000;
/** Counted in beats: a process that was suspended misses them, and has not waited. */
const BEAT = 1000;
/** Chunks may be compressed; a data set that claims more than this many times the file is a bomb. */
const BEST_COMPRESSION = 100;

/**
 * Opens an HDF5 file in a thread of its own.
 * @param file What to call it in messages. @param path Where it is on this machine.
 * @throws {InvalidFileError} if it is no HDF5 file, or damaged.
 */
export async function openHdf5(file: string, path: string, size: number): Promise<Hdf5File> {
  const damaged = (cause: unknown): InvalidFileError => new InvalidFileError(file, 'expected an HDF5 file, found a damaged one', { cause, advice: 'check that the file is complete' });
  // The library writes its troubles to its standard error; one line from here says it better.
  const worker = new Worker(new URL('./hdf5-worker.js', import.meta.url), { workerData: { path }, execArgv: [], stderr: true, stdout: true });
  worker.stderr.resume();
  worker.stdout.resume();
  worker.unref();
  const waiting = new Map<number, { readonly resolve: (reply: Hdf5Reply) => void; readonly reject: (error: Error) => void }>();
  let ids = 0;
  let gone: Error | undefined;
  const fail = (error: Error): void => {
    gone ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', (reply: Hdf5Reply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    one?.resolve(reply);
  });
  worker.on('error', (error) => fail(error));
  worker.on('exit', () => fail(new Error('closed')));
  const ask = async (request: Omit<Hdf5Request, 'id'>): Promise<Hdf5Reply> => {
    if (gone !== undefined) throw damaged(gone);
    const id = ids++;
    let beats = 0;
    const timer = setInterval(() => { if (++beats === PATIENCE / BEAT) { fail(new Error('no answer')); void worker.terminate(); } }, BEAT);
    try {
      const reply = await new Promise<Hdf5Reply>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ ...request, id } satisfies Hdf5Request);
      });
      if (reply.failure !== undefined) throw new Error(reply.failure);
      return reply;
    } catch (cause) {
      throw damaged(cause);
    } finally {
      clearInterval(timer);
    }
  };
  const close = async (): Promise<void> => { await worker.terminate(); };
  try {
    const { listing } = await ask({});
    return {
      listing: listing!,
      tensor(dataset, facts) {
        const dtype = typeOf(file, dataset);
        const { shape } = dataset;
        claimedBytes(file, facts.name, dtype, shape, dataset.packed ? size * BEST_COMPRESSION : size);
        return namedTensor(file, { ...facts, dtype, shape }, async () => (await ask({ dataset: dataset.path })).bytes!);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function typeOf(file: string, { path, size, kind, signed, littleEndian }: Hdf5Dataset): WeightType {
  if (!littleEndian && size > 1) throw new InvalidFileError(file, `expected little-endian values in ${path}, found big-endian ones`);
  const name = kind === 'float' ? `float${size * 8}` : kind === 'integer' ? `${signed ? 'int' : 'uint'}${size * 8}` : 'other';
  const types: readonly WeightType[] = ['float16', 'float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
  const found = types.find((type) => type === name);
  if (found === undefined) throw new InvalidFileError(file, `expected numbers in ${path}, found values of another type`);
  return found;
}
