/** Where pixels are. */

/**
 * GDAL's six numbers `[x0, dx, rx, y0, ry, dy]`: the CRS coordinates of pixel corner (column, row) are
 * `X = x0 + column * dx + row * rx`, `Y = y0 + column * ry + row * dy`. Column 0, row 0 is the outer corner of the upper
 * left pixel.
 */
export type Transform = readonly [number, number, number, number, number, number];

/** A coordinate reference system as a file names it. */
export interface Crs {
  /** EPSG code of the horizontal system, where the file gives one, or exactly one code has its parameters. */
  readonly epsg?: number;
  /** Name for people. */
  readonly name: string;
  readonly kind: 'projected' | 'geographic' | 'other';
  /** Definition for proj4, where one is known. */
  readonly proj4?: string;
  /** Degrees per unit, where a geographic system does not count in degrees (arc-seconds, grads). */
  readonly degreesPerUnit?: number;
  /** WKT as found in a `.prj` or GDAL metadata. */
  readonly wkt?: string;
  /** The raw GeoKeys of a GeoTIFF, so that they can be written again unchanged. */
  readonly geoKeys?: GeoKeys;
}

/** The three tags of GeoTIFF (OGC 19-008r4, section 7.1): GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams. */
export interface GeoKeys {
  readonly directory: readonly number[];
  readonly doubles?: readonly number[];
  readonly ascii?: string;
}
