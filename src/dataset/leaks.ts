import { createHash } from 'node:crypto';
import { detailOf, findOverlap, type Detail } from './overlap.js';
import { touching, type SamplePlace } from './split.js';

/** Two samples that show the same ground. */
export interface Leak {
  readonly first: number;
  readonly second: number;
  /** By place on the ground, by equal pixels, or by looking alike where laid over each other. */
  readonly by: 'place' | 'copy' | 'content';
  /** Content: where the second lies on the first, in pixels of both, roughly. */
  readonly overlap?: { readonly dx: number; readonly dy: number; readonly width: number; readonly height: number; readonly correlation: number };
}

/** Pairs of samples of different groups (or frames) that share ground by their places. */
export function leaksByPlace(places: readonly SamplePlace[], apart: (a: number, b: number) => boolean): Leak[] {
  const out: Leak[] = [];
  for (const [first, second] of touching(places)) if (apart(first, second)) out.push({ first, second, by: 'place' });
  return out;
}

/** Samples with exactly the same pixels. `pixels` reads one sample. */
export function copies(count: number, pixels: (index: number) => Uint8Array, apart: (a: number, b: number) => boolean): Leak[] {
  const first = new Map<string, number>();
  const out: Leak[] = [];
  for (let index = 0; index < count; index++) {
    const key = createHash('sha1').update(pixels(index)).digest('base64');
    const other = first.get(key);
    if (other === undefined) first.set(key, index);
    else if (apart(other, index)) out.push({ first: other, second: index, by: 'copy' });
  }
  return out;
}

export interface ContentOptions {
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  /** Reads one picture, `[height, width, 3]`. */
  readonly pixels: (index: number) => Uint8Array;
  readonly apart: (a: number, b: number) => boolean;
  readonly onPair?: (done: number) => void | Promise<void>;
}

/** More pairs than this would take an hour. */
export const MOST_PAIRS = 20_000;
/** Longest edge of the reduced pictures: the transform of a pair then takes some milliseconds. */
const REDUCED_EDGE = 160;
/**
 * Details that correlate from here on show the same ground. Measured on pictures of four aerial scenes of one city (docs/decisions/0013): the
 * one true overlap 0.89 to 0.93, the best of 485 others 0.36 to 0.40.
 */
const SAME_GROUND = 0.6;

/** How many pairs of samples are of different groups. */
export function pairCount(groups: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  const within = [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  return (groups.length * (groups.length - 1)) / 2 - within;
}

/**
 * Pairs of pictures of one pixel size that overlap on the ground, found by their content: each pair is laid over each other at
 * the best of all shifts. Turned or resized copies are not found.
 */
export async function leaksByContent(options: ContentOptions): Promise<Leak[]> {
  const { sizes, pixels, apart } = options;
  const factor = Math.max(1, Math.ceil(Math.max(...sizes.map(({ width, height }) => Math.max(width, height))) / REDUCED_EDGE));
  const details: Detail[] = sizes.map(({ width, height }, index) => detailOf(pixels(index), width, height, factor));
  const out: Leak[] = [];
  let done = 0;
  for (let first = 0; first < sizes.length; first++) {
    for (let second = first + 1; second < sizes.length; second++) {
      if (!apart(first, second)) continue;
      const found = findOverlap(details[first]!, details[second]!);
      if (found !== undefined && found.correlation >= SAME_GROUND) {
        out.push({ first, second, by: 'content', overlap: { dx: found.dx * factor, dy: found.dy * factor, width: found.width * factor, height: found.height * factor, correlation: found.correlation } });
      }
      await options.onPair?.(++done);
    }
  }
  return out;
}
