import type { MemoryPlan } from '../../run/index.js';
import type { TileFormat } from '../../tiles/index.js';

export interface TileOptions {
  /** File of the scene. */
  readonly scene: string;
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** Folder for the tiles; made if absent. */
  readonly folder: string;
  /** Edge of a tile in pixels. Default 512. */
  readonly patchSize?: number;
  /** Pixels that neighbours share. Default 64. */
  readonly overlap?: number;
  /** Default `tif`. */
  readonly format?: TileFormat;
  /** Bands to keep, from 0, in this order. Default: all. */
  readonly bands?: readonly number[];
  /** JPEG quality 1–100. Default 90. */
  readonly quality?: number;
  /** Replaces the tiles of another run in the folder. Default: refuse. */
  readonly overwrite?: boolean;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface TileResult {
  readonly scene: string;
  readonly folder: string;
  /** The list of the tiles. */
  readonly manifest: string;
  readonly dryRun: boolean;
  readonly tiles: number;
  readonly rows: number;
  readonly columns: number;
  /** Size of a tile: the patch size, or the scene's where that is smaller. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly format: TileFormat;
  /** Tiles written now, and tiles of an earlier run that were found whole. */
  readonly written: number;
  readonly kept: number;
  /** Samples of all tiles before compression. */
  readonly rawBytes: number;
  /** Length of all tile files; 0 in a dry run. */
  readonly bytes: number;
  /** Whether `mosaic` gives back every pixel's samples, place and CRS, and which pixels are missing; else `warnings` say what is lost. */
  readonly lossless: boolean;
  readonly memory: MemoryPlan;
  readonly peakRssBytes: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
}
