import { open } from 'node:fs/promises';

/** Characters that are gathered before the disk is asked. */
const BUFFER = 64 * 1024;

/** A text file that is written from front to back. */
export interface TextFile {
  write(text: string): Promise<void>;
  /** Syncs and closes. */
  finish(): Promise<void>;
  abort(): Promise<void>;
}

export async function createTextFile(path: string): Promise<TextFile> {
  const file = await open(path, 'w');
  let waiting: string[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    const text = waiting.join('');
    waiting = [];
    length = 0;
    if (text !== '') await file.writeFile(text);
  };
  return {
    async write(text) {
      waiting.push(text);
      length += text.length;
      if (length >= BUFFER) await flush();
    },
    async finish() {
      await flush();
      await file.sync();
      await file.close();
    },
    abort: () => file.close(),
  };
}
