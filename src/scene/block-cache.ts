import type { TypedArray } from '../raster/index.js';
import { recycleBlock } from './block-memory.js';

/** A decoded block; `undefined` for one that the file leaves out. */
export type Block = TypedArray | undefined;

/** What reading blocks needs of a cache. */
export type BlockStore = Pick<BlockCache, 'has' | 'use' | 'load'>;

/** What a missing block costs in the cache, so that a sparse file cannot fill it with entries. */
const EMPTY_BYTES = 64;
/** One for all: there may be thousands of blocks in a read. */
const DONE = Promise.resolve();

/**
 * Decoded blocks, the least recently used thrown out first when they exceed `limit` bytes. A block that is being decoded
 * is waited for, not decoded again. Blocks that are waited for may exceed the limit for as long as they are needed.
 */
export class BlockCache {
  /** Bytes that are kept at most. */
  limit: number;
  /** Bytes held now. */
  bytes = 0;
  /** Blocks decoded since the start, for tests of what is read twice. */
  decoded = 0;
  readonly #blocks = new Map<number, { readonly block: Block }>();
  /** Blocks on their way: the read that brings them, and which of its blocks they are. */
  readonly #pending = new Map<number, { readonly blocks: Promise<readonly Block[]>; readonly index: number }>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Whether a block is here or on its way. */
  has(key: number): boolean {
    return this.#blocks.has(key) || this.#pending.has(key);
  }

  /**
   * Hands a block that is here or on its way to `copy`, at once or as soon as it is there, and makes it the last to go. `undefined` if it is neither.
   * The block is good within `copy` only: memory of blocks that leave the cache is used again.
   */
  use(key: number, copy: (block: Block) => void): Promise<void> | undefined {
    const entry = this.#blocks.get(key);
    if (entry === undefined) {
      const pending = this.#pending.get(key);
      return pending?.blocks.then((blocks) => copy(blocks[pending.index]));
    }
    this.#blocks.delete(key);
    this.#blocks.set(key, entry);
    copy(entry.block);
    return DONE;
  }

  /** Registers blocks that one promise will bring, in the order of `keys`, and hands each to `copy` when they are there. */
  async load(keys: readonly number[], decoding: Promise<readonly Block[]>, copy: (key: number, block: Block) => void): Promise<void> {
    for (let index = 0; index < keys.length; index++) this.#pending.set(keys[index]!, { blocks: decoding, index });
    try {
      const blocks = await decoding;
      for (let i = 0; i < keys.length; i++) copy(keys[i]!, blocks[i]);
      // Others that wait for them copy before memory of what leaves the cache is used again.
      for (let i = 0; i < keys.length; i++) this.#keep(keys[i]!, blocks[i]);
    } finally {
      for (const key of keys) this.#pending.delete(key);
    }
  }

  clear(): void {
    for (const { block } of this.#blocks.values()) if (block !== undefined) recycleBlock(block);
    this.#blocks.clear();
    this.bytes = 0;
  }

  #keep(key: number, block: Block): void {
    this.decoded++;
    if (this.#blocks.has(key)) return;
    this.#blocks.set(key, { block });
    this.bytes += sizeOf(block);
    for (const [oldest, entry] of this.#blocks) {
      if (this.bytes <= this.limit) break;
      this.#blocks.delete(oldest);
      this.bytes -= sizeOf(entry.block);
      if (entry.block !== undefined) recycleBlock(entry.block);
    }
  }
}

function sizeOf(block: Block): number {
  return EMPTY_BYTES + (block?.byteLength ?? 0);
}
