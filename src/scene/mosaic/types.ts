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

/** Filters over the pixels around a place, as GDAL names them. */
export const FILTER_NAMES = ['bilinear', 'cubic', 'cubicspline', 'lanczos', 'average', 'rms', 'mode'] as const;

/** What pixels of another size are made by; `averaged` is what an AveragedSource does. */
export type Kernel = (typeof FILTER_NAMES)[number] | 'averaged';
export type Resampling = 'nearest' | Kernel;

/** What of a file goes into a band: a band from 0, of complex numbers the real part or the other; or the file's mask. */
export interface Origin {
  readonly from: number | 'mask';
  readonly part: 'real' | 'imaginary';
}

/** A piece of a file that is painted into a mosaic. */
export interface Layer {
  /** Name of the file among the mosaic's members. */
  readonly member: string;
  readonly placement: Placement;
  /** What of the file goes to which band of the mosaic, from 0. */
  readonly bands: readonly (Origin & { readonly to: number })[];
  /** Samples with this value are left out. */
  readonly nodata?: number;
  /** Pixels that the file's own mask says are missing are left out. */
  readonly useMask: boolean;
  readonly rule?: ValueRule;
  readonly resampling: Resampling;
}

/** What a mosaic is, however its files were named: a VRT, a folder, a list. */
export interface Mosaic {
  readonly width: number;
  readonly height: number;
  /** Type that holds the samples of all bands. */
  readonly dtype: DataType;
  readonly bands: readonly MosaicBand[];
  /** The bands are the real and the imaginary parts of complex numbers, in turn. */
  readonly isComplex?: boolean;
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
  /** What samples are before they are given in the mosaic's type. Default: that type. */
  readonly dtype?: DataType;
  /** Integers of 64 bits, as doubles. */
  readonly isWide?: boolean;
}
