import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { denseGraph, encodeModel, float, floatTensor, int64Tensor, node, valueInfo, type OnnxModel, type OnnxNode, type OnnxTensor } from '../../src/onnx/index.js';
import { seededRandom } from '../../src/samples/index.js';

const PATCH = 9;
const BANDS = 2;
const ANSWERS = 3;
const random = seededRandom(3);
const noise = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);

const W = floatTensor('W', [2, 2, 3, 3], noise(36));
const ONE = floatTensor('ONE', [2, 2, 1, 1], noise(4));
const LAST = floatTensor('LAST', [3, 2, 1, 1], noise(6));
const BIASES = [floatTensor('b1', [2], [0.5, 0.25]), floatTensor('b2', [2], [-3, 2])];
const pads = (...[top, left, bottom, right]: readonly [number, number, number, number]): OnnxTensor => int64Tensor('pads', [8], [0, 0, top, left, 0, 0, bottom, right]);
/** From a map to the answer. */
const mean = (map: string): OnnxNode[] => [node('GlobalAveragePool', [map], ['g']), node('Conv', ['g', 'LAST'], ['h']), node('Flatten', ['h'], ['y'])];

function patchModel(nodes: readonly OnnxNode[], initializer: readonly OnnxTensor[]): OnnxModel {
  return {
    irVersion: 8, opsetImport: [{ domain: '', version: 17 }],
    graph: { name: 'patch', node: [...nodes], initializer: [...initializer], input: [valueInfo('x', 'float32', ['b', BANDS, PATCH, PATCH])], output: [valueInfo('y', 'float32', ['b', 3])] },
  };
}

const dense = (model: OnnxModel, stride: number): OnnxModel => denseGraph(model, { input: 'x', output: 'y', width: PATCH, height: PATCH, bands: BANDS, layout: 'chw', model: 'small', stride, type: 'float32', names: { input: 'pixels', output: 'scores' } }).graph;

/** Greatest difference between the dense form and ONNX Runtime on the patches as they are, which are cut out one by one. */
async function worst(model: OnnxModel, stride: number): Promise<number> {
  const quiet = { logSeverityLevel: 4, intraOpNumThreads: 1 } as const;
  const edge = stride * (ANSWERS - 1) + PATCH;
  const pixels = noise(BANDS * edge * edge);
  const [all, single] = [await ort.InferenceSession.create(encodeModel(dense(model, stride)), quiet), await ort.InferenceSession.create(encodeModel(model), quiet)];
  const scores = (await all.run({ pixels: new ort.Tensor('float32', pixels, [1, BANDS, edge, edge]) })).scores!;
  expect(scores.dims).toEqual([1, 3, ANSWERS, ANSWERS]);
  let most = 0;
  for (let row = 0; row < ANSWERS; row++) {
    for (let column = 0; column < ANSWERS; column++) {
      const patch = Float32Array.from({ length: BANDS * PATCH * PATCH }, (_, at) => {
        const [band, i, j] = [Math.floor(at / PATCH ** 2), Math.floor(at / PATCH) % PATCH, at % PATCH];
        return pixels[(band * edge + row * stride + i) * edge + column * stride + j]!;
      });
      const { data } = (await single.run({ x: new ort.Tensor('float32', patch, [1, BANDS, PATCH, PATCH]) })).y!;
      for (let k = 0; k < 3; k++) most = Math.max(most, Math.abs(Number(data[k]) - Number(scores.data[(k * ANSWERS + row) * ANSWERS + column])));
    }
  }
  await all.release();
  await single.release();
  return most;
}

describe('denseGraph gives what ONNX Runtime gives for every patch', () => {
  it.each<readonly [string, OnnxNode[], OnnxTensor[]]>([
    ['convolutions that share weights, with biases of their own', [node('Conv', ['x', 'W', 'b1'], ['a']), node('Relu', ['a'], ['r']), node('Conv', ['r', 'W', 'b2'], ['c']), ...mean('c')], [W, LAST, ...BIASES]],
    ['dense layers that share weights, with factors and directions of their own', [
      node('GlobalAveragePool', ['x'], ['g']), node('Flatten', ['g'], ['f']), node('Gemm', ['f', 'M'], ['h1'], { alpha: float(1.5) }), node('Gemm', ['h1', 'M'], ['h2'], { alpha: float(-2), transB: 1 }), node('Gemm', ['h2', 'K'], ['y']),
    ], [floatTensor('M', [2, 2], noise(4)), floatTensor('K', [2, 3], noise(6))]],
    ['windows of a convolution in padding alone', [node('Conv', ['x', 'ONE', 'b1'], ['a'], { pads: [1, 1, 1, 1] }), node('Relu', ['a'], ['r']), ...mean('r')], [ONE, LAST, BIASES[0]!]],
    ['the same without a bias, and a window over the constants', [node('Conv', ['x', 'ONE'], ['a'], { pads: [2, 1, 1, 2] }), node('Conv', ['a', 'W', 'b2'], ['c'], { pads: [1, 1, 1, 1] }), node('MaxPool', ['c'], ['m'], { kernel_shape: [2, 2], strides: [2, 2] }), ...mean('m')], [ONE, W, LAST, BIASES[1]!]],
    ['padding around a single place', [node('GlobalAveragePool', ['x'], ['s']), node('Conv', ['s', 'ONE', 'b1'], ['a'], { pads: [2, 2, 2, 2] }), node('Conv', ['a', 'W', 'b2'], ['c']), node('Relu', ['c'], ['r']), ...mean('r')], [ONE, W, LAST, ...BIASES]],
    ['means of zeros alone', [node('Pad', ['x', 'pads'], ['p']), node('Relu', ['p'], ['r']), node('AveragePool', ['r'], ['a'], { kernel_shape: [2, 2], strides: [2, 2] }), ...mean('a')], [pads(2, 3, 3, 2), LAST]],
    ['convolutions of zeros alone', [node('Pad', ['x', 'pads'], ['p']), node('Conv', ['p', 'W', 'b1'], ['a'], { strides: [2, 2] }), node('Relu', ['a'], ['r']), ...mean('r')], [pads(3, 3, 4, 4), W, LAST, BIASES[0]!]],
    ['maxima of zeros alone', [node('Pad', ['x', 'pads'], ['p']), node('Sin', ['p'], ['s']), node('MaxPool', ['s'], ['a'], { kernel_shape: [2, 2], strides: [2, 2] }), ...mean('a')], [pads(2, 2, 3, 3), LAST]],
    ['zeros around what is never negative, before a maximum', [node('Relu', ['x'], ['r']), node('Pad', ['r', 'pads'], ['p']), node('MaxPool', ['p'], ['a'], { kernel_shape: [3, 3], strides: [2, 2] }), ...mean('a')], [pads(1, 1, 1, 1), LAST]],
  ])('%s', async (_name, nodes, initializer) => {
    for (const stride of [1, 2, 3]) expect(await worst(patchModel(nodes, initializer), stride)).toBeLessThan(1e-5);
  });
});

describe('denseGraph refuses by the name of the layer', () => {
  it('zeros around values that may be negative, before a maximum', () => {
    const model = patchModel([node('Pad', ['x', 'pads'], ['p']), node('MaxPool', ['p'], ['pooled'], { kernel_shape: [3, 3], strides: [2, 2] }), ...mean('pooled')], [pads(1, 1, 1, 1), LAST]);
    expect(() => dense(model, 1)).toThrow(/its layer pooled \(MaxPool\) has no exact dense form: zeros are put around its map, whose values may be negative/);
  });

  it('maxima and means of padding alone', () => {
    for (const [operator, layer] of [['MaxPool', 'pooled (MaxPool)'], ['AveragePool', 'pooled (AveragePool)']] as const) {
      const model = patchModel([node(operator, ['x'], ['pooled'], { kernel_shape: [1, 1], pads: [1, 1, 1, 1] }), ...mean('pooled')], [LAST]);
      expect(() => dense(model, 1)).toThrow(`its layer ${layer} has no exact dense form: a window of it lies in padding altogether`);
    }
  });
});
