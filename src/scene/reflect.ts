/**
 * Which pixel of an axis of `length` pixels stands at `position`, mirrored at both ends as often as needed without
 * repeating the edge pixel: NumPy's `reflect`. A single pixel stands everywhere.
 */
export function reflectIndex(position: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const inPeriod = ((position % period) + period) % period;
  return inPeriod < length ? inPeriod : period - inPeriod;
}

/** {@link reflectIndex} for `count` positions from `start`. */
export function reflectIndices(start: number, count: number, length: number): Int32Array {
  const indices = new Int32Array(count);
  for (let i = 0; i < count; i++) indices[i] = reflectIndex(start + i, length);
  return indices;
}
