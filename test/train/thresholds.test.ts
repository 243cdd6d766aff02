import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyThreshold, fBeta } from '../../src/metrics/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { chooseThresholds } from '../../src/train/index.js';

describe('thresholds per tag', () => {
  it('are never worse on their data than one for all', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 30 }), (seed, tags, rows) => {
      const random = seededRandom(seed);
      const truth = Uint8Array.from({ length: rows * tags }, () => (random() < 0.4 ? 1 : 0));
      const scores = Float32Array.from(truth, (there) => Math.min(1, Math.max(0, 0.4 * there + random() * 0.6)));
      const chosen = chooseThresholds(scores, truth, tags);
      const of = (threshold: number | readonly number[]): number => fBeta(truth, applyThreshold(scores, tags, threshold), tags);
      expect(chosen.length).toBe(tags);
      for (const common of [0.1, 0.2, 0.35, 0.5, 0.7]) expect(of(chosen)).toBeGreaterThanOrEqual(of(common) - 1e-6);
    }), { numRuns: 40 });
  });

  it('find what tells each tag apart, and leave a tag without chips at the common one', () => {
    const truth = Uint8Array.of(1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0);
    const scores = Float32Array.of(0.92, 0.22, 0.3, 0.91, 0.04, 0.3, 0.6, 0.21, 0.3, 0.55, 0.03, 0.3);
    const [first, second, third] = chooseThresholds(scores, truth, 3) as [number, number, number];
    expect(first).toBeGreaterThan(0.6);
    expect(first).toBeLessThanOrEqual(0.91);
    expect(second).toBeGreaterThan(0.04);
    expect(second).toBeLessThanOrEqual(0.21);
    expect(third).toBeGreaterThan(0);
  });
});
