import * as ort from 'onnxruntime-node';
import { throwIfAborted } from '../errors.js';
import { encodeModel, TENSOR, type OnnxModel, type ValueRange } from '../onnx/index.js';

/** Pixels for a model that takes uint8 `[1, height, width, 3]`. */
export interface CalibrationPatch { readonly pixels: Uint8Array; readonly width: number; readonly height: number }

const BINS = 2048;

/**
 * Finds for values inside a graph the range that 8 bits hold best: of all ranges cut off symmetrically to what was seen,
 * the one with the least squared error of rounding and cutting, from histograms over all patches.
 */
export async function measureRanges(model: OnnxModel, names: readonly string[], patches: readonly CalibrationPatch[], signal?: AbortSignal): Promise<Map<string, ValueRange>> {
  const outputs = names.filter((name) => !model.graph.input.some((input) => input.name === name));
  const graph = { ...model.graph, output: outputs.map((name) => ({ name, type: { tensorType: { elemType: TENSOR.float32 } } })), valueInfo: [] };
  const session = await ort.InferenceSession.create(encodeModel({ ...model, graph }), { enableCpuMemArena: false, graphOptimizationLevel: 'disabled' });
  try {
    const run = async (see: (name: string, values: Float32Array) => void): Promise<void> => {
      for (const patch of patches) {
        throwIfAborted(signal);
        const found = await session.run({ [model.graph.input[0]!.name]: new ort.Tensor('uint8', patch.pixels, [1, patch.height, patch.width, 3]) });
        for (const name of outputs) see(name, found[name]!.data as Float32Array);
      }
    };
    const seen = new Map(outputs.map((name) => [name, { low: 0, high: 0 }]));
    await run((name, values) => {
      const range = seen.get(name)!;
      for (const value of values) {
        if (value < range.low) range.low = value;
        if (value > range.high) range.high = value;
      }
    });
    const histograms = new Map(outputs.map((name) => [name, new Float64Array(BINS)]));
    await run((name, values) => {
      const { low, high } = seen.get(name)!;
      const bins = histograms.get(name)!;
      const width = (high - low) / BINS || 1;
      for (const value of values) bins[Math.min(BINS - 1, Math.floor((value - low) / width))]!++;
    });
    return new Map(outputs.map((name) => [name, leastError(seen.get(name)!, histograms.get(name)!)]));
  } finally {
    await session.release();
  }
}

/** Tries 2 % to 100 % of the range. Values inside are off by step²/12 on average, those outside by their distance. */
function leastError({ low, high }: ValueRange, bins: Float64Array): ValueRange {
  const width = (high - low) / bins.length;
  let best: ValueRange = { low, high };
  let least = Infinity;
  for (let percent = 100; percent >= 2; percent -= 2) {
    const cut = { low: (low * percent) / 100, high: (high * percent) / 100 };
    const step = (cut.high - cut.low) / 255;
    let error = 0;
    for (let bin = 0; bin < bins.length; bin++) {
      const value = low + (bin + 0.5) * width;
      const outside = Math.max(0, value - cut.high, cut.low - value);
      error += bins[bin]! * (outside > 0 ? outside * outside : (step * step) / 12);
    }
    if (error < least) {
      least = error;
      best = cut;
    }
  }
  return best;
}

/** Answers of a model, its output `name`, for each patch. */
export async function answersFor(model: OnnxModel, name: string, patches: readonly CalibrationPatch[], signal?: AbortSignal): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(encodeModel(model), { enableCpuMemArena: false });
  try {
    const answers: Float32Array[] = [];
    for (const patch of patches) {
      throwIfAborted(signal);
      const found = await session.run({ [model.graph.input[0]!.name]: new ort.Tensor('uint8', patch.pixels, [1, patch.height, patch.width, 3]) });
      answers.push((found[name]!.data as Float32Array).slice());
    }
    return answers;
  } finally {
    await session.release();
  }
}

/** Mean absolute difference over all numbers. */
export function meanDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  let sum = 0;
  let count = 0;
  a.forEach((values, index) => {
    const other = b[index]!;
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]! - other[i]!);
    count += values.length;
  });
  return sum / Math.max(1, count);
}
