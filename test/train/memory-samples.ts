import type { ChipSamples, MapSamples, MaskedPicture, Split } from '../../src/samples/index.js';

/** Square chips of one size with tags, decoded. */
export interface ChipSet {
  /** Edge in pixels. */
  readonly size: number;
  readonly names: readonly string[];
  readonly tags: readonly string[];
  /** `[chips, size, size, 3]`: red, green, blue. */
  readonly pixels: Uint8Array;
  /** `[chips, tags]`, 1 where a chip has a tag. */
  readonly targets: Uint8Array;
  /** By chip: where it comes from (scene, tile); the same everywhere if unknown. */
  readonly groups: readonly string[];
}

export interface MemoryChipsOptions {
  /** `#rrggbb` by tag. Default: grey. */
  readonly colors?: readonly string[];
  readonly exclusive?: boolean;
  readonly parts?: Split;
  readonly fingerprint?: string;
}

/** Chips that lie in memory, as samples. */
export function memoryChips(set: ChipSet, options: MemoryChipsOptions = {}): ChipSamples {
  const { size, names, tags, pixels, targets, groups } = set;
  const length = size * size * 3;
  return {
    kind: 'chips', count: names.length, size, tags, colors: options.colors ?? tags.map(() => '#808080'), exclusive: options.exclusive ?? false,
    targets, groups, ...(options.parts === undefined ? {} : { parts: options.parts }), fingerprint: options.fingerprint ?? '',
    nameOf: (index) => names[index]!,
    read: (index, into, offset) => into.set(pixels.subarray(index * length, (index + 1) * length), offset),
    close: () => Promise.resolve(),
  };
}

export interface MemoryMapsOptions {
  readonly classes: readonly string[];
  readonly colors?: readonly string[];
  readonly parts?: Split;
  readonly fingerprint?: string;
}

/** Pictures that lie in memory, as samples. */
export function memoryMaps(pictures: readonly MaskedPicture[], options: MemoryMapsOptions): MapSamples {
  const { classes, parts } = options;
  return {
    kind: 'maps', count: pictures.length, classes, colors: options.colors ?? classes.map(() => '#808080'),
    pictures: pictures.map(({ name, group, width, height }) => ({ name, group, width, height })),
    ...(parts === undefined ? {} : { parts }), fingerprint: options.fingerprint ?? '',
    read: (index) => pictures[index]!,
    readWindow(index, { x, y, width, height }) {
      const picture = pictures[index]!;
      const pixels = new Uint8Array(width * height * 3);
      const mask = new Uint8Array(width * height);
      for (let row = 0; row < height; row++) {
        const from = (y + row) * picture.width + x;
        pixels.set(picture.pixels.subarray(from * 3, (from + width) * 3), row * width * 3);
        mask.set(picture.mask.subarray(from, from + width), row * width);
      }
      return { width, height, pixels, mask };
    },
    close: () => Promise.resolve(),
  };
}
