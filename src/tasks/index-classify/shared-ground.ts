import type { IndexEntry } from '../../index-store/index.js';
import { overlap } from './suggest.js';

/** For every entry the others that show some of the same ground of its scene. */
export function sharersOf(entries: readonly IndexEntry[]): number[][] {
  const edge = entries.reduce((most, { window }) => Math.max(most, window.width, window.height), 1);
  const cells = new Map<string, number[]>();
  const cellOf = ({ scene, window }: IndexEntry, across: number, down: number): string => `${Math.floor(window.x / edge) + across} ${Math.floor(window.y / edge) + down} ${scene}`;
  entries.forEach((entry, i) => {
    const key = cellOf(entry, 0, 0);
    const members = cells.get(key);
    if (members === undefined) cells.set(key, [i]);
    else members.push(i);
  });
  const near = [-1, 0, 1];
  // No window is larger than a cell, so one that shares ground begins in the same cell or one beside it.
  return entries.map((entry, i) => near.flatMap((down) => near.flatMap((across) => (cells.get(cellOf(entry, across, down)) ?? []).filter((other) => other !== i && overlap(entry, entries[other]!)))));
}
