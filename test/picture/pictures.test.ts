import { describe, expect, it } from 'vitest';
import { barChart, contactSheet, lineChart, renderChipMap, renderThemePreview } from '../../src/picture/index.js';
import type { Picture } from '../../src/picture/index.js';
import { decode } from './pixels.js';

const LAND = '#8429f6';
const WATER = '#1f78b4';

describe('renderThemePreview', () => {
  const width = 700;
  const height = 500;
  const scene = plain(width, height, [100, 100, 100]);
  const classes = new Uint8Array(width * height).map((_, i) => (i % width < 350 ? 0 : i % width < 525 ? 1 : 255));
  const legend = [{ value: 0, name: 'land', color: LAND, share: 2 / 3, areaHa: 1.5 }, { value: 1, name: 'water', color: WATER, share: 1 / 3, areaHa: 0.75 }];

  it('lays the class colours over the scene, and nothing over nodata', async () => {
    const pixels = await decode(await renderThemePreview({ scene, classes, legend, nodata: 255, title: 'a map', panels: ['overlay'], opacity: 0.5 }));
    // 128/255 of the class colour over grey 100
    const blended = (value: number): number => 100 + (value - 100) * (128 / 255);
    const map = { x: 32, y: 72 };
    closeTo(pixels.at(map.x + 100, map.y + 100), [blended(0x84), blended(0x29), blended(0xf6)]);
    closeTo(pixels.at(map.x + 400, map.y + 400), [blended(0x1f), blended(0x78), blended(0xb4)]);
    closeTo(pixels.at(map.x + 650, map.y + 250), [100, 100, 100]);
  });

  it('has a legend with a swatch per class, a title, and a scale bar of a round length', async () => {
    const png = await renderThemePreview({ scene, classes, legend, nodata: 255, title: 'a map', panels: ['overlay'], metresPerPixel: 2 });
    const pixels = await decode(png);
    for (const color of [LAND, WATER]) {
      const swatch = pixels.find(color);
      expect(swatch.count).toBeGreaterThan(150);
      expect(swatch.x1 - swatch.x0).toBeLessThan(16);
      expect(swatch.x0).toBeGreaterThan(32 + width);
    }
    expect(pixels.ink(32, 30, 200, 26)).toBeGreaterThan(100);
    // A quarter of the map is 350 m: the bar is 200 m, 100 pixels.
    const bar = pixels.find('#1f2933');
    const row = 72 + height - 18;
    expect(bar.y1).toBeLessThanOrEqual(row + 4);
    let length = 0;
    for (let x = 32; x < 32 + width; x++) if (pixels.at(x, row)[0] === 0x1f) length++;
    expect(Math.abs(length - 100)).toBeLessThanOrEqual(1);
  });

  it('is at most 2000 pixels along each edge, for tall, wide and tiny scenes and hundreds of classes', async () => {
    const many = Array.from({ length: 200 }, (_, value) => ({ value, name: `class number ${value}`, color: '#123456', share: 0.005 }));
    for (const [w, h] of [[1200, 1200], [30, 1500], [1500, 20], [1, 1]] as const) {
      const pixels = await decode(await renderThemePreview({ scene: plain(w, h, [9, 9, 9]), classes: new Uint8Array(w * h), legend: many, title: 't' }));
      expect(Math.max(pixels.width, pixels.height), `${w} × ${h}`).toBeLessThanOrEqual(2000);
    }
  });

  it('takes any text', async () => {
    const title = '<script>&"\' \u0000\u0007 \ud800 中文.tif';
    const pixels = await decode(await renderThemePreview({ scene, classes, legend, title, subtitle: title, footnote: title }));
    expect(pixels.ink(32, 30, 300, 26)).toBeGreaterThan(100);
  });

  it('refuses ids of another size', async () => {
    await expect(renderThemePreview({ scene, classes: new Uint8Array(3), legend, title: 't' })).rejects.toThrow(RangeError);
  });
});

describe('renderChipMap', () => {
  it('colours the cells, and only inside the scene', async () => {
    const cells = [{ x: 0, y: 0, width: 400, height: 400, color: '#ff0000' }, { x: 400, y: 0, width: 400, height: 400 }, { x: 400, y: 400, width: 800, height: 800, color: '#0000ff' }];
    const pixels = await decode(await renderChipMap({
      scene: plain(800, 800, [0, 0, 0]), sceneWidth: 800, sceneHeight: 800, cells, opacity: 1, title: 'chips', legend: { entries: [{ name: 'a', color: '#ff0000' }] },
    }));
    expect(pixels.at(32 + 200, 72 + 200)).toEqual([255, 0, 0, 255]);
    expect(pixels.at(32 + 600, 72 + 200)).toEqual([0, 0, 0, 255]);
    expect(pixels.at(32 + 600, 72 + 600)).toEqual([0, 0, 255, 255]);
    expect(pixels.find('#0000ff').x1).toBeLessThan(32 + 800);
  });

  it('lays nothing over pixels without data', async () => {
    const scene = plain(800, 800, [9, 9, 9]);
    for (let pixel = 0; pixel < 800 * 400; pixel++) scene.data[pixel * 4 + 3] = 0;
    const cells = [{ x: 0, y: 0, width: 800, height: 800, color: '#ff0000' }];
    const pixels = await decode(await renderChipMap({ scene, sceneWidth: 800, sceneHeight: 800, cells, opacity: 1, title: 'chips', legend: { entries: [{ name: 'a', color: '#ff0000' }] } }));
    expect(pixels.at(32 + 400, 72 + 200)).not.toEqual([255, 0, 0, 255]);
    expect(pixels.at(32 + 400, 72 + 600)).toEqual([255, 0, 0, 255]);
  });
});

describe('contactSheet', () => {
  it('shows every picture above its caption, the query in a frame', async () => {
    const items = [[250, 0, 0], [0, 250, 0], [0, 0, 250]].map((color, i) => ({ picture: plain(64, 64, color), caption: `item ${i}`, highlighted: i === 0 }));
    const pixels = await decode(await contactSheet({ title: 'sheet', items, columns: 3 }));
    const [red, green, blue] = ['#fa0000', '#00fa00', '#0000fa'].map((color) => pixels.find(color));
    for (const box of [red!, green!, blue!]) expect(box.count).toBeGreaterThan(210 * 210);
    expect(red!.x1).toBeLessThan(green!.x0);
    expect(green!.x1).toBeLessThan(blue!.x0);
    expect(pixels.find('#c2410c').count).toBeGreaterThan(1000);
    expect(pixels.ink(green!.x0, green!.y1 + 4, 60, 24)).toBeGreaterThan(50);
  });

  it('stays within 2000 pixels for a thousand items and says how many it leaves out', async () => {
    const items = Array.from({ length: 3000 }, () => ({ picture: plain(8, 8, [1, 2, 3]), caption: 'x', lines: ['a', 'b', 'c'] }));
    const pixels = await decode(await contactSheet({ title: 'many', items }));
    expect(Math.max(pixels.width, pixels.height)).toBeLessThanOrEqual(2000);
  });

  it('says so where a picture is missing', async () => {
    const pixels = await decode(await contactSheet({ title: 'none', items: [{ caption: 'gone' }] }));
    expect(pixels.find('#eef1f5').count).toBeGreaterThan(1000);
  });
});

describe('charts', () => {
  it('draws curves in their colours, rising to the right where the values rise', async () => {
    const points = Array.from({ length: 11 }, (_, x) => ({ x, y: x * 10 }));
    const pixels = await decode(await lineChart({ title: 'curve', xLabel: 'epoch', yLabel: 'loss', series: [{ name: 'up', color: '#00aa00', points: [...points, { x: 11, y: Number.NaN }] }] }));
    const line = pixels.find('#00aa00');
    expect(line.count).toBeGreaterThan(500);
    let firstRow = 0;
    let lastRow = 0;
    for (let y = 110; y < 500; y++) {
      if (pixels.at(130, y)[1] > 150 && pixels.at(130, y)[0] < 80) firstRow = y;
      if (pixels.at(880, y)[1] > 150 && pixels.at(880, y)[0] < 80) lastRow = y;
    }
    expect(firstRow).toBeGreaterThan(lastRow + 200);
  });

  it('draws bars as long as their values', async () => {
    const pixels = await decode(await barChart({ title: 'bars', bars: [{ name: 'a', value: 1, color: '#aa0000' }, { name: 'b', value: 0.25, color: '#0000aa' }, { name: 'none', value: 0, color: '#00aa00' }] }));
    const a = pixels.find('#aa0000');
    const b = pixels.find('#0000aa');
    expect((b.x1 - b.x0 + 1) / (a.x1 - a.x0 + 1)).toBeCloseTo(0.25, 2);
    expect(pixels.find('#00aa00').count).toBe(0);
  });

  it('draws something sensible of one point, of no points and of no bars', async () => {
    for (const points of [[], [{ x: 3, y: 5 }]]) {
      const pixels = await decode(await lineChart({ title: 'few', xLabel: 'x', yLabel: 'y', series: [{ name: 's', points }] }));
      expect(pixels.width).toBe(960);
    }
    expect((await decode(await barChart({ title: 'none', bars: [] }))).width).toBe(900);
  });
});

function plain(width: number, height: number, [r, g, b]: readonly number[]): Picture {
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < data.length; i += 4) data.set([r!, g!, b!, 255], i);
  return { data, width, height };
}

function closeTo(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, i) => expect(Math.abs(actual[i]! - value), `${actual.join()} for ${expected.join()}`).toBeLessThanOrEqual(1.5));
}
