import { createHash } from 'node:crypto';
import { fullWindow, bytesOf, allocate } from '../../src/raster/index.js';
import type { Raster, ReadOptions, Scene, TypedArray } from '../../src/raster/index.js';

/** The whole scene. */
export function readAll(scene: Scene, options: ReadOptions = {}): Promise<Raster> {
  return scene.read(fullWindow(scene.profile), options);
}

/** One band of a pixel-interleaved raster. */
export function bandOf(raster: Raster, band: number, dtype: Scene['profile']['dtype']): TypedArray {
  const out = allocate(dtype, raster.width * raster.height);
  for (let i = 0; i < out.length; i++) out[i] = raster.data[i * raster.bands + band]!;
  return out;
}

/** As the golden files have it: row by row, little-endian, no padding. */
export function sha256(data: TypedArray): string {
  return createHash('sha256').update(bytesOf(data)).digest('hex');
}

/** Mean of the finite samples. */
export function meanOf(data: TypedArray): number {
  let sum = 0;
  let count = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}

/** Population standard deviation of the finite samples. */
export function deviationOf(data: TypedArray): number {
  const mean = meanOf(data);
  return Math.sqrt(meanOf(Float64Array.from(data, (value) => (value - mean) ** 2)));
}
