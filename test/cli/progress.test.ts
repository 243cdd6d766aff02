import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgressPrinter } from '../../cli/progress.js';
import { speedText } from '../../cli/words.js';

afterEach(() => { vi.useRealTimers(); });

/** Steps that are told where no terminal is, one every so many milliseconds. */
function told(total: number, everyMs: number, detail?: string): number[] {
  vi.useFakeTimers();
  const lines: string[] = [];
  const printer = createProgressPrinter({ isTTY: false, write: (line: string) => { lines.push(line); return true; } } as unknown as NodeJS.WriteStream);
  for (let done = 1; done <= total; done++) {
    printer.show({ stage: 'check', done, total, unit: 'pictures', ...(detail === undefined ? {} : { detail }) });
    vi.advanceTimersByTime(everyMs);
  }
  return lines.map((line) => Number(/^check (\d+)\//.exec(line)![1]));
}

describe('progress without a terminal', () => {
  it('tells a few steps no faster than can be read, all of them where they are slow or say something', () => {
    expect(told(30, 30)).toEqual([1, 30]);
    expect(told(4, 1500)).toEqual([1, 2, 3, 4]);
    expect(told(4, 30, 'loss 0.5')).toEqual([1, 2, 3, 4]);
    expect(told(60, 100)).toEqual([1, 51, 60]);
  });
});

describe('words', () => {
  it('say slower where something is', () => {
    expect([1.5, 1, 0.8].map(speedText)).toEqual(['1.50 times as fast', '1.00 times as fast', 'slower: 1.25 times the time']);
  });
});
