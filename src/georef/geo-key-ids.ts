/** Key and code numbers of GeoTIFF (OGC 19-008r4, annexes B and C; names without the `GeoKey` ending). */
export const KEY = {
  modelType: 1024,
  rasterType: 1025,
  citation: 1026,
  geographicType: 2048,
  geogCitation: 2049,
  geodeticDatum: 2050,
  primeMeridian: 2051,
  geogLinearUnits: 2052,
  geogLinearUnitSize: 2053,
  geogAngularUnits: 2054,
  geogAngularUnitSize: 2055,
  ellipsoid: 2056,
  semiMajorAxis: 2057,
  semiMinorAxis: 2058,
  inverseFlattening: 2059,
  primeMeridianLongitude: 2061,
  toWgs84: 2062,
  projectedType: 3072,
  projectedCitation: 3073,
  projection: 3074,
  coordTrans: 3075,
  projLinearUnits: 3076,
  projLinearUnitSize: 3077,
  stdParallel1: 3078,
  stdParallel2: 3079,
  natOriginLong: 3080,
  natOriginLat: 3081,
  falseEasting: 3082,
  falseNorthing: 3083,
  falseOriginLong: 3084,
  falseOriginLat: 3085,
  falseOriginEasting: 3086,
  falseOriginNorthing: 3087,
  centerLong: 3088,
  centerLat: 3089,
  centerEasting: 3090,
  centerNorthing: 3091,
  scaleAtNatOrigin: 3092,
  scaleAtCenter: 3093,
  azimuthAngle: 3094,
  straightVertPoleLong: 3095,
  rectifiedGridAngle: 3096,
  verticalType: 4096,
  verticalCitation: 4097,
} as const;

export const MODEL = { projected: 1, geographic: 2, geocentric: 3 } as const;
export const RASTER_TYPE = { pixelIsArea: 1, pixelIsPoint: 2 } as const;

/** The code that says: defined by further keys. */
export const USER_DEFINED = 32767;

/** Tags in which the values of long keys stand. */
export const GEO_TAG = { directory: 34735, doubles: 34736, ascii: 34737 } as const;
