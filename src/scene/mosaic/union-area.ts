import type { Window } from '../../raster/index.js';

/** Pixels that lie in at least one of the windows. */
export function unionArea(windows: readonly Window[]): number {
  const edges = [...new Set(windows.flatMap((window) => [window.y, window.y + window.height]))].sort((a, b) => a - b);
  const byTop = [...windows].sort((a, b) => a.y - b.y);
  let active: Window[] = [];
  let next = 0;
  let area = 0;
  edges.slice(0, -1).forEach((top, i) => {
    while (next < byTop.length && byTop[next]!.y <= top) active.push(byTop[next++]!);
    active = active.filter((window) => window.y + window.height > top);
    area += coveredLength(active) * (edges[i + 1]! - top);
  });
  return area;
}

function coveredLength(windows: readonly Window[]): number {
  let length = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { x, width } of [...windows].sort((a, b) => a.x - b.x)) {
    length += Math.max(0, x + width - Math.max(end, x));
    end = Math.max(end, x + width);
  }
  return length;
}
