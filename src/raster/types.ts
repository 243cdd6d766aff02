/** What pixels are: sample types, rasters, windows. Pure types; nothing here reads or writes. */

/** Sample types that a raster in memory can have. Float16 and packed 1–7 bit samples are widened when read. */
export type DataType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A rectangle of pixels. `x` grows to the right, `y` down, both from the upper left corner of the scene; integers. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Pixels in memory. `layout: 'pixel'`: sample of band b at column x, row y is `data[(y * width + x) * bands + b]`;
 * `'band'`: `data[(b * height + y) * width + x]`.
 */
export interface Raster {
  readonly data: TypedArray;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly layout: 'pixel' | 'band';
  /** One byte per pixel, row by row: 255 valid, 0 nodata. Absent: every pixel is valid. */
  readonly mask?: Uint8Array;
}

/** Red, green, blue, alpha, each 0–255. */
export type Rgba = readonly [number, number, number, number];
