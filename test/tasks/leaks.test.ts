import { describe, expect, it } from 'vitest';
import type { Split } from '../../src/samples/index.js';
import { findLeaks } from '../../src/tasks/dataset/leaks.js';
import type { LeakSearch } from '../../src/tasks/dataset/leaks.js';
import type { Splittable } from '../../src/tasks/dataset/splittable.js';

const size = { width: 16, height: 16 };
const empty = new Uint8Array(16 * 16 * 3);

function samples(groups: string, pixels: (index: number) => Uint8Array = () => empty, sizes = [...groups].map(() => size)): Splittable {
  return { kind: 'pictures', names: [...groups].map((_, i) => `s${i}`), groups: [...groups], sizes, pixels, amounts: [...groups].map(() => []), classes: [], origin: () => undefined, close: () => Promise.resolve() };
}

function noise(index: number): Uint8Array {
  return Uint8Array.from({ length: empty.length }, (_, i) => Math.imul(index * 7919 + i, 2654435761) >>> 24);
}

const parts = (train: number[], validation: number[], test: number[] = []): Split => ({ train: Int32Array.from(train), validation: Int32Array.from(validation), test: Int32Array.from(test) });

describe('equal samples', () => {
  const copiesOf = async (of: Splittable, split: Split, more: Partial<LeakSearch> = {}): Promise<string[]> =>
    (await findLeaks({ samples: of, split, places: undefined, notes: [], content: false, ...more }, {})).map(({ first, second, acrossParts }) => `${first}-${second}${acrossParts ? ' across' : ''}`);

  it.each([true, false])('are found in different parts, whichever sample is in none (only parts: %s)', async (partsOnly) => {
    for (const [left, a, b] of [[0, 1, 2], [1, 0, 2], [2, 0, 1]] as const) {
      expect(await copiesOf(samples('ggg'), parts([a], [b]), { partsOnly }), `${left} in no part`).toEqual([`s${a}-s${b} across`]);
      expect(await copiesOf(samples('ggg'), parts([b], [], [a]), { partsOnly })).toEqual([`s${a}-s${b} across`]);
    }
    expect(await copiesOf(samples('ggg'), parts([0, 1], []), { partsOnly })).toEqual([]);
    expect(await copiesOf(samples('gggg'), parts([0, 1], [2], [3]), { partsOnly })).toEqual(['s0-s2 across', 's0-s3 across', 's2-s3 across']);
  });

  it('are found in different groups, too, where those count', async () => {
    expect(await copiesOf(samples('aabb'), parts([], []))).toEqual(['s0-s2', 's0-s3']);
    expect(await copiesOf(samples('aba'), parts([], []))).toEqual(['s0-s1', 's1-s2']);
    expect(await copiesOf(samples('aba'), parts([], []), { partsOnly: true })).toEqual([]);
  });

  it('are told once, as equal ones, where their content is compared, too', async () => {
    const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
    const equal = samples('aab', () => pixels, Array.from({ length: 3 }, () => ({ width: 64, height: 64 })));
    expect(await copiesOf(equal, parts([0, 1], [2]), { content: true })).toEqual(['s0-s2 across', 's1-s2 across']);
    const found = await findLeaks({ samples: equal, split: parts([0, 1], [2]), places: undefined, notes: [] }, {});
    expect(found.map(({ by }) => by)).toEqual(['copy', 'copy']);
  });

  it('are of one size', async () => {
    const both = [{ width: 8, height: 32 }, { width: 32, height: 8 }];
    expect(await copiesOf(samples('gg', () => empty, both), parts([0], [1]))).toEqual([]);
    expect(await copiesOf(samples('gg', () => empty, [both[0]!, both[0]!]), parts([0], [1]))).toEqual(['s0-s1 across']);
  });

  it('are as many pairs as samples, not as their square', async () => {
    const many = samples('g'.repeat(2000));
    const found = await copiesOf(many, parts(Array.from({ length: 1000 }, (_, i) => 2 * i), Array.from({ length: 1000 }, (_, i) => 2 * i + 1)));
    expect(found).toHaveLength(1999);
  });
});

describe('pairs that are compared by content', () => {
  const compared = async (of: Splittable, split: Split): Promise<{ done: number; total: number | undefined; notes: string[] }> => {
    const notes: string[] = [];
    let [done, total]: [number, number | undefined] = [0, undefined];
    await findLeaks({ samples: of, split, places: undefined, notes, partsOnly: true, copies: false }, { onProgress: (progress) => { done = progress.done; total = progress.total; } });
    return { done, total, notes };
  };

  it('are those of different parts, however many samples are in none', async () => {
    const train = Array.from({ length: 20 }, (_, i) => i);
    const split = parts(train, [20, 21, 22], [23, 24]);
    expect(await compared(samples('g'.repeat(400), noise), split)).toEqual({ done: 106, total: 106, notes: [] });
    // Of two groups, only pairs of both: 10·2 + 10·1 with validation, 10·1 + 10·1 with test, 1·1 + 2·1 between those.
    expect(await compared(samples('ab'.repeat(200), noise), split)).toEqual({ done: 53, total: 53, notes: [] });
  });

  it('are left out, and that is said, where there are too many', async () => {
    const split = parts(Array.from({ length: 201 }, (_, i) => i), Array.from({ length: 100 }, (_, i) => 201 + i));
    const { done, notes } = await compared(samples('g'.repeat(301), noise), split);
    expect(done).toBe(0);
    expect(notes).toEqual(['301 samples without a known place: overlapping ones were not looked for (20,100 pairs)']);
  });
});
