import type { Scalar, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { resnetChips } from '../../models/architectures/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { fuseTrainingOps } from '../../src/train/index.js';
import { nativeTensorflow } from './engines.js';

describe('native training operations', () => {
  it('change nothing but time: same loss, gradients and moving statistics', async (context) => {
    const native = await nativeTensorflow();
    if (native === undefined) { context.skip('the native engine is not installed (npm run setup:tensorflow)'); return; }
    const run = (fused: boolean): { loss: number; gradients: Float32Array[]; weights: Float32Array[] } => {
      // From eight channels on: the plain way meets a fault of TensorFlow's below (docs/decisions/0020-kernels-of-training.md).
      const { logits } = resnetChips(native, { tags: 3, size: 8, widths: [8, 12], blocks: [1, 1], seed: 5 });
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

  for (const [how, most] of [['whole', undefined], ['in bands of rows', 2000]] as const) it(`give the gradients of convolutions of every kind, ${how}: the sums written out`, async (context) => {
    const native = await nativeTensorflow();
    if (native === undefined) { context.skip('the native engine is not installed (npm run setup:tensorflow)'); return; }
    const random = seededRandom(11);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const values = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);
    for (let round = 0; round < 120; round++) {
      const kernelSize: [number, number] = [pick([1, 2, 3, 5]), pick([1, 3, 3, 4])];
      const strides = pick([1, 1, 2, 3]);
      const padding = pick(['same', 'valid'] as const);
      const shape: Shape = [pick([1, 3, 18]), pick([5, 8, 9]), pick([6, 7]), pick([1, 3, 4, 8, 50])];
      const filters = pick([1, 4, 6, 17]);
      const input = native.input({ shape: shape.slice(1) });
      const before = native.layers.activation({ activation: 'linear' }).apply(input);
      const model = native.model({ inputs: input, outputs: native.layers.conv2d({ filters, kernelSize, strides, padding, useBias: round % 2 === 0 }).apply(before) as never });
      fuseTrainingOps(native, model, most);
      const x = native.tensor4d(values(shape.reduce((a, b) => a * b)), shape);
      const kernel = (model.trainableWeights[0] as unknown as { val: Tensor4D }).val;
      const out = model.apply(x, { training: true }) as Tensor4D;
      const whole = native.conv2d(x, kernel, strides, padding);
      for (const answer of [out, model.predict(x) as Tensor4D]) {
        expect(answer.shape).toEqual(whole.shape);
        expect(distance(answer.dataSync(), Float64Array.from(whole.dataSync())), `answer of ${shape.join('×')}`).toBeLessThan(1e-5);
      }
      const weight = native.tensor4d(values(out.size), out.shape);
      const loss = (image: Tensor): Scalar => native.sum(native.mul(model.apply(image, { training: true }) as Tensor, weight));
      const named = `${shape.join('×')} ${kernelSize.join('×')}, stride ${strides}, ${padding}, ${filters}`;
      const { grads } = native.variableGrads(() => loss(x), [kernel as never]);
      const truth = gradientsOf({ x: x.dataSync(), kernel: kernel.dataSync(), dy: weight.dataSync(), shape, out: out.shape, kernelSize, strides, padding });
      expect(distance(grads[(kernel as unknown as { name: string }).name]!.dataSync(), truth.kernel), `kernel of ${named}`).toBeLessThan(1e-5);
      expect(distance(native.grad(loss)(x).dataSync(), truth.x), `picture of ${named}`).toBeLessThan(1e-5);
    }
  });
});

type Shape = [number, number, number, number];
type Numbers = ArrayLike<number>;

/** Largest difference over the largest value. */
function distance(found: Numbers, truth: Float64Array): number {
  expect(found.length).toBe(truth.length);
  const largest = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return truth.reduce((most, value, at) => Math.max(most, Math.abs(value - found[at]!)), 0) / largest;
}

interface Convolution { x: Numbers; kernel: Numbers; dy: Numbers; shape: Shape; out: Shape; kernelSize: [number, number]; strides: number; padding: 'same' | 'valid' }

/** The gradients of a convolution by its definition, in double precision; `same` pads as TensorFlow does, one more after than before. */
function gradientsOf({ x, kernel, dy, shape: [n, height, width, channels], out: [, rows, columns, filters], kernelSize: [high, wide], strides, padding }: Convolution): { x: Float64Array; kernel: Float64Array } {
  const before = (inner: number, outer: number, size: number): number => (padding === 'same' ? Math.floor(Math.max(0, (outer - 1) * strides + size - inner) / 2) : 0);
  const [top, left] = [before(height, rows, high), before(width, columns, wide)];
  const gradients = { x: new Float64Array(n * height * width * channels), kernel: new Float64Array(high * wide * channels * filters) };
  for (let i = 0; i < n; i++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let v = 0; v < high; v++) {
          for (let u = 0; u < wide; u++) {
            const [y, at] = [row * strides + v - top, column * strides + u - left];
            if (y < 0 || at < 0 || y >= height || at >= width) continue;
            for (let c = 0; c < channels; c++) {
              for (let f = 0; f < filters; f++) {
                const [pixel, tap] = [((i * height + y) * width + at) * channels + c, ((v * wide + u) * channels + c) * filters + f];
                const change = dy[((i * rows + row) * columns + column) * filters + f]!;
                gradients.kernel[tap]! += x[pixel]! * change;
                gradients.x[pixel]! += kernel[tap]! * change;
              }
            }
          }
        }
      }
    }
  }
  return gradients;
}
