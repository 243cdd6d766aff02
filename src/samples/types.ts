/** Mask value of pixels that belong to no class: neither trained on nor scored. */
export const IGNORE = 255;

/** A picture with a class per pixel. */
export interface MaskedPicture {
  readonly name: string;
  /** The tile or scene that it was cut from. */
  readonly group: string;
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`: red, green, blue. */
  readonly pixels: Uint8Array;
  /** `[height, width]`, class ids or {@link IGNORE}. */
  readonly mask: Uint8Array;
}

/** Places of samples: what is learned from, what choices are made on, and what is only measured at the end. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

/**
 * Square chips of one size, decoded, with any number of tags each, or with one class each. What training and scoring read: the
 * pixels lie in memory or in a cache file, so their number is not limited by memory.
 */
export interface ChipSamples {
  readonly kind: 'chips';
  readonly count: number;
  /** Edge in pixels. */
  readonly size: number;
  /** Names of tags or classes; their places are their ids. */
  readonly tags: readonly string[];
  /** `#rrggbb` by tag. */
  readonly colors: readonly string[];
  /** Whether every chip has exactly one of the tags: classes. */
  readonly exclusive: boolean;
  /** `[count, tags]`, 1 where a chip has a tag. */
  readonly targets: Uint8Array;
  /** By chip: where it comes from (scene, tile, folder); the same everywhere if unknown. */
  readonly groups: readonly string[];
  /** Places that the data themselves name as train, validate and test; absent where they do not. */
  readonly parts?: Split;
  /** Changes with pixels and targets. */
  readonly fingerprint: string;
  nameOf(index: number): string;
  /** Writes the pixels of a chip, `[size, size, 3]`, red, green, blue, at `offset`. Synchronous: from memory or the system's file cache. */
  read(index: number, into: Uint8Array, offset: number): void;
  close(): Promise<void>;
}

/** What is known of a picture with a mask without reading it. */
export type PictureEntry = Pick<MaskedPicture, 'name' | 'group' | 'width' | 'height'>;

/** Pictures with a class per pixel, decoded; in memory or in a cache file. */
export interface MapSamples {
  readonly kind: 'maps';
  readonly count: number;
  /** Names of classes; their places are their ids. */
  readonly classes: readonly string[];
  /** `#rrggbb` by class. */
  readonly colors: readonly string[];
  readonly pictures: readonly PictureEntry[];
  readonly parts?: Split;
  readonly fingerprint: string;
  /** Reads a whole picture. */
  read(index: number): MaskedPicture;
  /** Reads a part of a picture, which must lie inside it. Synchronous. */
  readWindow(index: number, window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): Pick<MaskedPicture, 'width' | 'height' | 'pixels' | 'mask'>;
  close(): Promise<void>;
}
