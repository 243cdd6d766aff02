import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocate, type DataType, type TypedArray } from '../../src/raster/index.js';
import { rangeOf, resampleAverage, resampleBilinear, type SourcePart, type TargetBlock } from '../../src/tasks/rows/resample.js';
import { root } from '../places.js';

interface Golden {
  readonly cases: readonly {
    readonly dtype: DataType; readonly first: number; readonly second: number; readonly nodata: number; readonly method: 'average' | 'bilinear'; readonly expected: number;
  }[];
  /** Of each nodata value the first float above it that is data for GDAL. */
  readonly floats: readonly { readonly nodata: number; readonly first: number }[];
}

const golden = JSON.parse(readFileSync(join(root, 'fixtures/convert/nodata.json'), 'utf8')) as Golden;

/** One new pixel of two by two that hold two values in turn, or of the position amid them. */
function meanOf({ dtype, first, second, nodata, method }: Omit<Golden['cases'][number], 'expected'>): { readonly value: number; readonly mask: number } {
  const samples: TypedArray = allocate(dtype, 4);
  samples.set([first, second, first, second]);
  const source: SourcePart = { raster: { data: samples, width: 2, height: 2, bands: 1, layout: 'pixel' }, x: 0, y: 0, nodata, alpha: -1 };
  const target: TargetBlock = { width: 1, height: 1, data: allocate(dtype, 1), mask: new Uint8Array(1), at: 0, stride: 1, ...rangeOf(dtype) };
  if (method === 'average') resampleAverage(source, target, Float64Array.of(0, 2, 0, 2), Float64Array.of(0, 0, 2, 2));
  else resampleBilinear(source, target, Float64Array.of(1), Float64Array.of(1));
  return { value: target.data[0]!, mask: target.mask[0]! };
}

describe('a mean that meets the nodata value', () => {
  it.each(golden.cases)('of $first and $second in $dtype with nodata $nodata is GDAL\'s $expected ($method)', ({ expected, ...means }) => {
    expect(meanOf(means)).toEqual({ value: expected, mask: 255 });
  });

  it.each(golden.floats)('becomes a float beside $nodata that GDAL takes for data', ({ nodata, first }) => {
    for (const method of ['average', 'bilinear'] as const) {
      const apart = nodata === 0 ? 1 : nodata;
      const { value, mask } = meanOf({ dtype: 'float32', first: nodata - apart, second: nodata + apart, nodata, method });
      expect(mask).toBe(255);
      expect(value).toBeGreaterThanOrEqual(first);
      // Not much further than need be.
      expect(value - nodata).toBeLessThanOrEqual(1.5 * (first - nodata));
    }
  });
});
