import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../src/weights/index.js';
import { hasShared, root, scratch, shared } from '../places.js';

const fixtures = join(root, 'fixtures', 'weights');
const golden = JSON.parse(readFileSync(join(fixtures, 'golden.json'), 'utf8')) as Record<string, Record<string, { shape: number[]; values: number[] }>>;
const folder = scratch();

async function valuesOf(path: string): Promise<Record<string, { shape: number[]; values: number[] }>> {
  const file = await readWeights(path);
  const all: Record<string, { shape: number[]; values: number[] }> = {};
  for (const tensor of file.tensors) all[tensor.name] = { shape: [...tensor.shape], values: [...await tensor.floats()] };
  await file.close();
  return all;
}

describe('a file of weights', () => {
  it.each(['types.safetensors', 'state.pth', 'legacy.pth'])('holds what the library that wrote it says: %s', async (name) => {
    const found = await valuesOf(join(fixtures, name));
    const expected = Object.fromEntries(Object.entries(golden[name]!).map(([key, tensor]) => [key, { shape: tensor.shape, values: tensor.values.map(Math.fround) }]));
    expect(found).toEqual(expected);
  });

  it('says its types and texts, tensors in the order of the state dict', async () => {
    const types = await readWeights(join(fixtures, 'types.safetensors'));
    expect(Object.fromEntries(types.tensors.map(({ name, dtype }) => [name, dtype]))).toMatchObject({ f16: 'float16', bf16: 'bfloat16', i64: 'int64', bool: 'bool', u8: 'uint8' });
    expect(types.metadata).toEqual({ format: 'pt', by: 'make.py' });
    const state = await readWeights(join(fixtures, 'state.pth'));
    expect(state.tensors.map(({ name }) => name)).toEqual(['turned', 'first', 'rest', 'parameter', 'half', 'count']);
    await Promise.all([types.close(), state.close()]);
  });

  it('of TensorFlow.js is read across its shards, packed weights unpacked', async () => {
    const place = join(folder, 'packed');
    await mkdir(place);
    const weights = [
      { name: 'a/kernel', shape: [2, 2], dtype: 'float32' },
      { name: 'a/bias', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
      { name: 'b/half', shape: [2], dtype: 'float32', quantization: { dtype: 'float16', original_dtype: 'float32' } },
    ];
    const bytes = new Uint8Array(16 + 3 + 4);
    bytes.set(new Uint8Array(Float32Array.from([1, 2, 3, 4]).buffer));
    bytes.set([0, 2, 255], 16);
    bytes.set([0x00, 0x3c, 0x00, 0xc0], 19);
    await writeFile(join(place, 's1.bin'), bytes.subarray(0, 10));
    await writeFile(join(place, 's2.bin'), bytes.subarray(10));
    await writeFile(join(place, 'model.json'), JSON.stringify({ modelTopology: { model_config: { class_name: 'Sequential', config: [] } }, weightsManifest: [{ paths: ['s1.bin', 's2.bin'], weights }] }));
    expect(await valuesOf(join(place, 'model.json'))).toEqual({
      'a/kernel': { shape: [2, 2], values: [1, 2, 3, 4] }, 'a/bias': { shape: [3], values: [-1, 0, 126.5] }, 'b/half': { shape: [2], values: [1, -2] },
    });
  });

  it('of Keras names layers; optimizer state is left out', async () => {
    const whole = await readWeights(join(fixtures, 'nested.h5'));
    expect(whole.tensors.map(({ name, layer }) => [name, layer])).toContainEqual(['encoder/batch_normalization/moving_variance', 'encoder']);
    expect(whole.model?.kind).toBe('keras-3');
    const weights = await readWeights(join(fixtures, 'nested.weights.h5'));
    expect(weights.model).toBeUndefined();
    expect(weights.tensors).toHaveLength(whole.tensors.length);
    await Promise.all([whole.close(), weights.close()]);
  });

  it.skipIf(!hasShared('weights/burn_mnist.pt'))('of other people is read: PyTorch with tensors on another device, legacy, half floats', async () => {
    const sums: Record<string, [number, number]> = {};
    for (const name of ['burn_mnist.pt', 'espnet_encoder_p_2_q_3_legacy.pth', 'squeezenet1_1_statedict_zip.pth', 'squeezenet1_1_f16.safetensors', 'SqueezeNet_fp16.onnx', 'mnist_bettercnn_keras2.h5']) {
      const file = await readWeights(join(shared, 'weights', name));
      sums[name] = [file.tensors.length, file.tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)];
      await file.close();
    }
    expect(sums).toEqual({
      'burn_mnist.pt': [20, 376_940], 'espnet_encoder_p_2_q_3_legacy.pth': [99, 189_781], 'squeezenet1_1_statedict_zip.pth': [52, 1_235_496],
      'squeezenet1_1_f16.safetensors': [52, 1_235_496], 'SqueezeNet_fp16.onnx': [52, 1_235_496], 'mnist_bettercnn_keras2.h5': [10, 59_933],
    });
    const half = await valuesOf(join(shared, 'weights', 'squeezenet1_1_f16.safetensors'));
    expect(half).toEqual(await valuesOf(join(shared, 'weights', 'squeezenet1_1_statedict_zip.pth')));
  });
});
