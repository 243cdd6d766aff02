import type { PredictedMap } from './learner.js';

interface Box { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** Longest edge of a map that is drawn, in pixels. */
export const MAP_EDGE = 1024;

/** A map that is put together from windows, in no more pixels than are drawn of it. */
export interface MapSketch {
  readonly map: PredictedMap;
  /** @param classes ids of the window's pixels, `[height, width]` */
  put(window: Box, classes: Uint8Array): void;
}

/** A map of `width × height` pixels; of larger ones than {@link MAP_EDGE} the nearest pixels are kept. */
export function sketchMap(width: number, height: number): MapSketch {
  const scale = Math.max(1, Math.max(width, height) / MAP_EDGE);
  const [columns, rows] = [Math.max(1, Math.round(width / scale)), Math.max(1, Math.round(height / scale))];
  const map = { width: columns, height: rows, classes: new Uint8Array(columns * rows) };
  const from = (out: number, all: number, kept: number): number => Math.floor(((out + 0.5) * all) / kept);
  /** The first kept place that is taken from `at` or beyond. */
  const firstAt = (at: number, all: number, kept: number): number => { let out = Math.max(0, Math.floor((at * kept) / all) - 1); while (out < kept && from(out, all, kept) < at) out++; return out; };
  return {
    map,
    put(window, classes) {
      for (let row = firstAt(window.y, height, rows); row < rows; row++) {
        const y = from(row, height, rows) - window.y;
        if (y >= window.height) break;
        for (let column = firstAt(window.x, width, columns); column < columns; column++) {
          const x = from(column, width, columns) - window.x;
          if (x >= window.width) break;
          map.classes[row * columns + column] = classes[y * window.width + x]!;
        }
      }
    },
  };
}
