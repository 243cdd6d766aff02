import type { TypedArray } from '../raster/index.js';
import type { BlockRaster } from './block-raster.js';

/** A whole picture in memory as one block, pixel-interleaved. */
export function memoryRaster(data: TypedArray, shape: Pick<BlockRaster, 'width' | 'height' | 'bands' | 'dtype'>): BlockRaster {
  return {
    ...shape,
    blockWidth: shape.width,
    blockHeight: shape.height,
    planes: 1,
    fill: 0,
    runs: (keys) => keys.map((key) => [key]),
    decode: (run) => Promise.resolve(run.map(() => data)),
  };
}
