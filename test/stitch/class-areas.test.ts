import { describe, expect, it } from 'vitest';
import { classAreas, createClassMeter } from '../../src/stitch/index.js';

const names = [{ value: 0, name: 'water' }, { value: 2, name: 'forest' }];

describe('createClassMeter', () => {
  it('counts pixels, shares of those with data, and area row by row', () => {
    const meter = createClassMeter(4, (y) => 100 * (y + 1));
    meter.push(Uint8Array.of(0, 0, 2, 255, 2, 2, 2, 2), 2);
    meter.push(Uint8Array.of(0, 255, 255, 255), 1);
    expect(classAreas(meter.sums, names)).toEqual([
      { id: 0, name: 'water', pixels: 3, share: 3 / 8, areaHa: (2 * 100 + 300) / 10_000 },
      { id: 2, name: 'forest', pixels: 5, share: 5 / 8, areaHa: (100 + 4 * 200) / 10_000 },
    ]);
  });

  it('goes on from its sums', () => {
    const first = createClassMeter(2, (y) => y);
    first.push(Uint8Array.of(0, 2, 2, 2), 2);
    const second = createClassMeter(2, (y) => y);
    second.restore(JSON.parse(JSON.stringify(first.sums)) as typeof first.sums, 2);
    second.push(Uint8Array.of(0, 0), 1);
    first.push(Uint8Array.of(0, 0), 1);
    expect(second.sums).toEqual(first.sums);
  });

  it('gives no area where the ground size is unknown, and no share of nothing', () => {
    const meter = createClassMeter(2);
    meter.push(Uint8Array.of(255, 255), 1);
    expect(classAreas(meter.sums, names)[0]).toEqual({ id: 0, name: 'water', pixels: 0, share: 0 });
  });
});
