import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { EXPORTED, exported, SHAPES } from '../../fixtures/train/exported.js';
import type { Tensorflow } from '../../models/architectures/index.js';
import { root } from '../places.js';
import { plainTensorflow } from './engines.js';

interface Found { readonly opset: number; readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>> }

const folder = join(root, 'fixtures/train/exported');
const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as { readonly files: Readonly<Record<string, Found>> };
let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** `fixtures/train/check_onnx.py` has put these files through `onnx.checker` (full) and Python's onnxruntime. */
describe('exported networks', () => {
  it('are those that Python has seen', () => expect(Object.keys(golden.files)).toEqual(EXPORTED));

  it.each(EXPORTED)('%s: export writes the bytes that onnx.checker took, and they give the scores of Python', async (name) => {
    const bytes = exported(tf, name);
    // Where they differ: export anew, and let Python look again (the head of fixtures/train/exported.ts).
    expect(Buffer.compare(bytes, readFileSync(join(folder, `${name}.onnx`)))).toBe(0);
    const shape = SHAPES[name]!;
    const pixels = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (37 * i + Math.floor(i / 11)) % 256);
    const session = await ort.InferenceSession.create(bytes);
    const results = await session.run({ image: new ort.Tensor('uint8', pixels, shape) });
    await session.release();
    const { outputs, opset } = golden.files[name]!;
    expect(opset).toBe(17);
    expect(Object.keys(results).sort()).toEqual(Object.keys(outputs).sort());
    for (const [output, { shape: sizes, data }] of Object.entries(outputs)) {
      expect(results[output]!.dims).toEqual(sizes);
      const values = results[output]!.data as Float32Array;
      expect(new Set(data).size).toBeGreaterThan(1);
      data.forEach((value, i) => expect(Math.abs(values[i]! - value) / (1 + Math.abs(value))).toBeLessThan(1e-5));
    }
  });
});
