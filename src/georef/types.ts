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

/**
 * A place that is known by its pixel. `column` and `row` count from the outer corner of the upper left pixel, as a
 * {@link Transform} does; `x`, `y`, `z` are in the points' CRS.
 */
export interface GroundControlPoint {
  readonly id?: string;
  readonly column: number;
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface GroundControl {
  readonly points: readonly GroundControlPoint[];
  readonly crs?: Crs;
}

/**
 * Rational polynomial coefficients: where a satellite saw a place. Names and meaning as in the RPC00B format (NITF STDI-0002);
 * offsets and scales of line and sample in pixels, of latitude and longitude in degrees, of height in metres.
 */
export interface RationalCoefficients {
  readonly lineOffset: number;
  readonly sampleOffset: number;
  readonly latOffset: number;
  readonly longOffset: number;
  readonly heightOffset: number;
  readonly lineScale: number;
  readonly sampleScale: number;
  readonly latScale: number;
  readonly longScale: number;
  readonly heightScale: number;
  /** Twenty coefficients each. */
  readonly lineNumerator: readonly number[];
  readonly lineDenominator: readonly number[];
  readonly sampleNumerator: readonly number[];
  readonly sampleDenominator: readonly number[];
}
