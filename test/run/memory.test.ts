import { describe, expect, it } from 'vitest';
import { formatApart, formatBytes, parseBytes, peakRss } from '../../src/run/index.js';

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

describe('formatApart', () => {
  it('shows two sizes so precisely that they differ', () => {
    expect(formatApart(300 * 2 ** 20, 255 * 2 ** 20)).toEqual(['300 MB', '255 MB']);
    expect(formatApart(255.3 * 2 ** 20, 255 * 2 ** 20)).toEqual(['255.3 MB', '255.0 MB']);
    expect(formatApart(255.04 * 2 ** 20, 255 * 2 ** 20)).toEqual(['255.04 MB', '255.00 MB']);
    expect(formatApart(1.001 * 2 ** 30, 2 ** 30)).toEqual(['1.001 GB', '1.000 GB']);
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
