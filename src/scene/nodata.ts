import type { DataType } from '../raster/index.js';

/** Smallest and largest value of the integer types. */
const RANGE: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767], uint32: [0, 4294967295], int32: [-2147483648, 2147483647],
};

/**
 * A nodata value as the scene's own type has it, so that it can be compared with pixels: -3.4e38 means the float32 next to
 * it. `undefined` if no pixel of that type can have the value.
 */
export function nodataOfType(value: number, type: DataType): number | undefined {
  const range = RANGE[type];
  if (range === undefined) return type === 'float32' ? Math.fround(value) : value;
  return Number.isInteger(value) && value >= range[0] && value <= range[1] ? value : undefined;
}

/** GDAL writes nodata as text, NaN and infinities in the C library's spellings. */
export function parseNodata(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (/^[-+]?nan\b/.test(word) || /^-?1\.#(ind|qnan)/.test(word)) return Number.NaN;
  if (/^[-+]?inf/.test(word) || /^-?1\.#inf/.test(word)) return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // JavaScript would take 0x10 and 0b11 for numbers.
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(word) ? Number(word) : undefined;
}
