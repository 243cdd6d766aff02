import type { MemoryPlan } from '../../run/index.js';

export type XyzFormat = 'png' | 'webp';

export const XYZ_FORMATS: readonly XyzFormat[] = ['png', 'webp'];

export interface XyzOptions {
  /** File of the scene. */
  readonly scene: string;
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** Folder for the tiles: `<zoom>/<x>/<y>.png`; made if absent. */
  readonly folder: string;
  /** Default `png`. */
  readonly format?: XyzFormat;
  /** Least and deepest zoom level. Default: from the one at which the scene is a tile, to the one nearest to the scene's GSD. */
  readonly zoom?: readonly [number, number];
  /** Bands for grey, or for red, green and blue, from 0. Default: the scene's colours. */
  readonly bands?: readonly number[];
  /** WebP quality 1–100. Default 80. Classes are lossless. */
  readonly quality?: number;
  /** Replaces the tiles of another run in the folder. Default: refuse. */
  readonly overwrite?: boolean;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

export interface XyzResult {
  readonly scene: string;
  readonly folder: string;
  /** TileJSON 3.0.0, which is written last. */
  readonly tileJson: string;
  readonly dryRun: boolean;
  readonly minZoom: number;
  readonly maxZoom: number;
  /** Tiles that the scene touches, and those of them that were written: tiles without any data are left out. */
  readonly tiles: number;
  readonly written: number;
  /** Length of all tile files; 0 in a dry run. */
  readonly bytes: number;
  readonly estimatedBytes: number;
  /** About how long a whole run takes, from a row of tiles of the deepest zoom that was made and thrown away; in a dry run only. */
  readonly estimatedSeconds?: number;
  readonly resampling: 'nearest' | 'bilinear' | 'average';
  /** West, south, east, north in degrees. */
  readonly bounds: readonly [number, number, number, number];
  readonly memory: MemoryPlan;
  readonly peakRssBytes: number;
  readonly seconds: number;
  /** Remarks on the scene. */
  readonly warnings: readonly string[];
}
