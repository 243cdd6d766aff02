import { allocate, type Raster, type Scene, type TypedArray, type Window } from '../../raster/index.js';

/** Rows of a scene, top to bottom, each read once, with the next ones being read while these are used. */
export interface RowFeed {
  /** Bytes that are held at most for windows `height` rows high. */
  memory(height: number): number;
  /** Makes the rows from `top` to `bottom` (exclusive) available. Rows above `top` are given up. */
  need(top: number, bottom: number): Promise<void>;
  /** A copy of a window of available rows, pixel-interleaved; into `target` where that has the right length. */
  copy(window: Window, target?: TypedArray): Raster;
  /** Waits for reads under way. */
  close(): Promise<void>;
}

export interface RowFeedOptions {
  /** Bands from 0, in this order. Default: all. */
  readonly bands?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Rows that are read at once, where the scene's blocks do not ask for more or less. */
const CHUNK_ROWS = 256;
const LARGEST_BLOCK_ROWS = 1024;

interface Chunk {
  readonly top: number;
  readonly bottom: number;
  readonly pixels: Promise<TypedArray>;
  data?: TypedArray;
}

/** Reads in steps of whole block rows, so that every block is decoded once. */
export function createRowFeed(scene: Scene, options: RowFeedOptions = {}): RowFeed {
  const { profile } = scene;
  const bands = options.bands?.length ?? profile.bands;
  const step = chunkRows(profile.blockHeight);
  const bytesPerRow = profile.width * allocate(profile.dtype, bands).byteLength;
  let chunks: Chunk[] = [];

  const start = (top: number): Chunk => {
    const bottom = Math.min(profile.height, top + step);
    const window = { x: 0, y: top, width: profile.width, height: bottom - top };
    const pixels = scene.read(window, { bands: options.bands, signal: options.signal }).then((raster) => raster.data);
    // It is awaited when its rows are needed.
    pixels.catch(() => undefined);
    return { top, bottom, pixels };
  };

  return {
    memory: (height) => bytesPerRow * (Math.min(profile.height, height + 2 * step) + step),
    async need(top, bottom) {
      chunks = chunks.filter((chunk) => chunk.bottom > top);
      let next = chunks.at(-1)?.bottom ?? Math.floor(top / step) * step;
      while (next < bottom) {
        chunks.push(start(next));
        next = chunks.at(-1)!.bottom;
      }
      for (const chunk of chunks) if (chunk.top < bottom) chunk.data = await chunk.pixels;
      // Read ahead: one step.
      if (next < profile.height && next - bottom < step) chunks.push(start(next));
    },
    copy(window, target) {
      const rowLength = window.width * bands;
      const length = rowLength * window.height;
      const data = target?.length === length ? target : allocate(profile.dtype, length);
      for (const chunk of chunks) {
        const first = Math.max(window.y, chunk.top);
        const last = Math.min(window.y + window.height, chunk.bottom);
        if (last <= first) continue;
        if (chunk.data === undefined) throw new RangeError(`rows ${chunk.top} to ${chunk.bottom} are not available`);
        for (let y = first; y < last; y++) {
          const from = ((y - chunk.top) * profile.width + window.x) * bands;
          data.set(chunk.data.subarray(from, from + rowLength), (y - window.y) * rowLength);
        }
      }
      return { data, width: window.width, height: window.height, bands, layout: 'pixel' };
    },
    async close() {
      await Promise.allSettled(chunks.map((chunk) => chunk.pixels));
      chunks = [];
    },
  };
}

function chunkRows(blockHeight: number): number {
  if (blockHeight > LARGEST_BLOCK_ROWS) return CHUNK_ROWS;
  return Math.ceil(CHUNK_ROWS / blockHeight) * blockHeight;
}
