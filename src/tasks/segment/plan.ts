import { deflateSync } from 'node:zlib';
import { EnvironmentError } from '../../errors.js';
import { patchCount, patchesOfStrip } from '../../grid/index.js';
import type { MemoryPlan, TaskContext } from '../../run/index.js';
import { formatApart, formatBytes, peakRss } from '../../run/index.js';
import { predictPatch, segmentMemory } from './run.js';
import type { SegmentSetup } from './setup.js';

/** What a run will do and need. Printed by `--dry-run`. */
export interface SegmentPlan {
  readonly width: number;
  readonly height: number;
  /** Edge in pixels of what goes into the model, and of the part of its answer that the map uses. */
  readonly patchSize: number;
  readonly mapPatchSize: number;
  readonly overlap: number;
  /** Of classifiers of patches: pixels of the scene from one pixel of the map to the next. `patches` are then windows of the map. */
  readonly stride?: number;
  readonly blend: string;
  readonly strips: number;
  readonly patches: number;
  /** Predicted peak of the process's resident memory, part by part. */
  readonly memory: MemoryPlan;
  /** Measured on one patch in the middle of the scene. */
  readonly secondsPerPatch: number;
  readonly estimatedSeconds: number;
  /** From the measured patch's compressed size. */
  readonly estimatedOutputBytes: number;
  /** Beside the output, until the end. */
  readonly estimatedTemporaryBytes: number;
  readonly device: string;
  readonly warnings: readonly string[];
}

/** Two runs of one plan differ by this much, because memory that is free is not given back at once. */
const SLACK = 1.1;

/** @throws {EnvironmentError} if the plan does not fit; names a limit that works for these settings. */
export function checkMemory(plan: MemoryPlan, limit: number | undefined, stride?: number): void {
  if (limit === undefined || plan.peakBytes <= limit) return;
  const largest = [...plan.parts].sort((a, b) => b.bytes - a.bytes)[0]!;
  const [needed, allowed] = formatApart(plan.peakBytes, limit);
  throw new EnvironmentError(
    `the run would need ${needed}, --memory allows ${allowed}; most goes to ${largest.name} (${formatBytes(largest.bytes)})`,
    { advice: `enough for these settings: --memory ${Math.ceil((SLACK * plan.peakBytes) / 1024 ** 2)}MB; less with a ${stride === undefined ? 'smaller --patch-size' : 'larger --stride'}` },
  );
}

/** Overviews add a third; blocks are spooled before the file is assembled from them. */
const WITH_OVERVIEWS = 4 / 3;

/** Packed bytes per byte of class ids, and of probabilities, of maps that were looked at; more than most maps take. */
const CLASS_SHARE = 0.1;
const PROBABILITY_SHARE = 0.5;

/** About what a run writes in all, before any patch was predicted: its files, and packed blocks until they are copied. */
export function segmentRoom({ grid, options, model }: SegmentSetup): number {
  const pixels = grid.sceneWidth * grid.sceneHeight * WITH_OVERVIEWS;
  const probabilities = (options.confidence === undefined ? 0 : 1) + (options.probabilities === undefined ? 0 : model.card.output.classes.length);
  return Math.ceil(2 * pixels * (CLASS_SHARE + probabilities * PROBABILITY_SHARE));
}

/** Measures patches from the middle of the scene and derives from them what the run will need. */
export async function planSegment(setup: SegmentSetup, context: TaskContext): Promise<SegmentPlan> {
  const { grid, predictor } = setup;
  const middle = patchesOfStrip(grid, Math.floor(grid.rows.length / 2));
  const chosen = Array.from({ length: predictor.concurrency }, (_, i) => middle[Math.min(middle.length - 1, Math.floor(middle.length / 2) + i)]!);
  // Once to warm up and to see the memory, once to measure.
  await Promise.all(chosen.map((patch) => predictPatch(setup, patch, context.signal)));
  const started = performance.now();
  const measured = await Promise.all(chosen.map((patch) => predictPatch(setup, patch, context.signal)));
  const secondsPerPatch = (performance.now() - started) / 1000 / chosen.length;
  const memory = segmentMemory(setup, peakRss() - setup.baseRssBytes, cornersPerPixel(measured.map(({ scores }) => scores?.classes), grid.patchWidth));
  const pixels = grid.sceneWidth * grid.sceneHeight;
  const share = compressedShare(measured.map(({ scores }) => scores?.classes ?? scores?.scores));
  const estimatedOutputBytes = Math.round(pixels * share * WITH_OVERVIEWS);
  return {
    width: grid.sceneWidth, height: grid.sceneHeight, patchSize: setup.patchSize, mapPatchSize: grid.patchWidth, overlap: grid.overlap, ...(setup.options.stride === undefined ? {} : { stride: setup.options.stride }),
    blend: setup.blend, strips: grid.rows.length, patches: patchCount(grid), memory, secondsPerPatch,
    estimatedSeconds: secondsPerPatch * patchCount(grid), estimatedOutputBytes, estimatedTemporaryBytes: estimatedOutputBytes,
    device: predictor.device, warnings: setup.warnings,
  };
}

/** Turns of borders per pixel of measured patches; `undefined` where a model gives no ids. */
function cornersPerPixel(patches: readonly (Uint8Array | undefined)[], width: number): number | undefined {
  let [corners, pixels] = [0, 0];
  for (const map of patches) {
    if (map === undefined) continue;
    for (let i = width + 1; i < map.length; i++) {
      if (i % width === 0) continue;
      const [a, b, c, d] = [map[i - width - 1], map[i - width], map[i - 1], map[i]];
      // A border runs straight through where both rows, or both columns, are alike.
      if ((a !== b || c !== d) && (a !== c || b !== d)) corners++;
    }
    pixels += map.length;
  }
  return pixels === 0 ? undefined : corners / pixels;
}

/** Compressed bytes per pixel of the map, from measured patches. */
function compressedShare(patches: readonly (Uint8Array | Float32Array | undefined)[]): number {
  const maps = patches.filter((patch): patch is Uint8Array => patch instanceof Uint8Array);
  const bytes = maps.reduce((sum, map) => sum + map.length, 0);
  if (bytes === 0) return 0.1;
  return maps.reduce((sum, map) => sum + deflateSync(map, { level: 6 }).length, 0) / bytes;
}
