import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nameFile } from '../errors.js';
import type { Problem } from './problems.js';

/**
 * A file of decoded samples: one line that says what it is, one line of JSON, then bytes. It is written piece by piece, in any
 * order, and appears under its name when it is complete; it is read where a sample lies, so nothing but the header is in memory.
 */
const MAGIC = 'tilewright-samples-3';
/** Room for the header: it is written last, when everything is known. */
const ALIGN = 4096;

interface Envelope<H> { readonly key: string; readonly fingerprint: string; readonly bytes: number; readonly header: H; readonly remarks: readonly Problem[] }

export interface SampleFileWriter<H> {
  /** Writes bytes at an offset in the samples. The fingerprint depends on the order of the calls. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Ends the file with its header, and gives it its name. Remarks name files by where they lie, and are no part of the fingerprint. */
  finish(header: H, remarks: readonly Problem[]): Promise<void>;
  /** Removes what was written. After `finish` it does nothing. */
  abandon(): Promise<void>;
}

export interface SampleFile<H> {
  readonly header: H;
  readonly remarks: readonly Problem[];
  /** Of the samples and the header. */
  readonly fingerprint: string;
  /** Reads at an offset in the samples. Synchronous: pages that were read before come from the system's cache. */
  read(offset: number, into: Uint8Array): void;
  close(): void;
}

/** The header stands at the end of the file, since it is known last; the first bytes say how long it is. */
const START = ALIGN;

export async function createSampleFile<H>(file: string, key: string): Promise<SampleFileWriter<H>> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  const handle = await open(partial, 'w');
  const hash: Hash = createHash('sha256');
  let end = 0;
  let open_ = true;
  /** All of it: a single call may write less, and does where the disk becomes full. */
  const writeAt = async (bytes: Uint8Array, position: number): Promise<void> => {
    try {
      for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    } catch (error) {
      throw nameFile(error, file);
    }
  };
  const close = async (to: FileHandle): Promise<void> => { if (open_) { open_ = false; await to.close(); } };
  return {
    async write(offset, bytes) {
      hash.update(bytes);
      end = Math.max(end, offset + bytes.length);
      await writeAt(bytes, START + offset);
    },
    async finish(header, remarks) {
      const envelope: Envelope<H> = { key, fingerprint: hash.update(JSON.stringify(header)).digest('hex').slice(0, 32), bytes: end, header, remarks };
      const text = Buffer.from(JSON.stringify(envelope));
      await writeAt(text, START + end);
      await writeAt(Buffer.from(`${MAGIC}\n${START + end} ${text.length}\n`), 0);
      await handle.sync();
      await close(handle);
      await rename(partial, file);
    },
    async abandon() {
      await close(handle);
      await rm(partial, { force: true });
    },
  };
}

/** Opens what was kept under this key, or gives undefined: also if the file is of another version, cut off, or of another key. */
export function openSampleFile<H>(file: string, key: string): SampleFile<H> | undefined {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const head = Buffer.alloc(128);
    readSync(handle, head, 0, head.length, 0);
    const [magic, place] = head.toString('latin1').split('\n');
    const [at = NaN, length = NaN] = (place ?? '').split(' ').map(Number);
    if (magic === MAGIC && Number.isInteger(at) && Number.isInteger(length)) {
      const text = Buffer.alloc(length);
      if (readSync(handle, text, 0, length, at) === length) {
        const envelope = JSON.parse(text.toString('utf8')) as Envelope<H>;
        if (envelope.key === key) return opened(handle, envelope);
      }
    }
  } catch {
    // Not one of these files: it is made anew.
  }
  closeSync(handle);
  return undefined;
}

function opened<H>(handle: number, envelope: Envelope<H>): SampleFile<H> {
  let closed = false;
  return {
    header: envelope.header,
    remarks: envelope.remarks,
    fingerprint: envelope.fingerprint,
    read(offset, into) {
      for (let done = 0; done < into.length;) {
        const count = readSync(handle, into, done, into.length - done, START + offset + done);
        if (count === 0) throw new RangeError(`expected ${into.length} bytes at ${offset} of the cache of samples, found ${done}`);
        done += count;
      }
    },
    close() {
      if (!closed) closeSync(handle);
      closed = true;
    },
  };
}
