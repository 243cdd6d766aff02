import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduceRows, type Reduction } from '../../src/cog/overview.js';
import { createReducer, type ReducerOptions } from '../../src/cog/reducer.js';
import { allocate, type DataType, type TypedArray } from '../../src/raster/index.js';
import { root } from '../places.js';

interface Image { readonly data: TypedArray; readonly width: number; readonly height: number; readonly bands: number; readonly dtype: DataType }

function half({ data, width, height, bands, dtype }: Image, reduction: Omit<Reduction, 'bands' | 'integer'>): TypedArray {
  const nextWidth = Math.ceil(width / 2);
  const out = allocate(dtype, nextWidth * Math.ceil(height / 2) * bands);
  for (let y = 0; y < height; y += 2) {
    const below = Math.min(y + 1, height - 1);
    reduceRows(data, y * width * bands, data, below * width * bands, width, out, (y / 2) * nextWidth * bands, {
      ...reduction, bands, integer: !dtype.startsWith('float'),
    });
  }
  return out;
}

/** One level made by a reducer, fed three rows at a time. */
function reduceByReducer({ data, width, height, bands, dtype }: Image, options: { readonly method: ReducerOptions['method']; readonly nodata?: number | undefined }, mask?: Uint8Array): TypedArray {
  const [nextWidth, nextHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const reducer = createReducer({ width, height }, { width: nextWidth, height: nextHeight }, { ...options, bands, dtype, mask: mask !== undefined, chunkRows: 3 });
  const out = allocate(dtype, nextWidth * nextHeight * bands);
  let made = 0;
  for (let y = 0; y < height; y += 3) {
    const count = reducer.push(data, mask, { first: y, count: Math.min(3, height - y) });
    out.set(reducer.rows.subarray(0, count * nextWidth * bands), made * nextWidth * bands);
    made += count;
  }
  expect(made).toBe(nextHeight);
  return out;
}

/** The samples of each 2 × 2 group that exist, in reading order. */
function groups({ data, width, height, bands }: Image): number[][] {
  const all: number[][] = [];
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let b = 0; b < bands; b++) {
        const group: number[] = [];
        for (let dy = 0; dy < 2 && y + dy < height; dy++) {
          for (let dx = 0; dx < 2 && x + dx < width; dx++) group.push(data[((y + dy) * width + x + dx) * bands + b]!);
        }
        all.push(group);
      }
    }
  }
  return all;
}

function modeOf(group: readonly number[], nodata: number | undefined): number {
  const valid = group.filter((value) => value !== nodata);
  if (valid.length === 0) return nodata!;
  const counts = new Map<number, number>();
  for (const value of valid) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return valid.find((value) => counts.get(value) === most)!;
}

function meanOf(group: readonly number[], nodata: number | undefined): number {
  const valid = group.filter((value) => value !== nodata);
  if (valid.length === 0) return nodata!;
  const exact = valid.reduce((sum, value) => sum + value, 0) / valid.length;
  const mean = Math.sign(exact) * Math.floor(Math.abs(exact) + 0.5) + 0;
  return mean === nodata ? valid[0]! : mean;
}

const image = (dtype: DataType, least: number, most: number): fc.Arbitrary<Image> => fc.record({
  width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }), bands: fc.integer({ min: 1, max: 4 }),
}).chain(({ width, height, bands }) => fc.array(fc.integer({ min: least, max: most }), { minLength: width * height * bands, maxLength: width * height * bands })
  .map((values) => {
    const data = allocate(dtype, values.length);
    data.set(values);
    return { data, width, height, bands, dtype };
  }));

describe('overviews by mode', () => {
  it('take the most frequent class, of equals the first, and nodata only where all is nodata', () => {
    fc.assert(fc.property(image('uint8', 0, 3), fc.constantFrom(undefined, 0, 3), (one, nodata) => {
      expect([...half(one, { method: 'mode', nodata })]).toEqual(groups(one).map((group) => modeOf(group, nodata)));
    }), { numRuns: 400 });
  });
});

describe('overviews by average', () => {
  it.each([['uint8', 0, 255], ['int16', -32768, 32767], ['uint32', 0, 2 ** 32 - 1], ['int32', -(2 ** 31), 2 ** 31 - 1]] as const)(
    'are the rounded mean of %s', (dtype, least, most) => {
      fc.assert(fc.property(image(dtype, least, most), (one) => {
        expect([...half(one, { method: 'average' })]).toEqual(groups(one).map((group) => meanOf(group, undefined)));
      }));
    },
  );

  it('leave nodata out, and never make nodata of valid pixels', () => {
    fc.assert(fc.property(image('uint8', 0, 6), fc.integer({ min: 0, max: 6 }), (one, nodata) => {
      expect([...half(one, { method: 'average', nodata })]).toEqual(groups(one).map((group) => meanOf(group, nodata)));
    }), { numRuns: 400 });
  });

  it('leave NaN out of floats', () => {
    const data = Float32Array.of(1, Number.NaN, 3, Number.NaN, Number.NaN, Number.NaN, 5, Number.NaN);
    expect([...half({ data, width: 4, height: 2, bands: 1, dtype: 'float32' }, { method: 'average' })]).toEqual([1, 4]);
    const empty = new Float32Array(4).fill(Number.NaN);
    expect([...half({ data: empty, width: 2, height: 2, bands: 1, dtype: 'float32' }, { method: 'average' })]).toEqual([Number.NaN]);
  });

  it('leave the colours of transparent pixels out', () => {
    const data = Uint8Array.of(100, 255, 9, 0, 200, 255, 9, 0);
    expect([...half({ data, width: 2, height: 2, bands: 2, dtype: 'uint8' }, { method: 'average', alphaBand: 1 })]).toEqual([150, 128]);
  });
});

describe('overviews of masked rows', () => {
  it.each(['average', 'mode', 'bilinear'] as const)('by %s are those of rows whose missing pixels have the nodata value', (method) => {
    fc.assert(fc.property(image('uint8', 1, 6), fc.array(fc.boolean(), { minLength: 81, maxLength: 81 }), (one, holes) => {
      const mask = Uint8Array.from({ length: one.width * one.height }, (_, i) => (holes[i] ? 255 : 0));
      const marked = one.data.map((value, i) => (mask[Math.floor(i / one.bands)] === 0 ? 0 : value)) as TypedArray;
      expect(reduceByReducer(one, { method }, mask)).toEqual(reduceByReducer({ ...one, data: marked }, { method, nodata: 0 }));
    }), { numRuns: 200 });
  });
});

describe('overviews agree with GDAL', () => {
  interface Case {
    readonly name: string; readonly dtype: DataType; readonly bands: number; readonly width: number; readonly height: number;
    readonly nodata: number | null; readonly method: Reduction['method'] | 'bilinear'; readonly input: number[]; readonly expected: number[];
  }
  const { cases } = JSON.parse(readFileSync(join(root, 'fixtures/cog/overviews.json'), 'utf8')) as { cases: Case[] };
  it.each(cases)('$name', ({ dtype, bands, width, height, nodata, method, input, expected }) => {
    const data = allocate(dtype, input.length);
    data.set(input);
    const made = method === 'bilinear'
      ? reduceByReducer({ data, width, height, bands, dtype }, { method, nodata: nodata ?? undefined })
      : half({ data, width, height, bands, dtype }, { method, nodata: nodata ?? undefined });
    const tolerance = dtype === 'float32' ? 1e-4 : 0;
    expect(made.length).toBe(expected.length);
    expected.forEach((value, i) => expect(Math.abs(made[i]! - value)).toBeLessThanOrEqual(tolerance));
  });
});
