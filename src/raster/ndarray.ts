import ndarray from 'ndarray';
import type { NdArray } from 'ndarray';
import type { Raster, TypedArray } from './types.js';

/**
 * A raster as an N-dimensional array of shape `[height, width, bands]`, whatever its layout; a view, nothing is copied:
 * `rasterArray(raster).get(row, column, band)`.
 */
export function rasterArray(raster: Raster): NdArray<TypedArray> {
  const { data, width, height, bands } = raster;
  const stride = raster.layout === 'pixel' ? [width * bands, bands, 1] : [width, 1, width * height];
  return ndarray<TypedArray>(data, [height, width, bands], stride);
}
