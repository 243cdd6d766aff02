import { throwIfAborted } from '../errors.js';
import type { PatchBatch } from '../grid/index.js';
import { allocate } from '../raster/index.js';
import type { DataType } from '../raster/index.js';
import type { Predictor } from './types.js';

export interface MeasureOptions {
  readonly width: number;
  readonly height: number;
  /** Sample type that the predictor was opened for. Default: `uint8`. */
  readonly dtype?: DataType;
  readonly signal?: AbortSignal;
}

/** What a predictor costs, from running it. */
export interface PredictorCost {
  /** Elapsed time per patch with all of the predictor's threads busy. */
  readonly millisecondsPerPatch: number;
  /** The process's memory before the first patch: Node, the engine, the model's weights. */
  readonly baseBytes: number;
  /** What running adds at its peak. It does not depend on the number of patches: the engine keeps and reuses it. */
  readonly growthBytes: number;
}

const SAMPLE_INTERVAL_MS = 10;
/** The first round makes the engine reserve its memory; the second is timed. */
const ROUNDS = 2;

/**
 * Runs two rounds of made-up patches, one per worker and round, and measures time and memory. Call it before other work has
 * made the process large: the peak is the process's.
 */
export async function measurePredictor(predictor: Predictor, options: MeasureOptions): Promise<PredictorCost> {
  const baseBytes = process.memoryUsage.rss();
  const before = peakOfProcess();
  let seen = baseBytes;
  const sampler = setInterval(() => { seen = Math.max(seen, process.memoryUsage.rss()); }, SAMPLE_INTERVAL_MS);
  let elapsed = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      throwIfAborted(options.signal);
      const batches = Array.from({ length: predictor.concurrency }, () => madeUpPatch(predictor, options));
      const started = performance.now();
      await Promise.all(batches.map((batch) => predictor.predict(batch, options.signal)));
      elapsed = performance.now() - started;
    }
  } finally {
    clearInterval(sampler);
  }
  seen = Math.max(seen, process.memoryUsage.rss());
  const after = peakOfProcess();
  // The system's own peak counts if it was reached just now; samples may miss it.
  const peak = after > before ? Math.max(seen, after) : seen;
  return { millisecondsPerPatch: elapsed / predictor.concurrency, baseBytes, growthBytes: Math.max(0, peak - baseBytes) };
}

/** Highest resident memory of this process so far, bytes. libuv gives kilobytes on every platform. */
export function peakOfProcess(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** One patch with a texture: smooth shapes with some noise, the same each time. */
export function madeUpPatch(predictor: Predictor, options: Pick<MeasureOptions, 'width' | 'height' | 'dtype'>): PatchBatch {
  const bands = predictor.card.input.bands.length;
  const data = allocate(options.dtype ?? 'uint8', options.width * options.height * bands);
  fillTexture(data, options.width, bands);
  return { data, count: 1, width: options.width, height: options.height, bands };
}

function fillTexture(data: PatchBatch['data'], width: number, bands: number): void {
  let state = 1;
  for (let i = 0, pixel = 0; i < data.length; pixel++) {
    const x = pixel % width;
    const y = (pixel - x) / width;
    const wave = Math.sin(x / 9) + Math.cos(y / 13) + Math.sin((x + y) / 31);
    for (let band = 0; band < bands; band++, i++) {
      // Numerical Recipes' linear congruential generator.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = Math.round(110 + 30 * wave + band * 10 + (state >>> 28));
    }
  }
}
