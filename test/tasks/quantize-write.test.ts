import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/predict/index.js';
import { writeInt8 } from '../../src/tasks/quantize/write.js';
import { scratch } from '../places.js';

const folder = scratch();
const told = (): unknown => (JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8')) as { int8?: unknown }).int8;

describe('the 8-bit form of a model', () => {
  it('is told of by the card only when it is there', async () => {
    const { card } = await loadModel('aerial-chips');
    expect(card.int8).toBeDefined();
    // A folder in the file's place ends it half way.
    mkdirSync(join(folder, 'model.int8.onnx'));
    await expect(writeInt8(folder, Uint8Array.of(1, 2), card)).rejects.toThrow(/EISDIR|directory/);
    expect(told()).toBeUndefined();
    rmdirSync(join(folder, 'model.int8.onnx'));
    await writeInt8(folder, Uint8Array.of(1, 2), card);
    expect(told()).toEqual(card.int8);
    expect([...readFileSync(join(folder, 'model.int8.onnx'))]).toEqual([1, 2]);
  });
});
