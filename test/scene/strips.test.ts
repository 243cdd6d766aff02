import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene } from '../../src/scene/index.js';
import { scratch } from '../places.js';

const folder = scratch();

/** Any pixel tells its place: no two rows within 251 are the same. */
const valueAt = (x: number, y: number, plane: number): number => (x + 3 * y + 91 * plane) % 251;

interface Layout { readonly width: number; readonly height: number; readonly rowsPerStrip: number; readonly planes: number }

/** An uncompressed TIFF in strips, by the TIFF 6.0 specification, section 2; the strips stand in the file last to first. */
function writeStrips(name: string, { width, height, rowsPerStrip, planes }: Layout): string {
  const strips: Buffer[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let top = 0; top < height; top += rowsPerStrip) {
      const rows = Math.min(rowsPerStrip, height - top);
      strips.push(Buffer.from(Uint8Array.from({ length: rows * width }, (_, i) => valueAt(i % width, top + Math.floor(i / width), plane))));
    }
  }
  const tags: [tag: number, type: 3 | 4, values: number[]][] = [
    [256, 4, [width]], [257, 4, [height]], [258, 3, Array<number>(planes).fill(8)], [259, 3, [1]], [262, 3, [1]], [273, 4, strips.map(() => 0)],
    [277, 3, [planes]], [278, 4, [rowsPerStrip]], [279, 4, strips.map(({ length }) => length)], [284, 3, [planes === 1 ? 1 : 2]],
  ];
  let at = 8 + 2 + 12 * tags.length + 4;
  const places = tags.map(([, type, values]) => {
    const bytes = values.length * (type === 3 ? 2 : 4);
    if (bytes <= 4) return undefined;
    at += bytes;
    return at - bytes;
  });
  const offsets = new Array<number>(strips.length);
  for (let i = strips.length - 1; i >= 0; i--) {
    offsets[i] = at;
    at += strips[i]!.length;
  }
  tags.find(([tag]) => tag === 273)![2] = offsets;
  const file = Buffer.alloc(at);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(tags.length, 8);
  tags.forEach(([tag, type, values], i) => {
    const entry = 10 + 12 * i;
    file.writeUInt16LE(tag, entry);
    file.writeUInt16LE(type, entry + 2);
    file.writeUInt32LE(values.length, entry + 4);
    const start = places[i] ?? entry + 8;
    if (places[i] !== undefined) file.writeUInt32LE(start, entry + 8);
    values.forEach((value, k) => (type === 3 ? file.writeUInt16LE(value, start + 2 * k) : file.writeUInt32LE(value, start + 4 * k)));
  });
  strips.forEach((strip, i) => strip.copy(file, offsets[i]));
  const path = join(folder, name);
  writeFileSync(path, file);
  return path;
}

describe('large strips without compression, of which only rows are read', () => {
  it.each<[string, Layout]>([
    ['of 100 rows', { width: 8000, height: 1000, rowsPerStrip: 100, planes: 1 }],
    ['of a prime number of rows', { width: 2000, height: 800, rowsPerStrip: 257, planes: 1 }],
    ['of a prime number of long rows', { width: 60_000, height: 250, rowsPerStrip: 101, planes: 1 }],
    ['of 333 rows', { width: 8000, height: 1000, rowsPerStrip: 333, planes: 1 }],
    ['in planes', { width: 3000, height: 700, rowsPerStrip: 256, planes: 3 }],
    ['that are one', { width: 5000, height: 300, rowsPerStrip: 300, planes: 1 }],
  ])('%s have their pixels wherever they are looked at', async (name, layout) => {
    const scene = await openScene(writeStrips(`${name.replaceAll(' ', '-')}.tif`, layout));
    try {
      const { width, height, planes } = layout;
      const edges = [0, layout.rowsPerStrip - 3, layout.rowsPerStrip + 28, 2 * layout.rowsPerStrip - 2, height - 5].filter((y) => y + 5 <= height);
      const windows = [...edges.map((y) => ({ x: width - 70, y, width: 70, height: 5 })), { x: 3, y: 0, width: 2, height }];
      for (const window of windows) {
        const { data } = await scene.read(window);
        const expected = Uint8Array.from({ length: window.width * window.height * planes }, (_, i) => {
          const pixel = Math.floor(i / planes);
          return valueAt(window.x + pixel % window.width, window.y + Math.floor(pixel / window.width), i % planes);
        });
        expect(data, JSON.stringify(window)).toEqual(expected);
      }
    } finally {
      await scene.close();
    }
  });
});
