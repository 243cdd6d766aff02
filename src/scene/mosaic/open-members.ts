import type { BlockScene } from '../create-scene.js';

/** Files that are open at the same time; systems allow 256 or more. */
const MOST_OPEN = 48;

/** Bytes of whole decoded pictures among them. */
const MOST_BYTES = 64 * 2 ** 20;

/** An open member, and what it holds in memory beside the shared cache. */
export interface OpenMember {
  readonly scene: BlockScene;
  readonly bytes: number;
}

interface Entry {
  readonly opening: Promise<OpenMember>;
  bytes: number;
  uses: number;
}

/** The files of a mosaic that are open now: the least recently used are closed, and opened again when they are needed. */
export class OpenMembers {
  /** Files that were opened since the start, for tests of what is opened twice. */
  opened = 0;
  /** The most that were open at once. */
  peak = 0;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  /** Does something with a member; it stays open meanwhile. */
  async use<T>(name: string, open: () => Promise<OpenMember>, work: (scene: BlockScene) => Promise<T>): Promise<T> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      this.opened++;
      entry = { opening: open(), bytes: 0, uses: 0 };
      this.#start(name, entry);
    }
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    this.peak = Math.max(this.peak, this.#entries.size);
    entry.uses++;
    try {
      return await work((await entry.opening).scene);
    } finally {
      entry.uses--;
      await (this.#closed ? this.close() : this.#shrink(MOST_OPEN, MOST_BYTES));
    }
  }

  /** Closes all; what is in use, by reads whose answer nobody waits for any more, when it is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#shrink(0, -1);
  }

  #start(name: string, entry: Entry): void {
    entry.opening.then(({ bytes }) => { entry.bytes = bytes; }, () => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
  }

  async #shrink(count: number, bytes: number): Promise<void> {
    let held = 0;
    for (const entry of this.#entries.values()) held += entry.bytes;
    const closing: Promise<void>[] = [];
    for (const [name, entry] of this.#entries) {
      if (this.#entries.size <= count && held <= bytes) break;
      if (entry.uses > 0) continue;
      this.#entries.delete(name);
      held -= entry.bytes;
      closing.push(entry.opening.then(({ scene }) => scene.close(), () => undefined));
    }
    await Promise.all(closing);
  }
}
