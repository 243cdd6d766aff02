import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeModel, graphInputs, graphOutputs, opsetOf, pruneModel } from '../../src/onnx/index.js';
import { FUSED_INPUT, fuseGraph, fusedOutput } from '../../src/predict/fuse.js';
import { plainReason } from '../../src/predict/engine-error.js';
import { openPool } from '../../src/predict/pool.js';
import { bandsFirst, fixture, mapCard, patches } from './cards.js';

const read = (name: string) => decodeModel(readFileSync(fixture(name)), name);

describe('fuseGraph', () => {
  const facts = { scores: { name: 'y', type: 'float32', channels: 3, rank: 4 } } as const;
  const options = { card: mapCard(3), input: 'x', facts, dtype: 'uint8', width: 5, height: 4, reduceX: 1, reduceY: 1, batch: 1, outputs: ['classes'] } as const;

  it('takes samples as they come and gives one byte per pixel, in the operators of the graph', () => {
    const fused = decodeModel(fuseGraph(read('identity_opset7.onnx'), options), 'fused');
    expect(graphInputs(fused)).toEqual([{ name: FUSED_INPUT, type: 'uint8', shape: [1, 4, 5, 3] }]);
    expect(graphOutputs(fused)).toEqual([{ name: fusedOutput('classes'), type: 'uint8', shape: undefined }]);
    expect(opsetOf(fused)).toBe(7);
    expect(fused.graph.node.map(({ opType }) => opType)).toEqual(['Transpose', 'Cast', 'Identity', 'ArgMax', 'Cast']);
  });

  it('adds nothing that is not needed', () => {
    const card = mapCard(3, { data_type: 'uint8', dim_order: 'bhwc', shape: [-1, -1, -1, 3], value_scaling: { scale: 1 } }, { dim_order: 'bhwc' });
    const bytes = fuseGraph(read('identity_uint8.onnx'), { ...options, card, facts: { scores: { ...facts.scores, type: 'uint8' } } });
    expect(decodeModel(bytes, 'fused').graph.node.map(({ opType }) => opType)).toEqual(['Identity', 'Identity', 'Cast', 'ArgMax', 'Cast']);
  });

  it('leaves the number of patches free for devices that want many at once', async () => {
    const pool = openPool({ model: 'identity', device: 'cpu', workers: 1, threads: 1 });
    await pool.load(1, fuseGraph(read('identity.onnx'), { ...options, batch: -1, outputs: ['scores'] }));
    const batch = patches(3, 5, 4);
    const result = await pool.run(1, { input: FUSED_INPUT, type: 'uint8', data: batch.data.slice(), dims: [4, 5, 3], count: 3, step: 3, exact: false });
    await pool.close();
    expect(result.outputs[fusedOutput('scores')]).toMatchObject({ dims: [3, 3, 4, 5], data: bandsFirst(batch) });
  });

  it('leaves out what no output needs', () => {
    const model = read('band_means.onnx');
    const only = pruneModel({ ...model, graph: { ...model.graph, output: [{ name: 'maps' }] } });
    expect(only.graph.node.map(({ opType }) => opType)).toEqual(['Relu']);
  });
});

describe('plainReason', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "Non-zero status code returned while running Concat node. Name:'/cat' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/concat.cc:159 onnxruntime::common::Status onnxruntime::ConcatBase::PrepareForCompute(onnxruntime::OpKernelContext*, const InlinedTensorsVector&, onnxruntime::Prepare&) const inputs[i].Shape()[j] == dims[j] was false. Non concat axis dimensions must match: Axis 3 has mismatched dimensions of 65 and 64",
      'Concat node /cat: Non concat axis dimensions must match: Axis 3 has mismatched dimensions of 65 and 64',
    ],
    ['[ErrorCode:Fail] Load model from buffer failed:Unsupported model IR version: 99, max supported IR version: 13', 'Unsupported model IR version: 99, max supported IR version: 13'],
    ['something\n  else.', 'something else'],
  ];
  for (const [raw, plain] of cases) {
    it(`keeps what says something: ${plain.slice(0, 40)}`, () => expect(plainReason(raw)).toBe(plain));
  }
});
