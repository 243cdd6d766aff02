import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.js';
import { ordered } from '../../src/run/index.js';

describe('ordered', () => {
  it('hands out results in order whatever order they are ready in, with no more than `ahead` at work', async () => {
    let active = 0;
    let most = 0;
    const seen: number[] = [];
    const items = Array.from({ length: 20 }, (_, i) => i);
    for await (const value of ordered(items, 3, async (item) => {
      most = Math.max(most, ++active);
      await sleep((item * 7) % 5);
      active--;
      return item;
    })) seen.push(value);
    expect(seen).toEqual(items);
    expect(most).toBe(3);
  });

  it('stops at the first failure and starts nothing further', async () => {
    const started: number[] = [];
    const run = async (): Promise<void> => {
      const results = ordered([0, 1, 2, 3, 4, 5], 2, async (item) => {
        started.push(item);
        await sleep(1);
        if (item === 1) throw new Error('broken');
      });
      while (!(await results.next()).done);
    };
    await expect(run()).rejects.toThrow('broken');
    expect(Math.max(...started)).toBeLessThan(4);
  });

  it('ends with Interrupted when aborted', async () => {
    const controller = new AbortController();
    const run = async (): Promise<void> => {
      for await (const item of ordered([0, 1, 2, 3], 1, (value) => Promise.resolve(value), controller.signal)) {
        if (item === 1) controller.abort();
      }
    };
    await expect(run()).rejects.toThrow(Interrupted);
  });
});
