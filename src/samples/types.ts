/** Mask value of pixels that belong to no class: neither trained on nor scored. */
export const IGNORE = 255;

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
