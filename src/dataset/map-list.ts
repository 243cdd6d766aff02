import type { Split } from '../samples/index.js';
import type { MaskClass } from './colours.js';

/** A picture or scene with its mask, open for reading rows. */
export interface MapRows {
  readonly width: number;
  readonly height: number;
  /** Rows `y … y + count − 1`: pixels `[count, width, 3]` and class ids `[count, width]`. */
  read(y: number, count: number): Promise<{ readonly pixels: Uint8Array; readonly mask: Uint8Array }>;
  close(): Promise<void>;
}

export interface MapEntry {
  readonly name: string;
  readonly group: string;
  /** @throws {InvalidFileError} if picture or mask cannot be read, or do not fit. */
  open(): Promise<MapRows>;
  /** The scene or picture itself as a file, where it is one: for a run over it. */
  readonly file?: string;
  /** Where row and column 0 lie in that file. Default: in its corner. */
  readonly corner?: { readonly x: number; readonly y: number };
}

/** Pictures with masks, or scenes with their truth; nothing is decoded yet. */
export interface MapList {
  readonly kind: 'maps';
  readonly classes: readonly MaskClass[];
  /** Colours that mean "no class", where masks are read by colours: other ones make other masks of the same files. */
  readonly ignored?: readonly (readonly [number, number, number])[];
  readonly entries: readonly MapEntry[];
  readonly parts?: Split;
  readonly files: readonly string[];
  close(): Promise<void>;
}
