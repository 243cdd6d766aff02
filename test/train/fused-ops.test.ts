import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { resnetChips } from '../../models/architectures/index.js';
import { fuseTrainingOps } from '../../src/train/index.js';
import { nativeTensorflow } from './engines.js';

describe('native training operations', () => {
  it('change nothing but time: same loss, gradients and moving statistics', async (context) => {
    const native = await nativeTensorflow();
    if (native === undefined) { context.skip('the native engine is not installed (npm run setup:tensorflow)'); return; }
    const run = (fused: boolean): { loss: number; gradients: Float32Array[]; weights: Float32Array[] } => {
      const { logits } = resnetChips(native, { tags: 3, size: 8, widths: [4, 6], blocks: [1, 1], seed: 5 });
      if (fused) expect(fuseTrainingOps(native, logits)).toBe(true);
      const x = native.tensor4d(Float32Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => (i * 37) % 256), [4, 8, 8, 3]);
      const variables = logits.trainableWeights.map((weight) => (weight as unknown as { val: ReturnType<typeof native.variable> }).val);
      const { value, grads } = native.variableGrads(() => native.mean<Scalar>(native.square(logits.apply(x, { training: true }) as Tensor)), variables);
      return {
        loss: value.dataSync()[0]!, gradients: variables.map((variable) => grads[variable.name]!.dataSync<'float32'>()),
        weights: logits.getWeights().map((weight) => weight.dataSync<'float32'>()),
      };
    };
    const [plain, fused] = [run(false), run(true)];
    expect(fused.loss).toBeCloseTo(plain.loss, 4);
    const near = (a: Float32Array[], b: Float32Array[], tolerance: number): void => a.forEach((array, index) => array.forEach((value, at) => expect(Math.abs(value - b[index]![at]!)).toBeLessThan(tolerance * (1 + Math.abs(value)))));
    near(plain.gradients, fused.gradients, 2e-3);
    // TensorFlow's kernel keeps the unbiased variance, the layer the biased one: 256 samples differ by 1/255 in it.
    near(plain.weights, fused.weights, 6e-3);
  });
});
