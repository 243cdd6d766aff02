import { basename } from 'node:path';
import type { IndexEntry, OpenIndex } from '../../index-store/index.js';
import { contactSheet, formatPlace } from '../../picture/index.js';
import type { TaskContext } from '../../run/index.js';
import { chipPictures } from '../search/pictures.js';

/** A chip to label next. */
export interface Suggestion {
  readonly entry: IndexEntry;
  /** From 0 (sure) to 1. */
  readonly uncertainty: number;
  /** What it is thought to be. */
  readonly tags: readonly string[];
}

export interface SuggestionList {
  offer(suggestion: Suggestion): void;
  /** The most uncertain ones, no two of them on the same spot. */
  chosen(): Suggestion[];
}

/** Candidates that are kept for each that is wanted, so that some may lie on the same spot. */
const SPARE = 20;

/** Keeps the most uncertain entries; of such whose windows overlap only the first. */
export function createSuggestions(wanted: number): SuggestionList {
  let kept: Suggestion[] = [];
  const most = wanted * SPARE;
  const trim = (): void => {
    kept.sort((a, b) => b.uncertainty - a.uncertainty || (a.entry.id < b.entry.id ? -1 : 1));
    kept = kept.slice(0, most);
  };
  let least = 0;
  return {
    offer(suggestion) {
      if (kept.length >= most && suggestion.uncertainty <= least) return;
      kept.push(suggestion);
      if (kept.length < 2 * most) return;
      trim();
      least = kept.at(-1)?.uncertainty ?? 0;
    },
    chosen() {
      trim();
      const taken: Suggestion[] = [];
      for (const one of kept) {
        if (taken.length === wanted) break;
        if (!taken.some(({ entry }) => overlap(entry, one.entry))) taken.push(one);
      }
      return taken;
    },
  };
}

/** Whether two entries show some of the same ground of one scene. */
export function overlap(a: IndexEntry, b: IndexEntry): boolean {
  if (a.scene !== b.scene) return false;
  const [v, w] = [a.window, b.window];
  return v.x < w.x + w.width && w.x < v.x + v.width && v.y < w.y + w.height && w.y < v.y + v.height;
}

/** Draws entries with captions and lines, as a contact sheet. */
export async function drawEntries(
  index: OpenIndex, title: string, subtitle: string, items: readonly { readonly entry: IndexEntry; readonly caption: string; readonly lines: readonly string[] }[], warnings: string[], context: TaskContext,
): Promise<Buffer> {
  const pictures = await chipPictures(index.manifest, items.map(({ entry }) => entry), warnings, context.signal);
  return contactSheet({
    title, subtitle,
    items: items.map(({ entry, caption, lines }, i) => ({
      ...(pictures[i] === undefined ? {} : { picture: pictures[i] }), caption,
      lines: [...lines, basename(entry.id), ...(entry.lon === undefined || entry.lat === undefined ? [] : [formatPlace(entry.lon, entry.lat)])],
    })),
  });
}
