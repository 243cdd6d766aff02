import type { Window } from './types.js';

/** The part that two windows share, or `undefined` if they share no pixel. */
export function intersect(a: Window, b: Window): Window | undefined {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

/** Whether `inner` lies wholly inside `outer`. */
export function contains(outer: Window, inner: Window): boolean {
  return inner.x >= outer.x && inner.y >= outer.y
    && inner.x + inner.width <= outer.x + outer.width
    && inner.y + inner.height <= outer.y + outer.height;
}

/** The window of a whole raster. */
export function fullWindow(size: { readonly width: number; readonly height: number }): Window {
  return { x: 0, y: 0, width: size.width, height: size.height };
}
