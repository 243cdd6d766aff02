import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.js';
import { decodeModel, encodeModel, float, floatTensor, int64Tensor, node, tensorValues, valueInfo, type OnnxModel } from '../../src/onnx/index.js';
import { hasShared, shared } from '../places.js';

const leaky: OnnxModel = {
  irVersion: 9,
  producerName: 'test',
  opsetImport: [{ version: 17 }],
  graph: {
    name: 'g',
    node: [node('LeakyRelu', ['x'], ['y'], { alpha: float(0.25) }), node('Reshape', ['y', 'shape'], ['z'])],
    initializer: [int64Tensor('shape', [2], [-1, 2])],
    input: [valueInfo('x', 'float32', ['n', 4])],
    output: [valueInfo('z', 'float32', ['m', 2])],
  },
  metadataProps: [{ key: 'note', value: 'größer' }],
};

describe('ONNX codec', () => {
  it('writes a model that onnxruntime runs', async () => {
    const session = await ort.InferenceSession.create(encodeModel(leaky));
    const { z } = await session.run({ x: new ort.Tensor('float32', [-4, -2, 1, 3], [1, 4]) });
    expect(z?.dims).toEqual([2, 2]);
    expect(Array.from(z?.data as Float32Array)).toEqual([-1, -0.5, 1, 3]);
    await session.release();
  });

  it('reads back what it wrote', () => {
    const back = decodeModel(encodeModel(leaky));
    expect(back.irVersion).toBe(9);
    expect(back.opsetImport).toEqual([{ version: 17 }]);
    expect(back.metadataProps).toEqual([{ key: 'note', value: 'größer' }]);
    expect(back.graph.node.map((item) => item.opType)).toEqual(['LeakyRelu', 'Reshape']);
    expect(back.graph.node[0]?.attribute?.[0]?.f).toBe(0.25);
    expect(Array.from(tensorValues(back.graph.initializer![0]!)!)).toEqual([-1, 2]);
    expect(back.graph.input[0]?.type?.tensorType?.shape?.dim).toEqual([{ dimParam: 'n' }, { dimValue: 4 }]);
    expect(encodeModel(back)).toEqual(encodeModel(leaky));
  });

  it('keeps integers that a double cannot hold', () => {
    const model: OnnxModel = { ...leaky, graph: { ...leaky.graph, initializer: [{ name: 'end', dims: [1], dataType: 7, int64Data: [9223372036854775807n] }] } };
    expect(decodeModel(encodeModel(model)).graph.initializer?.[0]?.int64Data).toEqual([9223372036854775807n]);
  });

  it('finds float values in either place', () => {
    expect(Array.from(tensorValues(floatTensor('w', [2], [1.5, -2]))!)).toEqual([1.5, -2]);
    expect(Array.from(tensorValues({ dims: [2], dataType: 1, floatData: [1.5, -2] })!)).toEqual([1.5, -2]);
  });

  it('refuses a tensor whose values do not fill its shape', () => {
    expect(() => floatTensor('w', [2, 2], [1, 2, 3])).toThrow('tensor w: expected 4 values for [2,2], found 3');
  });

  it.each([['text', new TextEncoder().encode('hello, this is no model')], ['nothing', new Uint8Array(0)], ['half a model', encodeModel(leaky).subarray(0, 60)]])('refuses %s', (_name, bytes) => {
    expect(() => decodeModel(bytes, 'their.onnx')).toThrow(ModelError);
    expect(() => decodeModel(bytes, 'their.onnx')).toThrow(/^their\.onnx: expected an ONNX model/);
  });

  it.skipIf(!hasShared('weights/squeezenet1_1_f32_metadata.onnx'))('keeps a real model the same through decode and encode', async () => {
    const bytes = readFileSync(join(shared, 'weights/squeezenet1_1_f32_metadata.onnx'));
    const model = decodeModel(bytes);
    const again = encodeModel(model);
    expect(again.length).toBeGreaterThan(0.99 * bytes.length);
    expect(Buffer.compare(encodeModel(decodeModel(again)), again)).toBe(0);
    expect(decodeModel(again).graph.node).toEqual(model.graph.node);
    const [a, b] = [await ort.InferenceSession.create(bytes), await ort.InferenceSession.create(again)];
    const name = a.inputNames[0]!;
    const dims = [1, 3, 224, 224];
    const input = new ort.Tensor('float32', Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => (i % 255) / 255), dims);
    const [x, y] = [await a.run({ [name]: input }), await b.run({ [name]: input })];
    expect(Array.from(y[a.outputNames[0]!]?.data as Float32Array)).toEqual(Array.from(x[a.outputNames[0]!]?.data as Float32Array));
  });
});
