import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openPackKernel, packKernelModule } from '../../src/cog/pack-kernel.js';
import { predict } from '../../src/cog/predictor.js';
import { createPacker } from '../../src/cog/packer.js';
import { bytesOf, bytesPerSample, viewAs, type DataType } from '../../src/raster/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();

const kinds = fc.record({
  dtype: fc.constantFrom<DataType>('uint8', 'int16', 'uint16', 'int32', 'uint32'),
  bands: fc.integer({ min: 1, max: 5 }),
  width: fc.integer({ min: 1, max: 70 }),
  rows: fc.integer({ min: 1, max: 40 }),
  level: fc.integer({ min: 1, max: 9 }),
  seed: fc.nat(),
});

/** A xorshift generator: bytes without a pattern. */
function noise(length: number): Uint8Array {
  let state = 2463534242;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

/** Values that walk a little, with jumps: something to find for every part of a compressor. */
function walk(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, value = 0, state = seed | 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    value = state % 50 === 0 ? state >>> 24 : value + (state >>> 30);
    bytes[i] = value;
  }
  return bytes;
}

describe('the kernel that packs', () => {
  it('gives zlib streams of the differences, at every level', () => {
    fc.assert(fc.property(kinds, ({ dtype, bands, width, rows, level, seed }) => {
      const samples = width * rows * bands;
      const bytes = walk(samples * bytesPerSample(dtype), seed);
      const kept = bytes.slice();
      const packed = openPackKernel(packKernelModule(), { compression: 'deflate', level, predictor: 2, dtype, bands }).pack(bytes, width);
      expect(bytes).toEqual(kept);
      predict(viewAs(dtype, kept.buffer, 0, samples), width, { predictor: 2, bands, dtype });
      expect(Buffer.compare(inflateSync(packed), kept)).toBe(0);
    }), { numRuns: 100 });
  });

  it('packs what cannot be made smaller, nothing at all, and blocks for which its memory has to grow', () => {
    for (const [level, bytes] of [[1, noise(300_000)], [9, noise(300_000)], [6, new Uint8Array(0)], [1, new Uint8Array(1)], [2, walk(9_000_000, 3)]] as const) {
      const kernel = openPackKernel(packKernelModule(), { compression: 'deflate', level, predictor: 1, dtype: 'uint8', bands: 1 });
      for (let again = 0; again < 2; again++) expect(Buffer.compare(inflateSync(kernel.pack(bytes, 1)), bytes)).toBe(0);
    }
  });

  it('packs floats by the bytes of a row', () => {
    const values = Float32Array.from({ length: 60 * 20 }, (_, i) => Math.sin(i / 9) * 100);
    const expected = bytesOf(values.slice());
    predict(viewAs('float32', expected.buffer, 0, values.length), 60, { predictor: 3, bands: 1, dtype: 'float32' });
    const packed = openPackKernel(packKernelModule(), { compression: 'deflate', level: 1, predictor: 3, dtype: 'float32', bands: 1 }).pack(bytesOf(values), 60);
    expect(Buffer.compare(inflateSync(packed), expected)).toBe(0);
  });

  it('gives the same bytes on this thread and in others, also where they are more than the block', async () => {
    const packing = { compression: 'deflate', level: 1, matching: 'search', quality: 85, predictor: 2, dtype: 'uint8', bands: 1 } as const;
    const nothingToFind = noise(64 * 64);
    const contents = [nothingToFind, walk(64 * 64, 5), new Uint8Array(64 * 64)];
    const results = await Promise.all([1, 100].map(async (blocks) => {
      const packer = createPacker(packing, { blockSize: 64, threads: 2, blocks });
      const packed = await Promise.all(contents.map(async (bytes) => {
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        const [packed, again] = await Promise.all([packer.pack(shared), packer.pack(bytes.slice())]);
        expect(Buffer.compare(again, packed)).toBe(0);
        return Uint8Array.from(packed);
      }));
      await packer.close();
      return packed;
    }));
    expect(results[1]).toEqual(results[0]);
    expect(results[0]![0]!.length).toBeGreaterThan(nothingToFind.length);
  });

  it('refuses blocks that still wait when it is closed, and those that come later', async () => {
    const packing = { compression: 'deflate', level: 1, matching: 'search', quality: 85, predictor: 2, dtype: 'uint8', bands: 1 } as const;
    const packer = createPacker(packing, { blockSize: 64, threads: 1, blocks: 100 });
    const packed = Array.from({ length: 5 }, () => packer.pack(new Uint8Array(new SharedArrayBuffer(64 * 64))));
    const settled = Promise.allSettled(packed);
    await packer.close();
    expect((await settled).every((one) => one.status === 'rejected' && (one.reason as Error).message.includes('closed'))).toBe(true);
    await expect(packer.pack(new Uint8Array(64 * 64))).rejects.toThrow('closed');
  });

  it('says that the machine has no memory for it, where that is so', async () => {
    const convert = [process.execPath, join(root, 'dist/cli/main.js'), 'convert', join(root, 'fixtures/convert/rgb.tif'), join(folder, 'none.tif'), '--compress', 'lzw'];
    const failed = await promisify(execFile)('sh', ['-c', 'ulimit -v 16000000; exec "$0" "$@"', ...convert]).then(() => undefined, (error: unknown) => error as { readonly code: number; readonly stderr: string });
    expect(failed?.stderr).toMatch(/^tilewright: the system gives the program no more memory \(.*ulimit -v.*\)\n$/);
    expect(failed?.code).toBe(4);
  });
});
