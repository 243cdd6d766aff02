import { hashPixels } from './contradictions.js';
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

export interface CopiesOptions {
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  /** Reads one sample. */
  readonly pixels: (index: number) => Uint8Array;
  /** The part that a sample is in, `undefined` if in none. */
  readonly partOf: (index: number) => number | undefined;
  /** Given, samples of different groups count as well, whatever their parts. */
  readonly groupOf?: (index: number) => string;
  /** Told what of each sample is equal for equal pixels. */
  readonly onKey?: (index: number, key: string) => void;
}

/**
 * Samples with exactly the same size and pixels in different parts (or groups). Not all pairs, of which a thousand black pictures have half a million: each sample
 * is paired with the first equal one of every other part; where there is none, with the first of another group.
 */
export function copies({ sizes, pixels, partOf, groupOf, onKey }: CopiesOptions): Leak[] {
  const equal = new Map<string, Equal>();
  const out: Leak[] = [];
  sizes.forEach(({ width, height }, second) => {
    const key = hashPixels({ width, height }).update(pixels(second)).digest('base64');
    onKey?.(second, key);
    const part = partOf(second);
    const seen = equal.get(key);
    if (seen === undefined) {
      equal.set(key, { first: second, parts: new Map(part === undefined ? [] : [[part, second]]) });
      return;
    }
    const across = part === undefined ? [] : [...seen.parts].filter(([other]) => other !== part).map(([, first]) => first);
    if (part !== undefined && !seen.parts.has(part)) seen.parts.set(part, second);
    if (groupOf !== undefined) {
      if (groupOf(second) !== groupOf(seen.first)) seen.ofAnotherGroup ??= second;
      const first = groupOf(second) !== groupOf(seen.first) ? seen.first : seen.ofAnotherGroup;
      if (across.length === 0 && first !== undefined) across.push(first);
    }
    for (const first of across) out.push({ first, second, by: 'copy' });
  });
  return out;
}

/** What is kept of the samples with the same pixels. */
interface Equal {
  readonly first: number;
  /** The first of each part. */
  readonly parts: Map<number, number>;
  /** The first of another group than `first`. */
  ofAnotherGroup?: number;
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

/** How many pairs of samples are in different parts, and of different groups if those are given. Samples in no part are in no pair. */
export function pairsAcross(parts: readonly Int32Array[], groups?: readonly string[]): number {
  const pairsOf = (counts: readonly number[]): number => {
    const all = counts.reduce((sum, count) => sum + count, 0);
    return (all * all - counts.reduce((sum, count) => sum + count * count, 0)) / 2;
  };
  const all = pairsOf(parts.map((part) => part.length));
  if (groups === undefined) return all;
  const perGroup = new Map<string, number[]>();
  parts.forEach((part, id) => {
    for (const index of part) {
      const group = groups[index]!;
      const counts = perGroup.get(group) ?? parts.map(() => 0);
      counts[id]! += 1;
      perGroup.set(group, counts);
    }
  });
  return all - [...perGroup.values()].reduce((sum, counts) => sum + pairsOf(counts), 0);
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
