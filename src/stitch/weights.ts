import type { Grid } from '../grid/index.js';

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

/** The patches along one axis of a grid. */
export interface Axis {
  /** Pixels of the axis. */
  readonly length: number;
  /** Starts of the patches, ascending, covering the axis. */
  readonly positions: readonly number[];
  /** Edge of a patch; what reaches over the end of the axis gets no weight. */
  readonly patch: number;
  /** Pixels that neighbours share at least; patches are blended over so many in the middle of what they share. */
  readonly overlap: number;
}

/** The axis of a grid along x (its columns) or y (its rows). */
export function axisOf(grid: Grid, along: 'x' | 'y'): Axis {
  return along === 'x'
    ? { length: grid.sceneWidth, positions: grid.columns, patch: grid.patchWidth, overlap: grid.overlap }
    : { length: grid.sceneHeight, positions: grid.rows, patch: grid.patchHeight, overlap: grid.overlap };
}

/**
 * Weights of every patch along one axis, computed from the real positions, so that they sum to 1 everywhere. The last patch is
 * shifted back and may share nearly all of itself with the one before: it is blended over the overlap like the others, in the
 * middle of what they share, where both are far from their borders. So sums are never kept for more rows than the overlap has.
 */
export function axisPatches(axis: Axis, blend: Blend): AxisPatch[] {
  const { length, positions, patch } = axis;
  const raw = positions.map((start, index) => rawWeights(axis, index, start, blend));
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

function rawWeights(axis: Axis, index: number, start: number, blend: Blend): Float64Array {
  const { length, positions, patch, overlap } = axis;
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
      const ramp = Math.min(rampAt(offset + 0.5, sharedBefore, overlap, 0), rampAt(patch - offset - 0.5, sharedAfter, overlap, 1));
      weights[offset] = blend === 'linear' ? ramp : Math.sin((Math.PI / 2) * ramp) ** 2;
    }
  }
  return weights;
}

/**
 * From 0 to 1 over `overlap` pixels in the middle of `shared` ones, at a distance from the patch's border; a step without
 * overlap, with `atStep` on the step itself, so that one of two neighbours has it.
 */
function rampAt(distance: number, shared: number, overlap: number, atStep: 0 | 1): number {
  if (shared <= 0) return 1;
  const width = Math.min(shared, overlap);
  const along = distance - (shared - width) / 2;
  if (width === 0) return along > 0 ? 1 : along < 0 ? 0 : atStep;
  return Math.max(0, Math.min(1, along / width));
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
