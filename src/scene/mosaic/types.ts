import type { Crs, Transform } from '../../georef/index.js';
import type { DataType, Rgba, SceneProfile } from '../../raster/index.js';

/** A rectangle in pixels that may begin and end between them. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What becomes of a sample on its way from a file into the mosaic, in this order. */
export interface ValueRule {
  /** Red, green, blue or alpha (0–3) of the sample's colour in the file's palette. */
  readonly component?: number;
  /** `sample * ratio + offset` */
  readonly linear?: { readonly ratio: number; readonly offset: number };
  /** `(dstMax - dstMin) * ((sample - srcMin) / (srcMax - srcMin)) ** exponent + dstMin` */
  readonly power?: { readonly exponent: number; readonly srcMin: number; readonly srcMax: number; readonly dstMin: number; readonly dstMax: number; readonly clamp: boolean };
  /** Linear between its points, constant beyond them. */
  readonly table?: { readonly inputs: readonly number[]; readonly outputs: readonly number[] };
}

/** Where pixels of a file go. `undefined` rectangles: all of it. */
export interface Placement {
  readonly source?: Rect;
  readonly target?: Rect;
}

/** A piece of a file that is painted into a mosaic. */
export interface Layer {
  /** Name of the file among the mosaic's members. */
  readonly member: string;
  readonly placement: Placement;
  /** Which band of the file, from 0, or its mask, goes to which band of the mosaic. */
  readonly bands: readonly { readonly from: number | 'mask'; readonly to: number }[];
  /** Samples with this value are left out. */
  readonly nodata?: number;
  /** Pixels that the file's own mask says are missing are left out. */
  readonly useMask: boolean;
  readonly rule?: ValueRule;
  /** Mean of the pixels that fall together, instead of the nearest one. */
  readonly averaged: boolean;
}

/** What a mosaic is, however its files were named: a VRT, a folder, a list. */
export interface Mosaic {
  readonly width: number;
  readonly height: number;
  readonly dtype: DataType;
  readonly bands: readonly MosaicBand[];
  readonly transform?: Transform;
  readonly crs?: Crs;
  /** The value that stands for missing; what `fill` of the bands is may differ. */
  readonly nodata?: number;
  readonly bandNodata?: SceneProfile['bandNodata'];
  readonly alphaBand?: number;
  readonly palette?: readonly Rgba[];
  readonly classNames?: readonly string[];
  /** What goes into the profile as it is. */
  readonly described?: Pick<SceneProfile, 'gcps' | 'rpc' | 'photometric' | 'scaling' | 'units' | 'metadata'>;
  /** Bottom to top: what comes later covers what came before. */
  readonly layers: readonly Layer[];
  /** A mask of its own, one band: 0 is missing. */
  readonly mask?: readonly Layer[];
  readonly notes: readonly string[];
}

export interface MosaicBand {
  readonly name?: string;
  /** What stands where no layer does. */
  readonly fill: number;
}
