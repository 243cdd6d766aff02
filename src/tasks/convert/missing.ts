import type { TypedArray } from '../../raster/index.js';
import type { Rows } from '../rows/row-source.js';
import type { ConvertPlan } from './plan.js';

/**
 * Marks the missing pixels of rows in the way of the output: cuts off what lies outside of the area, gives missing pixels the
 * nodata value, or makes them transparent; gives the mask for files that have one. The samples are changed.
 */
export function markMissing({ area, missing, cog }: Pick<ConvertPlan, 'area' | 'missing' | 'cog'>, rows: Rows): Uint8Array | undefined {
  const { width, bands, alphaBand, nodata } = cog;
  let { mask } = rows;
  if (area !== undefined) {
    const inside = new Uint8Array(width * rows.count).fill(255);
    area.clip(inside, { x: 0, y: rows.top, width, count: rows.count });
    // What lies outside of the area is not to be found in the file; what the scene hides itself stays as it is.
    fillMissing(rows.data, inside, bands, nodata ?? 0);
    mask = mask === undefined ? inside : mask.map((value, pixel) => value & inside[pixel]!);
  }
  if (mask === undefined || missing === 'none') return undefined;
  if (missing === 'nodata') {
    fillMissing(rows.data, mask, bands, nodata!);
    return undefined;
  }
  if (missing === 'alpha') {
    for (let pixel = 0, at = alphaBand!; pixel < mask.length; pixel++, at += bands) if (mask[pixel] === 0) rows.data[at] = 0;
    return undefined;
  }
  return mask;
}

function fillMissing(data: TypedArray, mask: Uint8Array, bands: number, value: number): void {
  for (let pixel = mask.indexOf(0); pixel >= 0; pixel = mask.indexOf(0, pixel)) {
    const first = pixel;
    while (pixel < mask.length && mask[pixel] === 0) pixel++;
    // A NaN stays the one it is: there are many, and the samples are to be the scene's own.
    if (!Number.isNaN(value)) data.fill(value, first * bands, pixel * bands);
    else for (let at = first * bands; at < pixel * bands; at++) if (!Number.isNaN(data[at]!)) data[at] = value;
  }
}
