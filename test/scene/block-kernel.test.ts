import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateRawSync } from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeLzw } from '../../src/cog/pack-kernel.js';
import { InvalidFileError } from '../../src/errors.js';
import { memorySource } from '../../src/scene/byte-source.js';
import { KERNEL_NO_CODE, KERNEL_NO_ROOM, kernelModule, openBlockKernel } from '../../src/scene/tiff/block-kernel.js';
import type { PredictedRows } from '../../src/scene/tiff/block-kernel.js';
import { openTiff } from '../../src/scene/tiff/open-tiff.js';
import { undoFloatingPoint, undoHorizontal } from '../../src/scene/tiff/predictor.js';
import { root } from '../places.js';

const kernel = openBlockKernel(kernelModule());
const zstd = new ZSTDDecoder();
const isFull = process.env['TILEWRIGHT_TEST_FULL'] === '1';

/** A linear congruential generator: numbers from 0 to `below` - 1. */
function generator(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

/** Pieces of noise, of few values, of runs, and of what stood before: every part of a decoder has something to do. */
function content(length: number, next: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const end = Math.min(length, at + 1 + next(next(4) === 0 ? 40_000 : 300));
    const kind = next(4);
    const value = next(256);
    const back = 1 + next(Math.max(1, Math.min(at, 30_000)));
    for (; at < end; at++) bytes[at] = kind === 0 ? next(256) : kind === 1 ? value + next(4) : kind === 2 || at < back ? value : bytes[at - back]!;
  }
  return bytes;
}

const next = generator(1);
const contents = [0, 1, 2, 7, 255, 4096, 70_000, 300_000].flatMap((length) => [content(length, next), content(length + next(50), next)]);

/** Made by the `zstd` command (fixtures/block-kernel/make_zstd.py): Node has no encoder before version 22.15. */
const frames = JSON.parse(readFileSync(join(root, 'fixtures/block-kernel/zstd.json'), 'utf8')) as readonly { readonly packed: string; readonly holds: number }[];
const packedFrames = frames.map(({ packed }) => Buffer.from(packed, 'base64'));

beforeAll(() => zstd.init());

describe('the kernel for blocks', () => {
  it('inflates what zlib inflates, at every level and strategy', () => {
    for (const bytes of contents) {
      for (const options of [{ level: 0 }, { level: 1 }, { level: 6 }, { level: 9 }, { level: 6, strategy: 2 }, { level: 6, strategy: 3 }, { level: 6, strategy: 4 }]) {
        expectSame(kernel.unpack('inflate', deflateSync(bytes, options), bytes.length), bytes);
      }
    }
  });

  it('unpacks the LZW that is written here, and stops where it is told to', () => {
    for (const bytes of contents) {
      expectSame(kernel.unpack('unpack_lzw', encodeLzw(bytes), bytes.length + 10), bytes);
      const part = next(bytes.length + 1);
      expectSame(kernel.unpack('unpack_lzw', encodeLzw(bytes), part), bytes.subarray(0, part));
    }
  });

  it('unpacks Zstandard as another build of its library does', () => {
    for (const [i, { holds }] of frames.entries()) {
      const found = kernel.unpack('unpack_zstd', packedFrames[i]!, holds);
      expectSame(found, zstd.decode(packedFrames[i]!, holds));
      expect((found as Uint8Array).length).toBe(holds);
    }
  });

  it('says where there is more than was asked for', () => {
    const bytes = contents.at(-1)!;
    expect(kernel.unpack('inflate', deflateSync(bytes), bytes.length - 1)).toBe(KERNEL_NO_ROOM);
    expect(kernel.unpack('unpack_zstd', packedFrames.at(-1)!, frames.at(-1)!.holds - 1)).toBe(KERNEL_NO_ROOM);
  });

  it('undoes predictors as they are undone in JavaScript', () => {
    for (const bits of [8, 16, 32, 64]) {
      for (const step of [1, 2, 3, 4, 5]) {
        for (const width of [1, 2, 5, 16, 33, 512]) {
          for (const predictor of [2, 3] as const) {
            if (predictor === 3 && bits < 32) continue;
            const rows: PredictedRows = { predictor, bits, rowSamples: width * step, step };
            const bytes = content(rows.rowSamples * bits / 8 * 3, next);
            const expected = bytes.slice();
            const shape = { rowSamples: rows.rowSamples, rows: 3, step };
            if (predictor === 2) undoHorizontal(expected, bits, shape);
            else undoFloatingPoint(expected, bits, shape);
            expectSame(kernel.unpack('inflate', deflateSync(bytes), bytes.length, rows), expected);
          }
        }
      }
    }
  });

  it('gives back nothing of damaged data that the libraries refuse, and never more than was asked for', () => {
    const rounds = isFull ? 4000 : 250;
    const change = generator(2);
    const good = contents.filter((bytes) => bytes.length > 0 && bytes.length <= 70_050);
    const counts = { refused: 0, read: 0 };
    for (let round = 0; round < rounds; round++) {
      const bytes = good[change(good.length)]!;
      const frame = change(packedFrames.length);
      for (const [coding, packed, length] of [
        ['inflate', deflateSync(bytes), bytes.length], ['unpack_lzw', encodeLzw(bytes), bytes.length], ['unpack_zstd', packedFrames[frame]!, frames[frame]!.holds],
      ] as const) {
        const damaged = mutate(packed, change);
        const room = change(4) === 0 ? change(length + 1) : length;
        const found = kernel.unpack(coding, damaged, room);
        counts[typeof found === 'number' ? 'refused' : 'read']++;
        if (typeof found === 'number') expect(found).toBeLessThan(0);
        else expect(found.length).toBeLessThanOrEqual(room);
        if (coding === 'inflate' && typeof found !== 'number') expectSame(found, inflateRawSync(damaged.subarray(2)));
        if (coding === 'unpack_lzw') expectSame(found, slowLzw(damaged, room));
        if (coding === 'unpack_zstd' && typeof found !== 'number') expectSame(found, zstd.decode(damaged, length));
        // The kernel is as good as before.
        if (round % 25 === 0) expectSame(kernel.unpack(coding, packed, length), coding === 'unpack_zstd' ? zstd.decode(packed, length) : bytes);
      }
    }
    expect(counts.refused).toBeGreaterThan(rounds);
    expect(counts.read).toBeGreaterThan(rounds / 10);
  }, isFull ? 300_000 : 30_000);
});

describe('a picture with damaged blocks', () => {
  it.each(['rgb_tiled_deflate.tif', 'rgba_lzw_p2.tif', 'planar_strips_zstd.tif'])('of %s is read, or refused with one error', async (name) => {
    const file = readFileSync(join(root, 'fixtures/scene', name));
    const change = generator(3);
    let refused = 0;
    for (let round = 0; round < (isFull ? 400 : 40); round++) {
      const bytes = Uint8Array.from(file);
      // Headers are at the start or at the end; most of what lies between is blocks.
      for (let times = 1 + change(3); times > 0; times--) bytes[512 + change(bytes.length - 1024)] = change(256);
      const read = (async () => {
        const scene = await openTiff(memorySource(name, bytes));
        const { width, height } = scene.profile;
        return (await scene.read({ x: 0, y: 0, width, height })).data.length === width * height * scene.profile.bands;
      })();
      const result = await read.catch((error: unknown) => error);
      if (result === true) continue;
      expect(result).toBeInstanceOf(InvalidFileError);
      refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });
});

/** Flips bits, cuts, sets, copies and swaps, a few times over. */
function mutate(packed: Uint8Array, change: (below: number) => number): Uint8Array {
  let bytes = Uint8Array.from(packed);
  for (let times = 1 + change(4); times > 0 && bytes.length > 0; times--) {
    const at = change(change(2) === 0 ? Math.min(bytes.length, 40) : bytes.length);
    switch (change(6)) {
      case 0: bytes[at] = bytes[at]! ^ (1 << change(8)); break;
      case 1: bytes[at] = change(256); break;
      case 2: bytes = bytes.slice(0, at); break;
      case 3: bytes.copyWithin(at, change(bytes.length), change(bytes.length)); break;
      case 4: bytes.fill(change(2) * 255, at, at + change(20)); break;
      default: bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + change(3))]);
    }
  }
  return bytes;
}

/** LZW by the book (TIFF 6.0, section 13), with a table of strings; the kernel's number for a code that is not defined. */
function slowLzw(source: Uint8Array, room: number): Uint8Array | number {
  const out: number[] = [];
  let table: (readonly number[])[] = [];
  let last: readonly number[] | undefined;
  let width = 9;
  let codes = 0;
  for (let bit = 0; out.length < room && bit + width <= 8 * source.length;) {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) code = code * 2 + ((source[bit >> 3]! >> (7 - (bit & 7))) & 1);
    if (code === 257) break;
    if (code === 256) { [table, last, width, codes] = [[], undefined, 9, 0]; continue; }
    let string: readonly number[];
    if (code < 256) string = [code];
    else if (code - 258 < table.length) string = table[code - 258]!;
    else if (code - 258 === table.length && last !== undefined) string = [...last, last[0]!];
    else return KERNEL_NO_CODE - code;
    if (last !== undefined && table.length < 4096 - 258) table.push([...last, string[0]!]);
    for (const byte of string) out.push(byte);
    last = string;
    codes++;
    if (codes === 2 ** width - 258 && width < 12) width++;
  }
  return Uint8Array.from(out.slice(0, room));
}

function expectSame(found: Uint8Array | number, expected: Uint8Array | number): void {
  if (typeof found === 'number' || typeof expected === 'number') { expect(found).toBe(expected); return; }
  expect(found.length).toBe(expected.length);
  expect(Buffer.compare(found, expected)).toBe(0);
}
