import { open } from 'node:fs/promises';

/** Bytes that are gathered before the disk is asked. */
const BUFFER = 256 * 1024;

/** A file that is written from front to back. */
export interface FileOutput {
  /** Bytes written so far. */
  readonly length: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Writes what is waiting, syncs and closes. */
  finish(): Promise<void>;
  abort(): Promise<void>;
}

export async function createFileOutput(path: string): Promise<FileOutput> {
  const file = await open(path, 'w');
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let length = 0;
  const flush = async (): Promise<void> => {
    const chunk = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    if (chunk.length > 0) await file.writeFile(chunk);
  };
  return {
    get length() { return length; },
    async write(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      length += bytes.length;
      if (waitingBytes >= BUFFER) await flush();
    },
    async finish() {
      await flush();
      await file.sync();
      await file.close();
    },
    abort: () => file.close(),
  };
}
