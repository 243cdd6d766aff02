import { describe, expect, it } from 'vitest';
import { readMemory, readingMemory, stripCacheBytes } from '../../src/scene/index.js';
import { KEPT_BYTES, lendBlock, recycleBlock, takeBlockMemory } from '../../src/scene/block-memory.js';

const profile = { width: 10_000, height: 10_000, bands: 3, dtype: 'uint8', blockWidth: 512, blockHeight: 512, maskSource: 'none', bytes: 3e8 } as const;

describe('the memory that a plan foresees', () => {
  it('has the cache, six blocks in flight twice with a megabyte stored each, and what is kept of earlier blocks', () => {
    expect(readingMemory(profile)).toBe(6 * 2 ** 20 + 2 * 6 * 512 * 512 * 3 + 16 * 2 ** 20);
    expect(readMemory(profile, 512)).toBe(stripCacheBytes(profile, 512) + readingMemory(profile));
  });

  it('is small for small scenes', () => {
    expect(readingMemory({ ...profile, width: 512, height: 512, bytes: 1000 })).toBe(1000 + 3 * 512 * 512 * 3);
  });

  it('foresees all that is kept: more blocks than that are not', async () => {
    const length = 2 ** 20;
    const blocks = Array.from({ length: 24 }, () => lendBlock(new Uint8Array(takeBlockMemory(length))));
    blocks.forEach(recycleBlock);
    await new Promise((resolve) => { setImmediate(() => setImmediate(resolve)); });
    const before = new Set(blocks.map((block) => block.buffer));
    const again = Array.from({ length: 24 }, () => takeBlockMemory(length));
    expect(again.filter((buffer) => before.has(buffer))).toHaveLength(KEPT_BYTES / length);
  });
});
