import type { Compression, OverviewMethod } from '../../cog/index.js';
import type { DataType, Window } from '../../raster/index.js';
import type { MemoryPlan } from '../../run/index.js';
import type { Resampling } from '../rows/resample.js';

export interface ConvertOptions {
  /** File of the scene. */
  readonly scene: string;
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** The GeoTIFF to write. */
  readonly output: string;
  /** Default: `deflate`. */
  readonly compression?: Compression;
  /** Of jpeg and webp, 1–100. Default 85; webp is lossless at 100. */
  readonly quality?: number;
  /** Of deflate (1–9) and zstd (1–22). */
  readonly level?: number;
  /** 1 none, 2 differences, 3 floating point. Default: by the samples. */
  readonly predictor?: 1 | 2 | 3;
  /** Default: `mode` for classes, else `average`. */
  readonly overviews?: OverviewMethod;
  /** Edge of a block in pixels, a multiple of 16. Default 512. */
  readonly blockSize?: number;
  /** Bands to keep, from 0, in this order. Default: all; for jpeg all but alpha, which becomes a mask. */
  readonly bands?: readonly number[];
  /** Part of the scene, in its pixels. Default: all. */
  readonly window?: Window;
  /** GeoJSON file: crops to its polygons, and makes missing what lies outside of them. */
  readonly area?: string;
  /** EPSG code of the output's CRS. Default: the scene's own. */
  readonly epsg?: number;
  /** Metres per pixel, in the metres of the output's CRS; for degrees along the equator. Default: about the scene's own. */
  readonly gsd?: number;
  /** With `epsg` or `gsd`. Default: `nearest` for classes, `average` where pixels become more than 1.5 times as large, else `bilinear`. */
  readonly resampling?: Resampling;
  /** Replaces an existing output, and starts anew where a run was stopped. */
  readonly overwrite?: boolean;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface ConvertResult {
  readonly scene: string;
  readonly output: string;
  readonly dryRun: boolean;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Name of the CRS. */
  readonly crs?: string | undefined;
  readonly compression: Compression;
  /** How missing pixels are told. */
  readonly missing: 'none' | 'nodata' | 'alpha' | 'mask';
  /** How pixels of another grid were made; absent where they are the scene's own. */
  readonly resampling?: Resampling | undefined;
  /** Positions in the scene are at most this far from the exact ones, in its pixels. */
  readonly maxError: number;
  /** Whether the samples are the scene's own. */
  readonly lossless: boolean;
  /** Rows that an earlier run had finished. */
  readonly resumedAt: number;
  /** Length of the output; 0 in a dry run. */
  readonly bytes: number;
  /** About that, from windows of the scene that were packed before. */
  readonly estimatedBytes: number;
  /** Needed beside the output until the end, about. */
  readonly estimatedTemporaryBytes: number;
  readonly overviews: number;
  /** Samples of the output before compression. */
  readonly rawBytes: number;
  readonly memory: MemoryPlan;
  readonly peakRssBytes: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}
