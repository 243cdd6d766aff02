import { describe, expect, it } from 'vitest';
import { formatBytes, parseBytes, peakRss } from '../../src/run/index.js';

describe('parseBytes', () => {
  it('reads sizes with and without unit', () => {
    expect(parseBytes('512MB')).toBe(536870912);
    expect(parseBytes('1.5 GiB')).toBe(1610612736);
    expect(parseBytes('100')).toBe(100);
  });
  it('refuses anything else', () => {
    expect(() => parseBytes('much')).toThrow("--memory: expected a size such as 512MB or 2GB, got 'much'");
    expect(() => parseBytes('-1GB')).toThrow('--memory');
  });
});

describe('formatBytes', () => {
  it('uses the unit that people use', () => {
    expect(formatBytes(536870912)).toBe('512 MB');
    expect(formatBytes(1610612736)).toBe('1.50 GB');
    expect(formatBytes(10)).toBe('1 kB');
  });
});

describe('peakRss', () => {
  it('is at least what is resident now', () => {
    expect(peakRss()).toBeGreaterThan(process.memoryUsage.rss() * 0.8);
  });
});
