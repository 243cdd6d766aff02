import type { DataType, Raster, Rgba, TypedArray, Window } from './types.js';
import type { Crs, Transform } from '../georef/types.js';

/** What is known of a scene without reading a pixel. */
export interface SceneProfile {
  /** The path or URL that was opened. */
  readonly source: string;
  /** Container: `'GTiff'`, `'JPEG'`, `'PNG'`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Bits that are used, where fewer than the type has (1, 2, 4, 11 …). */
  readonly bits?: number;
  /** Pixel to CRS coordinates; absent where the file has none. */
  readonly transform?: Transform;
  readonly crs?: Crs;
  /** The value that marks missing pixels, already rounded to the scene's own type; may be NaN. */
  readonly nodata?: number;
  /** Index of the band that is alpha, from 0. It counts in `bands`. */
  readonly alphaBand?: number;
  /** Where masks come from. */
  readonly maskSource: 'none' | 'nodata' | 'alpha' | 'internal' | 'external';
  /** Names of the bands, where the file gives them (`red`, `B05`, …). */
  readonly bandNames?: readonly string[];
  /** Colours of a palette scene, by pixel value. The pixels stay ids. */
  readonly palette?: readonly Rgba[];
  /** Class names by pixel value, where the file gives them. */
  readonly classNames?: readonly string[];
  readonly compression: string;
  /** Size of the blocks that are decoded at once. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Sizes of the reduced copies inside the file, largest first. */
  readonly overviews: readonly { readonly width: number; readonly height: number }[];
  /** Length of the file in bytes. */
  readonly bytes: number;
  /** Changes when the file changes: size, modification time and a digest of its head and tail. */
  readonly fingerprint: string;
  /** Remarks for people: unknown datum shift, ignored sidecar … */
  readonly notes: readonly string[];
}

export interface ReadOptions {
  /** Bands to read, from 0, in this order. Default: all. */
  readonly bands?: readonly number[];
  /**
   * What stands where the window reaches over the scene's edge: `'nodata'` (nodata value or 0, mask 0; the default) or
   * `'reflect'` (mirrored without repeating the edge pixel, as in NumPy's `reflect`; for scenes smaller than the window).
   */
  readonly edge?: 'nodata' | 'reflect';
  /** An array of the right type and length that may be written to and returned, to save allocating one; what is read does not depend on it. */
  readonly into?: TypedArray;
  readonly signal?: AbortSignal;
}

/** A whole raster, open for reading at any place. Reads may overlap in time. */
export interface Scene {
  readonly profile: SceneProfile;
  /**
   * Reads a window, pixel-interleaved, in the scene's own type. `mask` is present whenever the scene has nodata, alpha or a
   * mask, or the window reaches over the edge.
   * @throws {InvalidFileError} if blocks of the window cannot be decoded.
   */
  read(window: Window, options?: ReadOptions): Promise<Raster>;
  close(): Promise<void>;
}
