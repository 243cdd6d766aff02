import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeModel, floatTensor, node, quantizableLayers, quantizableValues, quantizeModel, valueInfo, type OnnxModel } from '../../src/onnx/index.js';
import { choosePrecision, loadModel } from '../../src/predict/index.js';
import { answersFor, meanDifference, measureRanges } from '../../src/train/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { scratch } from '../places.js';

const folder = scratch();
const random = seededRandom(5);
const noise = (count: number, scale: number): Float32Array => Float32Array.from({ length: count }, () => (random() - 0.5) * scale);

/** Bytes → convolution, ReLU → pooling → two convolutions, joined and added up → doubling → convolution → Softmax. */
const model: OnnxModel = {
  irVersion: 8, opsetImport: [{ version: 17 }],
  graph: {
    name: 'small',
    node: [
      node('Transpose', ['image'], ['turned'], { perm: [0, 3, 1, 2] }), node('Cast', ['turned'], ['float'], { to: 1 }), node('Mul', ['float', 'factor'], ['scaled']),
      node('Conv', ['scaled', 'k1', 'b1'], ['c1'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), node('Relu', ['c1'], ['r1']),
      node('MaxPool', ['r1'], ['p1'], { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Conv', ['p1', 'k2', 'b2'], ['c2'], { kernel_shape: [1, 1] }), node('Add', ['c2', 'p1'], ['sum']), node('Relu', ['sum'], ['r2']),
      node('Concat', ['r2', 'p1'], ['both'], { axis: 1 }), node('Resize', ['both', '', 'sizes'], ['large'], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
      node('Conv', ['large', 'k3', 'b3'], ['c3'], { kernel_shape: [1, 1] }), node('Conv', ['c3', 'k4', 'b4'], ['c4'], { kernel_shape: [1, 1] }), node('Softmax', ['c4'], ['scores'], { axis: 1 }),
    ],
    initializer: [
      floatTensor('factor', [1], [1 / 255]), floatTensor('k1', [8, 3, 3, 3], noise(216, 1)), floatTensor('b1', [8], noise(8, 0.5)), floatTensor('k2', [8, 8, 1, 1], noise(64, 1)), floatTensor('b2', [8], noise(8, 0.5)),
      floatTensor('sizes', [4], [1, 1, 2, 2]), floatTensor('k3', [6, 16, 1, 1], noise(96, 1)), floatTensor('b3', [6], noise(6, 0.5)), floatTensor('k4', [3, 6, 1, 1], noise(18, 4)), floatTensor('b4', [3], noise(3, 0.5)),
    ],
    input: [valueInfo('image', 'uint8', ['batch', 'height', 'width', 3])], output: [valueInfo('scores', 'float32', ['batch', 3, 'height', 'width'])],
  },
};
const patches = Array.from({ length: 4 }, () => ({ width: 16, height: 16, pixels: Uint8Array.from({ length: 768 }, () => Math.floor(random() * 256)) }));

describe('a graph in 8-bit integers', () => {
  it('answers nearly as the float one, closer with a layer in float', async () => {
    expect(quantizableLayers(model)).toEqual(['c1', 'c2', 'c3', 'c4']);
    const ranges = await measureRanges(model, quantizableValues(model), patches);
    const expected = await answersFor(model, 'scores', patches);
    const all = quantizeModel(model, { ranges });
    const loss = meanDifference(expected, await answersFor(all, 'scores', patches));
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(0.03);
    const half = quantizeModel(model, { ranges, keepFloat: new Set(['c1', 'c2', 'c3']) });
    expect(meanDifference(expected, await answersFor(half, 'scores', patches))).toBeLessThan(1e-6);
  });

  it('keeps the bias of channels whose weights are nothing or nearly nothing', async () => {
    const scale = [1, 0, 1e-12, 1e-6, 1, 1, 1, 1];
    const kernel = noise(216, 1).map((value, at) => value * scale[Math.floor(at / 27)]!);
    const dead: OnnxModel = { ...model, graph: { ...model.graph, initializer: model.graph.initializer!.map((tensor) => (tensor.name === 'k1' ? floatTensor('k1', [8, 3, 3, 3], kernel) : tensor.name === 'b1' ? floatTensor('b1', [8], [0.1, 3, -2, 2.5, 0.2, 0.3, -0.1, 0.2]) : tensor)) } };
    const ranges = await measureRanges(dead, quantizableValues(dead), patches);
    const expected = await answersFor(dead, 'scores', patches);
    expect(meanDifference(expected, await answersFor(quantizeModel(dead, { ranges }), 'scores', patches))).toBeLessThan(0.03);
  });

  it('is fused by onnxruntime: its convolutions run on integers', async () => {
    const ranges = await measureRanges(model, quantizableValues(model), patches);
    const path = join(folder, 'fused.onnx');
    const session = await ort.InferenceSession.create(encodeModel(quantizeModel(model, { ranges })), { optimizedModelFilePath: path, graphOptimizationLevel: 'extended' });
    await session.release();
    const { readFile } = await import('node:fs/promises');
    const { decodeModel } = await import('../../src/onnx/index.js');
    const kinds = decodeModel(await readFile(path)).graph.node.map(({ opType }) => opType);
    expect(kinds.filter((kind) => kind === 'QLinearConv')).toHaveLength(3);
    // The last one, whose numbers become probabilities, keeps all its digits.
    expect(kinds.filter((kind) => /^(Fused)?Conv$/.test(kind))).toHaveLength(1);
    expect(kinds).toContain('QLinearAdd');
  });

  it('finds the range that holds best: a few wild values are cut off', async () => {
    const wild: OnnxModel = { ...model, graph: { ...model.graph, initializer: model.graph.initializer!.map((tensor) => (tensor.name === 'b1' ? floatTensor('b1', [8], [100, 0, 0, 0, 0, 0, 0, 0]) : tensor)) } };
    const plain = (await measureRanges(model, ['r1'], patches)).get('r1')!;
    expect(plain.low).toBeCloseTo(0);
    expect((await measureRanges(wild, ['r1'], patches)).get('r1')!.high).toBeGreaterThan(90);
  });
});

describe('the form of a model', () => {
  const int8 = { file: 'model.int8.onnx', metric: 'miou', value: 0.5, float32: 0.504, on: 'validation', speedup: 1.4 };
  it.each([[int8, 'int8'], [{ ...int8, value: 0.49 }, 'float32'], [{ ...int8, speedup: 0.9 }, 'float32'], [undefined, 'float32']] as const)('that auto takes: %j → %s', async (entry, expected) => {
    const { card } = await loadModel('aerial-chips', { precision: 'float32' });
    const { int8: _, ...others } = card;
    expect(choosePrecision(entry === undefined ? others : { ...others, int8: entry }, 'auto')).toBe(expected);
    expect(choosePrecision(card, 'float32')).toBe('float32');
  });

  it('is loaded from the card\'s folder, and refused where there is none', async () => {
    const place = join(folder, 'none');
    await mkdir(place);
    const { card, file } = await loadModel('aerial-chips', { precision: 'float32' });
    const { int8: _, ...others } = card;
    const { readFile } = await import('node:fs/promises');
    await writeFile(join(place, 'model.onnx'), await readFile(file));
    await writeFile(join(place, 'card.json'), JSON.stringify(others));
    await expect(loadModel(place, { precision: 'int8' })).rejects.toThrow(/no 8-bit form/);
    expect((await loadModel(place, { precision: 'auto' })).precision).toBe('float32');
  });
});
