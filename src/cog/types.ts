import type { Crs, GroundControl, RationalCoefficients, Transform } from '../georef/index.js';
import type { DataType, Rgba, TypedArray } from '../raster/index.js';

/**
 * `jpeg` (1 or 3 bands) and `webp` (3, or 4 with alpha) are lossy and take uint8; `zstd` needs a Node whose zlib has it
 * (22.15, 23.8).
 */
export type Compression = 'deflate' | 'zstd' | 'lzw' | 'jpeg' | 'webp' | 'none';

export const COMPRESSIONS: readonly Compression[] = ['deflate', 'zstd', 'lzw', 'jpeg', 'webp', 'none'];

/** How four pixels become one in the reduced copies. */
export type OverviewMethod =
  /** the most frequent value; of equally frequent ones the first in reading order; for class ids */
  | 'mode'
  /** the upper left pixel */
  | 'nearest'
  /** the mean of the valid pixels; integers are rounded, half away from zero */
  | 'average'
  /** the mean of the valid ones of 16 pixels, those farther away counting less; smoother than `average` */
  | 'bilinear'
  /** no reduced copies */
  | 'none';

export const OVERVIEW_METHODS: readonly OverviewMethod[] = ['mode', 'nearest', 'average', 'bilinear', 'none'];

/** What a GeoTIFF says of its pixels and their place. Shared by streamed COGs and by single tiles. */
export interface TiffDescription {
  /** Value of missing pixels; goes into `GDAL_NODATA`. */
  readonly nodata?: number;
  /** Colours by pixel value; one band of uint8 or uint16 only. */
  readonly palette?: readonly Rgba[];
  /** Index of the band that is alpha (not premultiplied), from 0. */
  readonly alphaBand?: number;
  readonly transform?: Transform;
  /** Ground control points; written where there is no transform, beside which GeoTIFF has no room for them. */
  readonly gcps?: GroundControl;
  /** A camera model; its estimates of errors are written as unknown. */
  readonly rpc?: RationalCoefficients;
  /** Written as its GeoKeys. */
  readonly crs?: Crs;
  /** One name per band. */
  readonly bandNames?: readonly string[];
  /** Names by pixel value; an empty string where a value has none. Written as metadata `CLASS_<value>`. */
  readonly classNames?: readonly string[];
  /** For people: the tag ImageDescription. */
  readonly description?: string;
  /** More items for `GDAL_METADATA`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What samples mean, by band: `sample * scale + offset`. */
  readonly scaling?: readonly { readonly scale: number; readonly offset: number }[];
  /** Units of those values, by band; empty where a band has none. */
  readonly units?: readonly string[];
  /** More items by band. */
  readonly bandMetadata?: readonly Readonly<Record<string, string>>[];
  /**
   * What the bands mean to a viewer. Default: `palette` with a palette; `rgb` for uint8 with 3 or 4 bands, none of the first three alpha; else `grey`.
   */
  readonly photometric?: 'rgb' | 'grey' | 'palette';
}

/** How blocks are packed. */
export interface TiffPacking {
  /** Default: `deflate`. */
  readonly compression?: Compression;
  /**
   * Level of deflate, 1–9. Default: 6 without predictor; 1 with one, where more effort saves 5 to 6 % on aerial pictures for
   * one and a half to twice the time. Of zstd, 1–22; default 9, as GDAL has it.
   */
  readonly level?: number;
  /**
   * What deflate looks for: `search` earlier sequences, `runs` of one byte only (zlib's Z_RLE). With predictor 2, `runs` takes a third
   * less time than level 1 and 0 to 18 % more bytes; with predictor 3 it is both quick and small. Default: `runs` with
   * predictor 3, else `search`.
   */
  readonly matching?: 'search' | 'runs';
  /** Quality of jpeg and webp, 1–100. Default 85. 100 makes webp lossless. */
  readonly quality?: number;
  /**
   * 1 none, 2 horizontal differences (integers), 3 floating point. Default: 1 with a palette, class names or mode overviews,
   * else 2 for integers and 3 for floats; always 1 for `jpeg`, `webp` and `none`.
   */
  readonly predictor?: 1 | 2 | 3;
}

export interface CogOptions extends TiffDescription, TiffPacking {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Folder for the spooled blocks; made if absent. Nothing else may use it at the same time. */
  readonly scratch: string;
  /** Edge of a block in pixels, a multiple of 16. Default 512. */
  readonly blockSize?: number;
  /**
   * Rows come with a mask, which becomes the file's internal mask: one bit per pixel, for the overviews too. For scenes whose
   * missing pixels have no value of their own. Default: false.
   */
  readonly mask?: boolean;
  /**
   * Counts the valid samples of every band while they pass, and writes `STATISTICS_MINIMUM`, `_MAXIMUM`, `_MEAN`, `_STDDEV`
   * (of the population) and `_VALID_PERCENT`. Default: unless the values are classes.
   */
  readonly statistics?: boolean;
  /** Default: `mode` with a palette or class names, else `average`. */
  readonly overviews?: OverviewMethod;
  /** Blocks that are compressed at the same time. Default: number of cores + 1. The bytes do not depend on it. */
  readonly concurrency?: number;
  /** Force or forbid BigTIFF. Default: when more than 4 GiB are needed. */
  readonly bigTiff?: boolean;
}

/** JSON values. */
export type CheckpointJson = string | number | boolean | null | readonly CheckpointJson[] | { readonly [key: string]: CheckpointJson };

/**
 * A point from which `resumeCog` goes on. It stays valid until the second next call of `checkpoint`: note it before asking for
 * another.
 */
export interface CogCheckpoint {
  /** Plain JSON, under 1 kB per overview level. */
  readonly state: CheckpointJson;
  /**
   * Bytes to keep beside it: the rows of bilinear overviews that wait for their neighbours. Else empty: the rows of unfinished
   * blocks are in the scratch folder.
   */
  readonly carry: Uint8Array;
}

export interface CogWriter {
  /** Rows taken so far. */
  readonly rowsWritten: number;
  /**
   * Takes the next `rowCount` rows, pixel-interleaved, in the writer's sample type. The rows may be reused when the promise
   * resolves; it waits while too many blocks are being compressed. One call at a time.
   * @param mask one byte per pixel, 0 where it has no data; with the option `mask` only. Absent: all have.
   */
  write(rows: TypedArray, rowCount: number, mask?: Uint8Array): Promise<void>;
  /**
   * Everything that `write` has taken when this is called is on disk (synced) when the promise resolves. Rows may be written
   * meanwhile. Appends only what is new since the last checkpoint.
   */
  checkpoint(): Promise<CogCheckpoint>;
  /**
   * Assembles the file at `path` (a temporary name: renaming is the caller's) and syncs it. The scratch folder is left, so
   * that a crash before the rename can still be resumed; the caller removes it.
   */
  finish(path: string): Promise<{ readonly bytes: number; readonly overviews: number }>;
  /** Closes everything and removes the spooled blocks. Also allowed after `finish`. */
  abort(): Promise<void>;
  /** Closes everything and leaves what the last checkpoint needs. */
  close(): Promise<void>;
}
