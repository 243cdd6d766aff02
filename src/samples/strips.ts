import type { MapSamples } from './types.js';

/** Bytes of pixels that are read at a time. */
const PIECE = 16 * 1024 * 1024;

/** Rows of a picture with its mask. */
export interface Strip {
  /** Of the first row. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * A picture from top to bottom, some rows at a time: memory does not grow with it.
 * @param multiple rows of a strip are a multiple of this, but for the last. Default 1
 */
export function* stripsOf(samples: Pick<MapSamples, 'pictures' | 'readWindow'>, place: number, multiple = 1): Generator<Strip> {
  const { width, height } = samples.pictures[place]!;
  const rows = Math.max(1, Math.floor(PIECE / (Math.max(1, width) * 3 * multiple))) * multiple;
  for (let y = 0; y < height; y += rows) {
    const count = Math.min(rows, height - y);
    const { pixels, mask } = samples.readWindow(place, { x: 0, y, width, height: count });
    yield { y, width, height: count, pixels, mask };
  }
}
