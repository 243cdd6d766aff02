import type { LonLat } from '../georef/index.js';
import type { Window } from '../raster/index.js';

/** One chip with its answer, as tables list it. */
export interface Chip {
  /** Unique in its table: the scene's name with row and column, or the chip file's name. */
  readonly id: string;
  /** Place in the scene, in pixels. */
  readonly window: Window;
  /** Longitude and latitude of the centre, WGS 84; absent without georeference. */
  readonly centre?: LonLat;
  /** Closed ring, counter-clockwise; absent without georeference. */
  readonly footprint?: readonly LonLat[];
  /** One per tag, in the table's order; absent where the chip has no data and was not predicted. */
  readonly probabilities?: ArrayLike<number>;
  /** Indices of the tags that count as present. */
  readonly tags: readonly number[];
}

/** Takes chips one after the other; nothing but the last few kilobytes is kept in memory. */
export interface ChipWriter {
  write(chip: Chip): Promise<void>;
  /** Writes the end and syncs the file. */
  finish(): Promise<void>;
  /** Closes without finishing; the file is of no use. */
  abort(): Promise<void>;
}
