import type { ReducibleSource, SceneProfile, Size } from '../raster/index.js';
import { BlockCache } from './block-cache.js';
import type { BlockRaster } from './block-raster.js';
import { blockReader, checkBands, readMasked } from './masked-read.js';

/** A reduced copy. Its rasters are asked for when they are first needed; `undefined` for one that turns out not to fit. */
export interface SceneLevel extends Size {
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly pixels: () => Promise<BlockRaster | undefined>;
  readonly mask?: () => Promise<BlockRaster | undefined>;
}

/** Decoded blocks of a reduced copy that are kept while it is read, and those of one of many files that are open together. */
const CACHE_BYTES = 64 * 2 ** 20;
const MEMBER_CACHE_BYTES = 2 ** 20;

export interface OpenLevel {
  /** Whether it can stand for the scene; opens it. */
  usable(): Promise<boolean>;
  readonly source: ReducibleSource;
  clear(): void;
  heldBytes(): number;
}

/** A reduced copy as something that can be read; it is opened when it is first looked at. */
export function createLevel(profile: SceneProfile, level: SceneLevel, { among }: { readonly among: 'one' | 'many' }): OpenLevel {
  const bytes = among === 'one' ? CACHE_BYTES : MEMBER_CACHE_BYTES;
  const cache = new BlockCache(bytes);
  const maskCache = new BlockCache(bytes);
  let opened: Promise<{ pixels: BlockRaster | undefined; mask: BlockRaster | undefined }> | undefined;
  const stored = profile.maskSource === 'internal' || profile.maskSource === 'external';
  const openOnce = (): Promise<{ pixels: BlockRaster | undefined; mask: BlockRaster | undefined }> => {
    opened ??= Promise.all([level.pixels(), level.mask?.() ?? Promise.resolve(undefined)]).then(([pixels, mask]) => ({ pixels, mask }));
    return opened;
  };
  return {
    // Without its own mask a copy would not know what is nodata.
    usable: async () => {
      const { pixels, mask } = await openOnce();
      return pixels !== undefined && (!stored || mask !== undefined);
    },
    source: {
      width: level.width, height: level.height, blockWidth: level.blockWidth, blockHeight: level.blockHeight,
      read: async (window, options) => {
        const { pixels, mask } = await openOnce();
        const bands = checkBands(options.bands, profile.bands);
        const samples = await readMasked(profile, blockReader(pixels!, cache), mask === undefined ? undefined : blockReader(mask, maskCache), window, bands, options.signal);
        return { ...samples, width: window.width, height: window.height, bands: bands.length, layout: 'pixel' };
      },
    },
    clear: () => { cache.clear(); maskCache.clear(); },
    heldBytes: () => cache.bytes + maskCache.bytes,
  };
}
