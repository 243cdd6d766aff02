/**
 * How patches share pixels. `linear`: ramp over the overlap; `hann`: raised cosine over the overlap; `crop`: each pixel from
 * the patch whose centre is nearest; `none`: the later patch wins (for comparison).
 */
export type Blend = 'linear' | 'hann' | 'crop' | 'none';

export const BLENDS: readonly Blend[] = ['linear', 'hann', 'crop', 'none'];

/** The share of one patch along one axis. Offsets count from the patch's own start. */
export interface AxisPatch {
  /** Where the patch begins on the axis. */
  readonly start: number;
  /** One weight per pixel of the patch; at every pixel of the axis the weights of all patches sum to 1. */
  readonly weights: Float32Array;
  /** The patch contributes to `[first, end)` and nowhere else. */
  readonly first: number;
  readonly end: number;
  /** In `[coreFirst, coreEnd)` it is the only one, with weight 1. May be empty. */
  readonly coreFirst: number;
  readonly coreEnd: number;
  /** Axis positions below `final` get nothing from later patches. */
  readonly final: number;
}

/**
 * Weights of every patch along one axis, computed from the real positions, so that they sum to 1 also where the last patch
 * overlaps more than the others.
 *
 * @param length pixels of the axis
 * @param positions starts of the patches, ascending, covering the axis
 * @param patch edge of a patch; what reaches over the end of the axis gets no weight
 */
export function axisPatches(length: number, positions: readonly number[], patch: number, blend: Blend): AxisPatch[] {
  const raw = positions.map((start, index) => rawWeights(length, positions, patch, index, start, blend));
  const sums = new Float64Array(length);
  const counts = new Uint16Array(length);
  positions.forEach((start, index) => {
    raw[index]!.forEach((weight, offset) => {
      if (weight > 0) {
        sums[start + offset]! += weight;
        counts[start + offset]!++;
      }
    });
  });
  const ranges = positions.map((start, index) => {
    const weights = Float32Array.from(raw[index]!, (weight, offset) => (weight > 0 ? weight / sums[start + offset]! : 0));
    const contributes = (offset: number): boolean => weights[offset]! > 0;
    const alone = (offset: number): boolean => contributes(offset) && counts[start + offset] === 1;
    const [first, end] = rangeWhere(patch, contributes);
    const [coreFirst, coreEnd] = rangeWhere(patch, alone);
    return { start, weights, first, end, coreFirst, coreEnd };
  });
  return ranges.map((range, index) => {
    const next = ranges[index + 1];
    return { ...range, final: next === undefined ? length : next.start + next.first };
  });
}

function rawWeights(
  length: number, positions: readonly number[], patch: number, index: number, start: number, blend: Blend,
): Float64Array {
  const weights = new Float64Array(patch);
  const previous = positions[index - 1];
  const next = positions[index + 1];
  const sharedBefore = previous === undefined ? 0 : previous + patch - start;
  const sharedAfter = next === undefined ? 0 : start + patch - next;
  for (let offset = 0; offset < patch && start + offset < length; offset++) {
    if (blend === 'none') {
      weights[offset] = next === undefined || start + offset < next ? 1 : 0;
    } else if (blend === 'crop') {
      weights[offset] = nearestCentre(positions, index, patch, start + offset + 0.5) ? 1 : 0;
    } else {
      const before = sharedBefore > 0 ? (offset + 0.5) / sharedBefore : 1;
      const after = sharedAfter > 0 ? (patch - offset - 0.5) / sharedAfter : 1;
      const ramp = Math.min(1, before, after);
      weights[offset] = blend === 'linear' ? ramp : Math.sin((Math.PI / 2) * ramp) ** 2;
    }
  }
  return weights;
}

/** Whether patch `index` has the centre nearest to `at`; of two equally near ones the earlier. */
function nearestCentre(positions: readonly number[], index: number, patch: number, at: number): boolean {
  const previous = positions[index - 1];
  const next = positions[index + 1];
  const start = positions[index]!;
  // Halfway between two centres lies halfway between the starts plus half a patch.
  const lower = previous === undefined ? -Infinity : (previous + start + patch) / 2;
  const upper = next === undefined ? Infinity : (start + next + patch) / 2;
  return at > lower && at <= upper;
}

/** First and end of the run of offsets for which `test` holds; `[0, 0]` if there is none. */
function rangeWhere(length: number, test: (offset: number) => boolean): [number, number] {
  let first = 0;
  while (first < length && !test(first)) first++;
  if (first === length) return [0, 0];
  let end = first;
  while (end < length && test(end)) end++;
  return [first, end];
}
