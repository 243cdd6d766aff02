import fc from 'fast-check';
import { allocate, type DataType, type TypedArray } from '../../src/raster/index.js';
import type { CogWriter } from '../../src/cog/index.js';

export const DATA_TYPES: readonly DataType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'];

/** Samples over the whole range of a type that repeat from run to run: texture, edges and flat parts. */
export function samplesOf(dtype: DataType, length: number, seed = 1): TypedArray {
  const data = allocate(dtype, length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const noise = state / 2 ** 32;
    const flat = Math.floor(i / 37) % 3 === 0;
    data[i] = dtype.startsWith('float') ? (flat ? 12.5 : (noise - 0.5) * 1e6) : flat ? 7 : Math.floor((noise - 0.25) * 2 ** 32);
  }
  return data;
}

/** Class ids from 0 to `classes` − 1 in patches of some pixels. */
export function classIds(width: number, height: number, classes: number, seed = 1): Uint8Array {
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) ids[y * width + x] = Math.abs(Math.imul((x >> 2) * 73856093 ^ (y >> 1) * 19349663, seed * 2654435761) >>> 5) % classes;
  }
  return ids;
}

/** Writes all rows in calls of `step` rows. */
export async function writeAllRows(writer: CogWriter, rows: TypedArray, rowLength: number, step: number): Promise<void> {
  const height = rows.length / rowLength;
  for (let y = writer.rowsWritten; y < height; y += step) {
    const count = Math.min(step, height - y);
    await writer.write(rows.subarray(y * rowLength, (y + count) * rowLength), count);
  }
}

/** A raster's size, bands and sample type, small enough for many runs. */
export const anyRaster = fc.record({
  width: fc.integer({ min: 1, max: 90 }),
  height: fc.integer({ min: 1, max: 90 }),
  bands: fc.constantFrom(1, 2, 3, 4, 5),
  dtype: fc.constantFrom(...DATA_TYPES),
});
