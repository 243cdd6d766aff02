import { runsOf } from './axis.js';
import type { AxisRule, Run } from './axis.js';
import type { PatchGraph } from './read.js';
import type { PatchValue, Step } from './value.js';

/** Pixels, along both axes, at which a dense map is needed besides those of the answers: from a first answer's to a last one's. */
export interface Range {
  readonly y: readonly [low: number, high: number];
  readonly x: readonly [low: number, high: number];
}

/** A dense map: all places of one kind of a value. */
export type MapKey = string;

export function mapKey(value: string, y: number, x: number): MapKey {
  return `${value}@${y},${x}`;
}

/** What one part of a result reads: a part of a window that lies in one map. */
export interface Part {
  readonly value: string;
  readonly map: MapKey;
  readonly y: Run;
  readonly x: Run;
  /** Where the map is needed for it. */
  readonly range: Range;
}

/** The maps of a value that are needed, with their ranges. */
export type Demand = ReadonlyMap<string, ReadonlyMap<string, { readonly y: number; readonly x: number; readonly range: Range }>>;

/**
 * Which maps, and which part of each, the answers need, from the last step to the first. An answer at pixel o needs its value
 * at `o + [low, high]`.
 */
export function demandOf(graph: PatchGraph, output: string): Demand {
  const demand = new Map<string, Map<string, { y: number; x: number; range: Range }>>();
  const ask = (value: string, y: number, x: number, range: Range): void => {
    const maps = demand.get(value) ?? new Map<string, { y: number; x: number; range: Range }>();
    demand.set(value, maps);
    const known = maps.get(`${y},${x}`);
    maps.set(`${y},${x}`, { y, x, range: known === undefined ? range : { y: union(known.range.y, range.y), x: union(known.range.x, range.x) } });
  };
  ask(output, 0, 0, { y: [0, 0], x: [0, 0] });
  for (const step of [...graph.steps].reverse()) {
    for (const { y, x, range } of demand.get(step.output)?.values() ?? []) {
      for (const part of partsOf(step, { y, x }, range)) ask(part.value, part.y.kind, part.x.kind, part.range);
    }
  }
  return demand;
}

function union(a: readonly [number, number], b: readonly [number, number]): [number, number] {
  return [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
}

/** What a map of a step's result is computed from, where the result is needed in a range. */
export function partsOf(step: Step, kind: { readonly y: number; readonly x: number }, range: Range): Part[] {
  const moved = (rule: AxisRule, run: Run, along: readonly [number, number]): readonly [number, number] => [along[0] + rule.offsets[run.from]!, along[1] + rule.offsets[run.to]!];
  const part = (value: string, y: Run, x: Run): Part => ({
    value, map: mapKey(value, y.kind, x.kind), y, x, range: { y: moved(step.y, y, range.y), x: moved(step.x, x, range.x) },
  });
  const [recipeY, recipeX] = [step.y.recipes[kind.y]!, step.x.recipes[kind.x]!];
  if (step.inputs.length > 1) {
    return step.inputs.map((value, k) => part(value, { kind: recipeY[k]!, from: k, to: k }, { kind: recipeX[k]!, from: k, to: k }));
  }
  return runsOf(recipeY).flatMap((y) => runsOf(recipeX).map((x) => part(step.inputs[0]!, y, x)));
}

/** Greatest number that divides both; 0 is divided by all. */
export function commonStep(a: number, b: number): number {
  return b === 0 ? a : commonStep(b, a % b);
}

/** Pixels between neighbouring numbers of a value's dense maps, where answers are wanted every `stride` pixels. */
export function latticeOf(value: PatchValue, stride: number): { readonly y: number; readonly x: number } {
  return { y: commonStep(stride, value.y.step), x: commonStep(stride, value.x.step) };
}

