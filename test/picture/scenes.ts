import { allocate, readReducedByReading } from '../../src/raster/index.js';
import type { Raster, Scene, SceneProfile, TypedArray, Window } from '../../src/raster/index.js';

/** Scenes in memory, for tests of rooms that only know the Scene contract. */
export interface MemoryScene extends Scene {
  /** Every window that was read, in order. */
  readonly reads: Window[];
}

export interface MemorySceneOptions {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** Pixel-interleaved. */
  readonly data: TypedArray;
  readonly profile?: Partial<SceneProfile>;
  /** 255 valid, 0 not. */
  readonly mask?: Uint8Array;
}

export function memoryScene(options: MemorySceneOptions): MemoryScene {
  const { width, height, data } = options;
  const profile: SceneProfile = {
    source: 'memory.tif', format: 'GTiff', width, height, bands: options.bands, dtype: 'uint8', maskSource: options.mask === undefined ? 'none' : 'internal',
    compression: 'none', blockWidth: width, blockHeight: 16, overviews: [], bytes: data.byteLength, fingerprint: 'memory', notes: [],
    ...options.profile,
  };
  const reads: Window[] = [];
  const scene: MemoryScene = {
    profile,
    reads,
    readReduced(window, size, reduced) { return readReducedByReading(this, window, size, reduced); },
    read: (window, read = {}) => {
      reads.push(window);
      const bands = read.bands ?? Array.from({ length: options.bands }, (_, i) => i);
      const out: Raster = {
        data: allocate(profile.dtype, window.width * window.height * bands.length), width: window.width, height: window.height, bands: bands.length,
        layout: 'pixel', mask: new Uint8Array(window.width * window.height),
      };
      for (let y = 0; y < window.height; y++) {
        for (let x = 0; x < window.width; x++) {
          const column = window.x + x;
          const row = window.y + y;
          if (column < 0 || row < 0 || column >= width || row >= height) continue;
          const from = row * width + column;
          const to = y * window.width + x;
          out.mask![to] = options.mask === undefined ? 255 : options.mask[from]!;
          bands.forEach((band, b) => { out.data[to * bands.length + b] = data[from * options.bands + band]!; });
        }
      }
      return Promise.resolve(out);
    },
    close: () => Promise.resolve(),
  };
  return scene;
}
