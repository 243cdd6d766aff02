import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeXz } from '../../src/scene/tiff/xz.js';
import { root } from '../places.js';

/** Made by Python's lzma (fixtures/scene/make_xz.py). */
const fixture = JSON.parse(readFileSync(join(root, 'fixtures', 'scene', 'xz.json'), 'utf8')) as { readonly data: string; readonly streams: Readonly<Record<string, string>> };
const data = Buffer.from(fixture.data, 'base64');
const streams = Object.entries(fixture.streams).map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);

/** The footer, which says again what headers say. */
const FOOTER = 12;

describe('an .xz stream', () => {
  it.each(streams)('with %s gives what went in, also in part', (_name, stream) => {
    expect(Buffer.compare(decodeXz(stream, data.length), data)).toBe(0);
    expect(Buffer.compare(decodeXz(stream, data.length + 100), data)).toBe(0);
    expect(Buffer.compare(decodeXz(stream, 500), data.subarray(0, 500))).toBe(0);
  });

  it.each(streams)('with %s is refused with any byte changed, or gives what went in; without checks, hardly anything else', (name, stream) => {
    let [refused, wrong] = [0, 0];
    for (let at = 0; at < stream.length - FOOTER; at++) {
      const damaged = Buffer.from(stream);
      damaged[at]! ^= 1 << at % 8;
      try {
        if (Buffer.compare(decodeXz(damaged, data.length), data) !== 0) wrong++;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan((stream.length - FOOTER) * 0.97);
    expect(wrong).toBeLessThanOrEqual(name.startsWith('none') ? stream.length * 0.02 : 0);
  });
});
