/** Pixel value of theme maps where the scene has no data. */
export const NODATA_CLASS = 255;
/** Theme maps have one byte per pixel and 255 is nodata. */
export const MAX_CLASSES = 255;

/** Finished rows of the map, from the top without gaps. */
export interface FinishedRows {
  readonly y: number;
  readonly rows: number;
  /** Class ids, 255 where the scene has no data. */
  readonly classes: Uint8Array;
  readonly confidence?: Uint8Array;
  readonly probabilities?: Uint8Array;
}
