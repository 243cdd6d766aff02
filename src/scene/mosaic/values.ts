import type { DataType, Rgba } from '../../raster/index.js';
import type { ValueRule } from './types.js';

const INTEGER_RANGE: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767], uint32: [0, 4294967295], int32: [-2147483648, 2147483647],
};

/** Types whose values a float32 holds exactly; GDAL computes in float32 for them, in float64 for the others. */
export const NARROW: ReadonlySet<DataType> = new Set(['uint8', 'int8', 'uint16', 'int16', 'float32']);

/** Whether all values of one type are values of the other, so that samples can be copied as they are. */
export function holdsAll(from: DataType, to: DataType): boolean {
  if (from === to || to === 'float64') return true;
  if (to === 'float32') return NARROW.has(from);
  const [a, b] = [INTEGER_RANGE[from], INTEGER_RANGE[to]];
  return a !== undefined && b !== undefined && a[0] >= b[0] && a[1] <= b[1];
}

/** Turns any number into a sample: halves away from zero, then cut to the type's range; what is no number becomes 0 in integers. */
export function toSample(type: DataType): (value: number) => number {
  const range = INTEGER_RANGE[type];
  if (range === undefined) return (value) => value;
  const [low, high] = range;
  return (value) => {
    if (Number.isNaN(value)) return 0;
    if (value <= low) return low;
    if (value >= high) return high;
    return Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
  };
}

/** A whole number, halves away from zero; what is no number becomes 0. */
function toWhole(value: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
}

/** A {@link ValueRule} as a function from a file's sample to a sample of the mosaic; `undefined`: the pixel is left out. */
export function applyRule(
  rule: ValueRule | undefined, { dtype: type, isWide = false }: { readonly dtype: DataType; readonly isWide?: boolean }, palette: readonly Rgba[] | undefined,
): (value: number) => number | undefined {
  const sample = isWide ? toWhole : toSample(type);
  if (rule === undefined) return sample;
  const round = NARROW.has(type) ? Math.fround : (value: number): number => value;
  const { component, linear, power, table } = rule;
  return (stored) => {
    let value = round(stored);
    if (component !== undefined) {
      const colour = palette?.[value];
      if (colour === undefined) return undefined;
      value = colour[component] ?? 0;
    }
    if (linear !== undefined) value = round(value * linear.ratio + linear.offset);
    if (power !== undefined) value = round(raised(value, power));
    if (table !== undefined) value = round(lookUp(value, table));
    return sample(value);
  };
}

function raised(value: number, power: NonNullable<ValueRule['power']>): number {
  let share = (value - power.srcMin) / (power.srcMax - power.srcMin);
  if (power.clamp) share = Math.min(1, Math.max(0, share));
  return (power.dstMax - power.dstMin) * share ** power.exponent + power.dstMin;
}

/** Linear between points, the first or last output beyond them. */
function lookUp(value: number, { inputs, outputs }: NonNullable<ValueRule['table']>): number {
  if (Number.isNaN(value)) return value;
  const above = inputs.findIndex((input) => input >= value);
  if (above < 0) return outputs.at(-1)!;
  if (above === 0 || inputs[above] === value) return outputs[above]!;
  const [x0, x1, y0, y1] = [inputs[above - 1]!, inputs[above]!, outputs[above - 1]!, outputs[above]!];
  return y0 + (value - x0) * ((y1 - y0) / (x1 - x0));
}
