import { splitName, type CachedMaps } from '../../dataset/index.js';
import type { ChipSamples } from '../../samples/index.js';

/** Samples as a split sees them. */
export interface Splittable {
  readonly kind: 'chips' | 'pictures';
  readonly names: readonly string[];
  readonly groups: readonly string[];
  /** `[samples, tags]`: how much of each class; 0 or 1 for chips, shares for pictures. */
  readonly amounts: readonly (readonly number[])[];
  readonly classes: readonly string[];
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  readonly pixels: (index: number) => Uint8Array;
  /** Paths of the scenes or pictures that the samples come from, and their windows in them. */
  readonly origin: (index: number) => { readonly file: string; readonly window?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } } | undefined;
  close(): Promise<void>;
}

type WithWindows = ChipSamples & { readonly windowOf?: (index: number) => { readonly x: number; readonly y: number; readonly width: number; readonly height: number }; readonly pictureOf?: (index: number) => string };

/** Chips, with the files that they are (`files`), or the scenes and pictures that they are cut from (`pictures`, by `group/name`). */
export function chipsAsSplittable(samples: WithWindows, files: readonly string[] | undefined, pictures?: ReadonlyMap<string, string | undefined>): Splittable {
  const tags = samples.tags.length;
  const buffer = new Uint8Array(samples.size * samples.size * 3);
  const indices = Array.from({ length: samples.count }, (_, index) => index);
  return {
    kind: 'chips',
    names: indices.map((index) => splitName(samples.groups[index]!, samples.nameOf(index))), groups: samples.groups, classes: samples.tags,
    amounts: indices.map((index) => Array.from(samples.targets.subarray(index * tags, (index + 1) * tags))),
    sizes: indices.map(() => ({ width: samples.size, height: samples.size })),
    pixels: (index) => { samples.read(index, buffer, 0); return buffer; },
    origin(index) {
      const window = samples.windowOf?.(index);
      const file = window === undefined ? files?.[index] : pictures?.get(samples.pictureOf!(index)) ?? samples.pictureOf!(index);
      return file === undefined ? undefined : { file, ...(window === undefined ? {} : { window }) };
    },
    close: () => samples.close(),
  };
}

/** Pictures or scenes with masks, with their files by `group/name`. */
export function mapsAsSplittable(samples: CachedMaps, files: ReadonlyMap<string, string | undefined>): Splittable {
  const { pictures } = samples;
  return {
    kind: 'pictures',
    names: pictures.map(({ group, name }) => splitName(group, name)), groups: pictures.map(({ group }) => group), classes: samples.classes,
    amounts: samples.counts.map((counts) => { const total = counts.reduce((sum, count) => sum + count, 0); return counts.map((count) => (total === 0 ? 0 : count / total)); }),
    sizes: pictures,
    pixels: (index) => samples.read(index).pixels,
    origin: (index) => { const file = files.get(`${pictures[index]!.group}/${pictures[index]!.name}`); return file === undefined ? undefined : { file }; },
    close: () => samples.close(),
  };
}
