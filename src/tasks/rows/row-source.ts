import type { DataType, Scene, TypedArray, Window } from '../../raster/index.js';
import { bytesPerSample } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import { readMemory } from '../../scene/index.js';

/** Some rows, pixel-interleaved. */
export interface Rows {
  readonly top: number;
  readonly count: number;
  readonly data: TypedArray;
  /** One byte per pixel, 0 where it has no data. Absent: all have. */
  readonly mask?: Uint8Array | undefined;
}

/** A raster that comes from top to bottom. */
export interface RowSource {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Bytes held at most while rows are made. */
  readonly memory: number;
  /** Rows from `top` on, to the end. A caller may change what it is given. */
  rows(top: number, signal?: AbortSignal): AsyncGenerator<Rows>;
}

/** Rows that are read at once, where the scene's blocks do not ask for more or less. */
const CHUNK_ROWS = 256;
const LARGEST_BLOCK_ROWS = 1024;
/** Chunks being read while one is used. */
const AHEAD = 2;

/** Rows of a scene that are read at once: whole rows of blocks, so that every block is decoded once. */
export function chunkRows(blockHeight: number): number {
  if (blockHeight > LARGEST_BLOCK_ROWS) return CHUNK_ROWS;
  return Math.ceil(CHUNK_ROWS / blockHeight) * blockHeight;
}

/** The bands of a window of a scene as they are. */
export function createSceneRows(scene: Scene, window: Window, bands: readonly number[]): RowSource {
  const { profile } = scene;
  const step = chunkRows(profile.blockHeight);
  return {
    width: window.width,
    height: window.height,
    bands: bands.length,
    dtype: profile.dtype,
    memory: readMemory(profile, profile.blockHeight > LARGEST_BLOCK_ROWS ? CHUNK_ROWS : 1)
      + (AHEAD + 1) * step * window.width * (bands.length * bytesPerSample(profile.dtype) + 1),
    async* rows(top, signal) {
      const read = async (part: Window): Promise<Rows> => {
        const { data, mask } = await scene.read(part, { bands, ...(signal ? { signal } : {}) });
        return { top: part.y - window.y, count: part.height, data, mask };
      };
      yield* ordered(parts(top), AHEAD, read, signal);
    },
  };

  function* parts(top: number): Generator<Window> {
    const end = window.y + window.height;
    for (let y = window.y + top; y < end;) {
      const next = Math.min(end, (Math.floor(y / step) + 1) * step);
      yield { x: window.x, y, width: window.width, height: next - y };
      y = next;
    }
  }
}
