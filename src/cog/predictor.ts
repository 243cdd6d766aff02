import { bytesOf, bytesPerSample, type TypedArray } from '../raster/index.js';
import type { Packing } from './encode.js';

/**
 * Replaces every sample by its difference to the sample of the same band one pixel to the left, row by row, wrapping around
 * (TIFF 6.0, section 14: predictor 2). In place; integers.
 */
export function differenceRows(data: TypedArray, rowLength: number, bands: number): void {
  for (let start = 0; start < data.length; start += rowLength) {
    if (bands === 1) differenceRow1(data, start, rowLength);
    else if (bands === 3) differenceRow3(data, start, rowLength);
    else differenceRow(data, start, rowLength, bands);
  }
}

function differenceRow1(data: TypedArray, start: number, length: number): void {
  let left = data[start]!;
  for (let i = start + 1, end = start + length; i < end; i++) {
    const value = data[i]!;
    data[i] = value - left;
    left = value;
  }
}

function differenceRow3(data: TypedArray, start: number, length: number): void {
  let left0 = data[start]!;
  let left1 = data[start + 1]!;
  let left2 = data[start + 2]!;
  for (let i = start + 3, end = start + length; i < end; i += 3) {
    const value0 = data[i]!;
    const value1 = data[i + 1]!;
    const value2 = data[i + 2]!;
    data[i] = value0 - left0;
    data[i + 1] = value1 - left1;
    data[i + 2] = value2 - left2;
    left0 = value0;
    left1 = value1;
    left2 = value2;
  }
}

function differenceRow(data: TypedArray, start: number, length: number, bands: number): void {
  for (let i = start + length - 1, first = start + bands; i >= first; i--) data[i] = data[i]! - data[i - bands]!;
}

/**
 * Floating point predictor (Adobe Photoshop TIFF Technical Note 3): the bytes of a row's samples are sorted by significance,
 * most significant first, then differenced bytewise with the step of one pixel's samples. In place, over the bytes of
 * little-endian floats.
 */
export function differenceFloatRows(bytes: Uint8Array, samplesPerRow: number, sampleBytes: number, bands: number): void {
  const rowBytes = samplesPerRow * sampleBytes;
  const sorted = new Uint8Array(rowBytes);
  for (let start = 0; start < bytes.length; start += rowBytes) {
    for (let byte = 0; byte < sampleBytes; byte++) {
      let target = (sampleBytes - 1 - byte) * samplesPerRow;
      for (let i = start + byte, end = start + rowBytes; i < end; i += sampleBytes) sorted[target++] = bytes[i]!;
    }
    for (let i = rowBytes - 1; i >= bands; i--) sorted[i] = sorted[i]! - sorted[i - bands]!;
    bytes.set(sorted, start);
  }
}

/** Does to a block of rows of `width` pixels what its predictor says. */
export function predict(block: TypedArray, width: number, { predictor, bands, dtype }: Pick<Packing, 'predictor' | 'bands' | 'dtype'>): void {
  if (predictor === 2) differenceRows(block, width * bands, bands);
  else if (predictor === 3) differenceFloatRows(bytesOf(block), width * bands, bytesPerSample(dtype), bands);
}
