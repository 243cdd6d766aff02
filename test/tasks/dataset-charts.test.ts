import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { datasetInfo, type DatasetInfoResult } from '../../src/tasks/dataset-info.js';
import { decode, type Pixels } from '../picture/pixels.js';
import { scratch } from '../places.js';

const folder = scratch();

function put(name: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), bytes);
}

const drawn = async (info: DatasetInfoResult, name: string): Promise<Pixels> => decode(readFileSync(info.files.find((file) => file.endsWith(name))!));

/** Runs of one colour along a column or row of a picture, in order. */
function runs(length: number, at: (i: number) => readonly number[]): { color: string; start: number; length: number }[] {
  const found: { color: string; start: number; length: number }[] = [];
  for (let i = 0; i < length; i++) {
    const color = `#${at(i).slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
    const last = found.at(-1);
    if (last?.color === color) last.length++;
    else found.push({ color, start: i, length: 1 });
  }
  return found;
}

/** Counts by hand: 8 chips; clear 6, road 4, water 2, cloudy 2; of clear with road 4, clear with water 2, road with water 1. */
const ROWS = ['clear road', 'clear road', 'clear road', 'clear road water', 'clear water', 'clear', 'cloudy', 'cloudy'];
const COUNTS: Readonly<Record<string, number>> = { clear: 6, cloudy: 2, road: 4, water: 2 };
const TOGETHER = [ // rows and columns: clear, cloudy, road, water
  [6, 0, 4, 2],
  [0, 2, 0, 0],
  [4, 0, 4, 1],
  [2, 0, 1, 2],
];

describe('the charts of dataset info', () => {
  it('have a bar per tag in its colour, as long as its share, the most frequent first', async () => {
    put('tags/tags.csv', `image_name,tags\n${ROWS.map((tags, i) => `c${i},${tags}`).join('\n')}\n`);
    for (const i of ROWS.keys()) put(`tags/chips/c${i}.png`, await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 20 * i, g: 90, b: 10 } } }).png().toBuffer());
    const info = await datasetInfo({ data: join(folder, 'tags'), output: join(folder, 'look') });
    expect(Object.fromEntries(info.classes.map(({ name, count }) => [name, count]))).toEqual(COUNTS);
    expect(info.together).toEqual(TOGETHER);
    const chart = await drawn(info, 'classes.png');
    const bars = info.classes.map(({ name, color }) => ({ name, ...chart.find(color) }));
    const longest = Math.max(...bars.map(({ x0, x1 }) => x1 - x0 + 1));
    for (const { name, x0, x1 } of bars) expect((x1 - x0 + 1) / longest, name).toBeCloseTo(COUNTS[name]! / 6, 2);
    expect(new Set(bars.map(({ x0 }) => x0)).size).toBe(1);
    expect([...bars].sort((a, b) => a.y0 - b.y0).map(({ name }) => name).slice(0, 2)).toEqual(['clear', 'road']);
    expect(bars.every(({ y0, y1, count, x0, x1 }) => count > 0.9 * (x1 - x0 + 1) * (y1 - y0 + 1))).toBe(true);
  });

  it('have a cell per pair of tags, darker for a larger share of the row\'s tag, the tags\' colours beside rows and columns', async () => {
    const info = await datasetInfo({ data: join(folder, 'tags'), output: join(folder, 'look'), overwrite: true });
    const table = await drawn(info, 'together.png');
    // Swatches: one of a colour left of its row and one above its column.
    const swatches = info.classes.map(({ color }) => table.find(color));
    const half = 6;
    const left = Math.min(...swatches.map(({ x0 }) => x0)) + half;
    const above = Math.min(...swatches.map(({ y0 }) => y0)) + half;
    const beside = runs(table.height, (y) => table.at(left, y)).filter(({ color, length }) => length >= 10 && info.classes.some((entry) => entry.color === color));
    const over = runs(table.width, (x) => table.at(x, above)).filter(({ color, length }) => length >= 10 && info.classes.some((entry) => entry.color === color));
    const colors = info.classes.map(({ color }) => color);
    expect([beside.map(({ color }) => color), over.map(({ color }) => color)]).toEqual([colors, colors]);
    // In every cell, the corner where no number stands.
    for (const [row, { start: y }] of beside.entries()) {
      for (const [column, { start: x }] of over.entries()) {
        const share = TOGETHER[row]![column]! / TOGETHER[row]![row]!;
        const expected = [0x0b, 0x4f, 0x8a].map((deep) => 255 + (deep - 255) * share);
        const found = table.at(x + half - 20, y + half - 20);
        expected.forEach((value, band) => expect(Math.abs(found[band]! - value), `${info.classes[row]!.name} with ${info.classes[column]!.name}`).toBeLessThanOrEqual(1));
      }
    }
  });

  it('of pictures with masks have the legend\'s colours and shares of pixels', async () => {
    const legend = [['field', '#c8a030', 30], ['wood', '#107020', 60], ['lake', '#2040d0', 10]] as const;
    put('maps/classes.json', JSON.stringify({ classes: legend.map(([name, color], id) => ({ id, name, color: [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) })), ignore: { color: [0, 0, 0] } }));
    const colorOf = (i: number): readonly number[] => { const [, color] = i < 30 ? legend[0] : i < 90 ? legend[1] : legend[2]; return i >= 100 ? [0, 0, 0] : [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)); };
    const raw = { width: 12, height: 10, channels: 3 as const };
    put('maps/images/a.png', await sharp(Buffer.alloc(360, 77), { raw }).png().toBuffer());
    put('maps/masks/a.png', await sharp(Buffer.from(Array.from({ length: 120 }, (_, i) => colorOf(i)).flat()), { raw }).png().toBuffer());
    const info = await datasetInfo({ data: join(folder, 'maps'), output: join(folder, 'look-maps') });
    expect(info.classes.map(({ name, color, count }) => [name, color, count])).toEqual(legend);
    expect(info.ignoredShare).toBeCloseTo(20 / 120, 12);
    const chart = await drawn(info, 'classes.png');
    const bars = legend.map(([, color]) => chart.find(color));
    const lengths = bars.map(({ x0, x1 }) => x1 - x0 + 1);
    expect(lengths[0]! / lengths[1]!).toBeCloseTo(0.5, 2);
    expect(lengths[2]! / lengths[1]!).toBeCloseTo(1 / 6, 2);
    expect(bars[1]!.y1).toBeLessThan(bars[0]!.y0);
    expect(bars[0]!.y1).toBeLessThan(bars[2]!.y0);
    expect(info.files.map((file) => file.replace(/^.*\//, ''))).toEqual(['classes.png', 'samples.png']);
  });
});
