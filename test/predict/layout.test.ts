import { describe, expect, it } from 'vitest';
import { threadLayout } from '../../src/predict/engine.js';

describe('engines and their threads', () => {
  it('are one per thread for chips, two for maps, and one on other devices', () => {
    expect(threadLayout('chips', 8, 'cpu')).toEqual({ workers: 8, threads: 1 });
    expect(threadLayout('maps', 8, 'cpu')).toEqual({ workers: 2, threads: 4 });
    expect(threadLayout('maps', 1, 'cpu')).toEqual({ workers: 1, threads: 1 });
    expect(threadLayout('chips', 8, 'cuda')).toEqual({ workers: 1, threads: 8 });
  });

  it('are fewer for chips where the weights are large: 128 MB of them together, or one engine', () => {
    expect(threadLayout('chips', 8, 'cpu', { modelBytes: 5e6 })).toEqual({ workers: 8, threads: 1 });
    expect(threadLayout('chips', 8, 'cpu', { modelBytes: 40e6 })).toEqual({ workers: 3, threads: 2 });
    expect(threadLayout('chips', 8, 'cpu', { modelBytes: 94e6 })).toEqual({ workers: 1, threads: 8 });
    expect(threadLayout('chips', 2, 'cpu', { modelBytes: 550e6 })).toEqual({ workers: 1, threads: 2 });
    expect(threadLayout('chips', 2, 'cpu', { modelBytes: 550e6, workers: 2 })).toEqual({ workers: 2, threads: 1 });
  });
});
