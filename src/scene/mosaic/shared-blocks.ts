import { BlockCache } from '../block-cache.js';
import type { BlockStore } from '../block-cache.js';
import type { SceneCaches } from '../create-scene.js';

/** Room for the block numbers of one file, or of its mask; 2^18 of them fit into a double's exact integers. */
const KEYS = 2 ** 35;
const MAX_VIEWS = 2 ** 18;

/** One cache for the blocks of all files of a mosaic. Blocks stay in it when their file is closed. */
export class SharedBlocks {
  readonly cache = new BlockCache(0);
  readonly #views = new Map<string, SceneCaches>();
  #used = 0;

  /** The part of the cache that belongs to a file. */
  viewOf(file: string): SceneCaches {
    let view = this.#views.get(file);
    if (view === undefined) {
      view = { pixels: this.#view(), mask: this.#view() };
      this.#views.set(file, view);
    }
    return view;
  }

  #view(): BlockStore {
    const { cache } = this;
    const first = this.#used++ * KEYS;
    if (this.#used > MAX_VIEWS) throw new RangeError(`a mosaic shares blocks of at most ${MAX_VIEWS / 2} files`);
    return {
      has: (key) => cache.has(first + key),
      use: (key, copy) => cache.use(first + key, copy),
      load: (keys, decoding, copy) => cache.load(keys.map((key) => first + key), decoding, (key, block) => copy(key - first, block)),
    };
  }
}
