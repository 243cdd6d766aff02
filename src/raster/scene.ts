import type { DataType, Raster, Rgba, TypedArray, Window } from './types.js';
import type { Crs, GroundControl, RationalCoefficients, Transform } from '../georef/types.js';

/** What is known of a scene without reading a pixel. */
export interface SceneProfile {
  /** The path or URL that was opened. */
  readonly source: string;
  /** Container: `'GTiff'`, `'JPEG'`, `'PNG'`, `'WEBP'`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Bits that are used, where fewer than the type has (1, 2, 4, 11 …). */
  readonly bits?: number;
  /** The bands are the real and the imaginary parts of complex numbers, in turn. */
  readonly isComplex?: boolean;
  /** Pixel to CRS coordinates; absent where the file has none. */
  readonly transform?: Transform;
  readonly crs?: Crs;
  /** Ground control points; pixels are not warped by them. */
  readonly gcps?: GroundControl;
  /** A satellite's camera model; pixels are not warped by it. */
  readonly rpc?: RationalCoefficients;
  /** The value that marks missing pixels, already rounded to the scene's own type; may be NaN. */
  readonly nodata?: number;
  /** Nodata band by band, where the bands do not share one; `nodata` is then that of the first band that has one. */
  readonly bandNodata?: readonly (number | undefined)[];
  /** Index of the band that is alpha, from 0. It counts in `bands`. */
  readonly alphaBand?: number;
  /** Whether the file says that its first three bands are red, green and blue. */
  readonly photometric?: 'rgb';
  /** Where masks come from. */
  readonly maskSource: 'none' | 'nodata' | 'alpha' | 'internal' | 'external';
  /** Names of the bands, where the file gives them (`red`, `B05`, …). */
  readonly bandNames?: readonly string[];
  /** What samples mean: `sample * scale + offset`, band by band. Samples are given as they are stored. */
  readonly scaling?: readonly { readonly scale: number; readonly offset: number }[];
  /** Units of the bands' scaled values, empty where a band has none. */
  readonly units?: readonly string[];
  /** What the file says of the bands' values; not computed, and perhaps of a part of the pixels. */
  readonly statistics?: readonly (BandStatistics | undefined)[];
  /** What else the file says in GDAL's items of metadata: kept, and not understood. */
  readonly metadata?: FreeMetadata;
  /** Colours of a palette scene, by pixel value. The pixels stay ids. */
  readonly palette?: readonly Rgba[];
  /** Class names by pixel value, where the file gives them. */
  readonly classNames?: readonly string[];
  readonly compression: string;
  /** Size of the blocks that are decoded at once. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Sizes of the reduced copies, in the file or beside it (`.ovr`), largest first. */
  readonly overviews: readonly { readonly width: number; readonly height: number }[];
  /** Length of the file in bytes. */
  readonly bytes: number;
  /** Which of the file's pictures this is, from 0, and how many it has; absent where it has one. */
  readonly page?: { readonly index: number; readonly count: number };
  /** Paths and URLs of the files that a mosaic is read from; those of mosaics inside it are theirs. */
  readonly files?: readonly string[];
  /** Names of the files beside the scene that were used. */
  readonly sidecars?: readonly string[];
  /**
   * Changes when the file changes: size, modification time and a digest of its head and tail, and what was taken from
   * files beside it.
   */
  readonly fingerprint: string;
  /** Remarks for people: unknown datum shift, ignored sidecar … */
  readonly notes: readonly string[];
}

/** Items of metadata by name: when a scene was taken, by which sensor … */
export interface FreeMetadata {
  readonly items: Readonly<Record<string, string>>;
  /** By band, from 0. */
  readonly bands: readonly Readonly<Record<string, string>>[];
}

/** Values of one band, as a file tells them. */
export interface BandStatistics {
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  readonly stdDev?: number;
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

/** A number of pixels, whole. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ReducedReadOptions {
  /** Bands to read, from 0, in this order. Default: all. */
  readonly bands?: readonly number[];
  /**
   * `'average'`: the mean of the valid pixels of the area, the default; `'nearest'`: the pixel in its middle, the default of
   * palette scenes and scenes with class names, whose ids cannot be averaged.
   */
  readonly resampling?: 'average' | 'nearest';
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
  /**
   * Reads a window in fewer pixels, from a reduced copy where there is one: pixel-interleaved, in the scene's own type,
   * integers rounded. `mask` as in `read`: 255 where at least half of the area has data.
   * @throws {RangeError} if the window reaches over the edge, or `size` is larger than the window
   * @throws {InvalidFileError} if blocks cannot be decoded
   */
  readReduced(window: Window, size: Size, options?: ReducedReadOptions): Promise<Raster>;
  close(): Promise<void>;
}
