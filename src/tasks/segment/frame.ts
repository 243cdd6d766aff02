import type { Window } from '../../raster/index.js';

/** How a window of the map lies on the pixels that the model needs for it; the same along both axes. */
export interface Frame {
  /** Scene pixels from one map pixel to the next. */
  readonly stride: number;
  /** Scene pixel that the map's first pixel is about. */
  readonly first: number;
  /** Pixels that the model needs before and behind the one that a map pixel is about. */
  readonly before: number;
  readonly after: number;
}

/** A map of the scene's own pixels, by a model whose answer is smaller than its input by a margin. */
export function pixelFrame(margin: number): Frame {
  return { stride: 1, first: 0, before: margin, after: margin };
}

/**
 * A map of the patches around pixels: of patch p the pixel `⌊p / 2⌋` from its upper left corner is the middle. Of squares of
 * `stride` pixels it is the one `⌊stride / 2⌋` from theirs.
 */
export function patchFrame(patch: number, stride: number): Frame {
  const before = Math.floor(patch / 2);
  return { stride, first: Math.floor(stride / 2), before, after: patch - 1 - before };
}

/** Map pixels along an axis of the scene: as many as have the pixel that they are about in the scene. */
export function mapLength(frame: Frame, pixels: number): number {
  return Math.max(0, Math.ceil((pixels - frame.first) / frame.stride));
}

/** Scene pixels that so many map pixels need. */
export function frameLength({ stride, before, after }: Frame, count: number): number {
  return (count - 1) * stride + 1 + before + after;
}

/** The scene's window that a window of the map needs. */
export function frameWindow(frame: Frame, map: Window): Window {
  const start = (position: number): number => position * frame.stride + frame.first - frame.before;
  return { x: start(map.x), y: start(map.y), width: frameLength(frame, map.width), height: frameLength(frame, map.height) };
}
